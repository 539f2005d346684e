"""Build the wheel from a copy of ``host/`` that lies as it will be imported."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT

_PROJECT = Path(__file__).with_name("pyproject.toml")
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def build_wheel(folder: Path) -> Path:
    """Write ``trivit_host-VERSION-py3-none-any.whl`` into a folder and return its path.

    Nothing is written beside the sources, and nothing is downloaded.

    Raises:
        ToolsError: no checkout, or setuptools refuses.
        OSError: the folder cannot be written.
    """
    if not _PROJECT.is_file() or not (ROOT / "LICENSE").is_file():
        raise ToolsError(f"{ROOT} is no checkout of trivit: the wheel is built from its sources")
    with tempfile.TemporaryDirectory() as name:
        project = Path(name, "project")
        left_out = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")
        shutil.copytree(ROOT / "host", project / "trivit" / "host", ignore=left_out)
        shutil.copy(ROOT / "LICENSE", project)
        shutil.copy(_PROJECT, project)
        command = [sys.executable, "-c", _BUILD, name]
        result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if result.returncode:
            lines = result.stderr.strip().splitlines() or ["no message"]
            raise ToolsError(f"setuptools cannot build the wheel: {lines[-1]}")
        built = Path(name, result.stdout.splitlines()[-1])
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{built.name}"
        shutil.copy(built, temporary)
        return temporary.replace(folder / built.name)
