"""A copy of the project with the files and lines of a new op in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SLICE = Path(__file__).resolve().parent / "slice"
#: Where the new files of the slice go.
NEW_FILES = {"scale.py": "host/oracle", "scale.hpp": "hls/include/trivit"}
_FOLDERS = ("host", "hls", "tools", "models", "docs", "hw_tests")
_IGNORED = shutil.ignore_patterns("__pycache__", "build", "recipe", "*.png", "*.json*")


class CopiedTree:
    """The tree in ``root/trivit``, whose packages shadow those of this process' environment."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "trivit"
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, self.folder / name, ignore=_IGNORED)
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (root, self.folder / "hw_tests"))),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def add_slice(self) -> list[str]:
        """Add the op `scale`; return the files that it adds or changes.

        Raises:
            AssertionError: a line before which something goes does not stand in its file once.
        """
        changed = []
        for file, folder in NEW_FILES.items():
            shutil.copy(SLICE / file, self.folder / folder)
            changed.append(f"{folder}/{file}")
        insertions = yaml.safe_load((SLICE / "insertions.yaml").read_text(encoding="utf-8"))
        for file, entries in insertions.items():
            path = self.folder / file
            text = path.read_text(encoding="utf-8")
            for entry in entries:
                line = f"\n{entry['before']}\n"
                assert text.count(line) == 1, f"{file} has {text.count(line)} lines {line!r}"
                text = text.replace(line, f"\n{entry['text']}{line[1:]}")
            path.write_text(text, encoding="utf-8")
            changed.append(file)
        return changed

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python on the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
