"""The kernel compiled for a processor: a shared library, kept until sources or compiler change."""

import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trivit.host.backends.compile_cache import (
    KERNEL_FOLDER,
    cache_folder,
    unwritable,
)
from trivit.host.errors import HostError

#: Environment variable that names another processor than this one, as g++'s -march does.
MARCH_VARIABLE = "TRIVIT_EMULATOR_MARCH"
_FLAGS = ("-std=c++14", "-O3", "-Wno-unknown-pragmas", "-shared", "-fPIC")
_NOT_WRITABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG),
    *(errno.ENOTDIR, errno.EIO),
)
#: A compilation needs more than this; with less left, the disk is why it failed.
_LEAST_FREE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class LibrarySources:
    """What one library is made of; paths are below the kernel's folder.

    ``headers`` are folders whose files decide whether a cached library still serves, but for those
    in ``foreign``.
    """

    name: str
    sources: tuple[str, ...]
    headers: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


EMULATOR = LibrarySources(
    name="emulator",
    sources=("src/trivit_kernel.cpp", "emulator/emulator.cpp"),
    headers=("emulator", "generated", "include", "src"),
    foreign=("include/trivit/training", "emulator/training.cpp"),
)


def chosen_march() -> str:
    """Return the processor to compile for: this one, unless the environment names another."""
    return os.environ.get(MARCH_VARIABLE) or "native"


def build_library(march: str | None = None, made_of: LibrarySources = EMULATOR) -> Path:
    """Return the kernel compiled for the processor ``march`` (as g++ names it).

    The library comes from the cache if that holds these very sources; otherwise it is compiled
    under a temporary name and renamed, so that several processes may build at once.

    Raises:
        HostError: no compiler, an unknown processor, a cache that cannot be written, or the
            compilation failed.
    """
    march = march or chosen_march()
    compiler = os.environ.get("CXX", "g++")
    if not all((KERNEL_FOLDER / source).is_file() for source in made_of.sources):
        raise HostError(
            f"the emulator's sources are missing under {KERNEL_FOLDER}: trivit-host has none, use "
            "the backend board or reference there; otherwise install trivit again"
        )
    if shutil.which(compiler) is None:
        raise HostError(f"the emulator needs a C++ compiler and {compiler} is missing: install g++")
    cache = cache_folder("emulator")
    library = cache / f"{made_of.name}-{_fingerprint(compiler, march, made_of)}.so"
    try:
        if library.is_file():
            return library
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = Path(folder) / "emulator.so"
            _compile(compiler, march, built, made_of)
            built.replace(library)
    except OSError as error:
        raise unwritable(cache, error.strerror or str(error), "emulator") from error
    return library


def _processor() -> str:
    """Return what -march=native depends on, so that a shared cache serves several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return os.uname().machine
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _fingerprint(compiler: str, march: str, made_of: LibrarySources) -> str:
    digest = hashlib.sha256()
    folders = [KERNEL_FOLDER / name for name in made_of.headers]
    foreign = [KERNEL_FOLDER / name for name in made_of.foreign]
    paths = [path for folder in folders for path in folder.rglob("*")]
    files = sorted(
        path
        for path in paths
        if path.suffix in (".hpp", ".cpp")
        and not any(path == other or other in path.parents for other in foreign)
    )
    for path in files:
        digest.update(str(path.relative_to(KERNEL_FOLDER)).encode())
        digest.update(path.read_bytes())
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    flags = [*_FLAGS, *made_of.flags]
    digest.update("\0".join([version.stdout, _processor(), march, *flags]).encode())
    return digest.hexdigest()[:16]


def _compile(compiler: str, march: str, built: Path, made_of: LibrarySources) -> None:
    command = [compiler, *_FLAGS, *made_of.flags, f"-march={march}"]
    command += [f"-I{KERNEL_FOLDER}", f"-I{KERNEL_FOLDER / 'include'}"]
    command += [*(str(KERNEL_FOLDER / source) for source in made_of.sources), "-o", str(built)]
    # The compiler's own temporary files lie beside the library: one disk to write to, and to name.
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(built.parent)}
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, errors="replace"
    )
    if result.returncode == 0:
        return
    cache = built.parents[1]
    for number in _NOT_WRITABLE:
        if os.strerror(number) in result.stderr:
            raise unwritable(cache, os.strerror(number), "emulator")
    if shutil.disk_usage(cache).free < _LEAST_FREE_BYTES:
        raise unwritable(cache, os.strerror(errno.ENOSPC), "emulator")
    errors = [line for line in result.stderr.splitlines() if "error" in line]
    # The compiler's driver only repeats that a part of it failed.
    causes = [line for line in errors if "returned" not in line]
    reason = (causes or errors or ["no message"])[0]
    if march != "native" and "-march" in reason:
        reason += f" ({MARCH_VARIABLE} or --march names the processor, native is this one)"
    raise HostError(f"{compiler} could not compile the kernel: {reason}")
