"""The HLS C++ kernel itself, compiled for this machine into a shared library."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import KERNEL_VERSION, TILE_DEPTH
from trivit.host.instructions import KernelError

#: The kernel's sources lie beside this package, in a checkout as in an installed wheel.
KERNEL_FOLDER = Path(__file__).resolve().parents[2] / "hls"
_SOURCES = ("src/trivit_kernel.cpp", "emulator/emulator.cpp")
_FLAGS = ("-std=c++14", "-O3", "-march=native", "-Wno-unknown-pragmas", "-shared", "-fPIC")


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trivit"


def _processor() -> str:
    """Return what -march=native depends on, so that a shared cache serves several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return os.uname().machine
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _fingerprint(compiler: str) -> str:
    digest = hashlib.sha256()
    files = sorted(p for p in KERNEL_FOLDER.rglob("*") if p.suffix in (".hpp", ".cpp"))
    for path in files:
        digest.update(str(path.relative_to(KERNEL_FOLDER)).encode())
        digest.update(path.read_bytes())
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    digest.update("\0".join([version.stdout, _processor(), *_FLAGS]).encode())
    return digest.hexdigest()[:16]


def build_library() -> Path:
    """Return the compiled kernel, building it unless the cache holds these very sources.

    Raises:
        HostError: no compiler, or the compilation failed.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise HostError(f"the emulator needs a C++ compiler and {compiler} is missing: install g++")
    if not all((KERNEL_FOLDER / source).is_file() for source in _SOURCES):
        raise HostError(
            f"the kernel's sources are missing under {KERNEL_FOLDER}: install trivit again"
        )
    library = _cache_folder() / f"emulator-{_fingerprint(compiler)}.so"
    if library.is_file():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        built = Path(folder) / "emulator.so"
        command = [compiler, *_FLAGS, f"-I{KERNEL_FOLDER}", f"-I{KERNEL_FOLDER / 'include'}"]
        command += [*(str(KERNEL_FOLDER / source) for source in _SOURCES), "-o", str(built)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            reason = next((x for x in result.stderr.splitlines() if "error" in x), "no message")
            raise HostError(f"{compiler} could not compile the kernel: {reason}")
        built.replace(library)
    return library


class EmulatorBackend(Backend):
    """Run bundles on the compiled kernel; cycles are the kernel's own modelled count."""

    name = "emulator"

    def __init__(self) -> None:
        library = ctypes.CDLL(str(build_library()))
        library.trivit_emulator_version.restype = ctypes.c_uint32
        if library.trivit_emulator_version() != KERNEL_VERSION:
            raise HostError("the compiled kernel has another version: install trivit again")
        self._run = library.trivit_emulator_run
        self._run.restype = ctypes.c_uint32
        self._run.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_uint32] * 5

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the input regions in one start of the kernel."""
        program = np.ascontiguousarray(bundle.program, dtype=np.uint32)
        params = np.ascontiguousarray(bundle.params, dtype=np.int16)
        images = np.ascontiguousarray(inputs, dtype=np.int16)
        regions = np.zeros((len(images), bundle.output_words * TILE_DEPTH), dtype=np.int16)
        stats = np.zeros((len(program), 2), dtype=np.uint64)
        status = self._run(
            program.ctypes.data,
            params.ctypes.data,
            images.ctypes.data,
            regions.ctypes.data,
            stats.ctypes.data,
            len(program),
            len(images),
            len(params) // TILE_DEPTH,
            bundle.input_words,
            bundle.output_words,
        )
        if status:
            raise KernelError(status >> 24, status & 0xFFFFFF)
        return BatchOutput(regions=regions, saturations=stats[:, 0], cycles=stats[:, 1])
