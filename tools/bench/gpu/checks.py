"""The tests that need a GPU: which files hold some, and what their output says so far."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDERS = ("sw_tests", "hw_tests")

_MARKED = re.compile(r"\bmark\.gpu\b")
_RESULT = re.compile(r"^(\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)


def marked_files(root: Path) -> list[str]:
    """Return the files below ``root`` that mark tests with ``gpu``.

    Others are not even imported: what they need may be missing on a bare machine.
    """
    files = sorted(file for folder in FOLDERS for file in (root / folder).rglob("test_*.py"))
    return [
        str(file.relative_to(root))
        for file in files
        if _MARKED.search(file.read_text(encoding="utf-8"))
    ]


def pytest_command(python: str, files: Sequence[str]) -> list[str]:
    """Return the command that runs the tests and prints a line as each ends."""
    options = ["-m", "gpu", "-v", "--tb=short", "-p", "no:cacheprovider", "--color=no"]
    return [python, "-m", "pytest", *options, *files]


def results_so_far(output: str) -> dict[str, Any]:
    """Return the counts of pytest's verbose ``output``, and which tests failed."""
    found = {name: result.lower() for name, result in _RESULT.findall(output)}
    counts: dict[str, Any] = {
        result: sum(value == result for value in found.values())
        for result in ("passed", "failed", "error", "skipped")
    }
    failing = [name for name, result in found.items() if result in ("failed", "error")]
    return counts | {"failing": failing}
