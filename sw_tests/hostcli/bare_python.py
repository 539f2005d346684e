"""A virtual environment with numpy alone, like a board's, of Python 3.10 where one is found."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy

from trivit.tools.kernel import ROOT

BOARD_PYTHON = (3, 10)


def python_3_10() -> Path | None:
    """Return an interpreter of PYNQ's version."""
    for candidate in _candidates():
        command = [str(candidate), "-c", "import sys, venv; print(*sys.version_info[:2])"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode == 0 and result.stdout.split() == list(map(str, BOARD_PYTHON)):
            return candidate
    return None


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    if found := shutil.which("python3.10"):
        yield Path(found)
    for folder in ("~/.pyenv/versions", "~/.local/share/uv/python"):
        yield from sorted(Path(folder).expanduser().glob("*3.10*/bin/python3.10"))


def make_venv(folder: Path) -> Path:
    """Create the environment and return its interpreter; a warning says when it is no 3.10."""
    base = python_3_10()
    packages = None if base is None else _numpy_for(base)
    if base is None or packages is None:
        why = "no Python 3.10 was found" if base is None else "numpy for Python 3.10 cannot be had"
        version = ".".join(map(str, sys.version_info[:2]))
        warnings.warn(f"{why}: the wheel is tested on Python {version}", stacklevel=2)
        base, packages = Path(sys.executable), Path(numpy.__path__[0]).parent
    python = _venv(base, folder / "venv")
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    for part in packages.glob("numpy*"):  # numpy and its libraries, nothing beside them
        (site / part.name).symlink_to(part)
    return python


def _numpy_for(base: Path) -> Path | None:
    """Return a folder with numpy 1 for Python 3.10, downloaded once; None without a network."""
    packages = ROOT / ".cache/numpy-3.10"
    if not packages.is_dir():
        packages.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=packages.parent) as name:
            if _pip(base, "--target", f"{name}/packages", "numpy<2").returncode:
                return None
            with contextlib.suppress(OSError):  # another process was first
                Path(name, "packages").rename(packages)
    return packages


def _venv(base: Path, folder: Path) -> Path:
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin/python"


def _pip(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "10", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def install(python: Path, wheel: Path) -> None:
    """Install a wheel without what it needs, as `make deploy` does on a board."""
    result = _pip(python, "--no-deps", str(wheel))
    assert result.returncode == 0, result.stderr


def environment() -> dict[str, str]:
    """Return an environment from which no checkout can be imported."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TRIVIT"))}
