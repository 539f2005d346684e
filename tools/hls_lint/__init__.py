"""Rules for the HLS blocks that g++ ignores and a synthesis would tell late (README.md)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trivit.tools.hls_lint.finding import Finding
from trivit.tools.hls_lint.forbidden import check_forbidden
from trivit.tools.hls_lint.interpret import Interpreter
from trivit.tools.hls_lint.parse import parse, tops
from trivit.tools.hls_lint.pragmas import check_pragmas
from trivit.tools.hls_lint.syntax import Tree

__all__ = ["Finding", "check"]


def check(paths: Sequence[Path]) -> list[Finding]:
    """Return what breaks a rule in sources and in what they include, in the order of the lines.

    Functions of a source itself that no other one of them calls are top functions.

    Raises:
        OSError: a source cannot be read.
        ToolsError: there is no g++, or no ap_types.
    """
    found: set[Finding] = set()
    seen: set[Path] = set()
    # libclang is where the time goes, and it leaves Python to others.
    with ThreadPoolExecutor(max_workers=2) as readers:
        units = list(readers.map(parse, paths))
    for unit in units:
        found.update(unit.findings)
        for file in set(unit.files) - seen:
            found.update(check_pragmas(file.read_text("utf-8"), file))
        interpreter = Interpreter(Tree(), unit.pragmas)
        check_forbidden(unit, seen, interpreter.find)
        for function in [] if unit.findings else tops(unit):  # what does not compile is not run
            interpreter.run(interpreter.tree.function(function))
        found |= interpreter.findings
        seen.update(unit.files)
    return sorted(found)
