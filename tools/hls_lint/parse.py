"""libclang on a source as Vitis HLS reads it: ``__SYNTHESIS__``, Xilinx's types, C++14.

The wheel of libclang has no headers: those of g++ are taken, which the benches need anyway.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clang import cindex

from trivit.tools.errors import ToolsError
from trivit.tools.hls_lint.finding import Finding
from trivit.tools.hls_lint.pragmas import Pragma, mark
from trivit.tools.hls_lint.syntax import Cursor, is_foreign

#: The project's root: the lint serves developers, who work in a checkout.
ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "hls" / "include"
CACHE = ROOT / ".cache" / "hls_lint"
_STREAM = Path(__file__).resolve().parent / "include"
_INCLUDED = re.compile(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^">]+)[">]', re.MULTILINE)
_TYPES = re.compile(r"^[ \t]*#[ \t]*include[ \t]+[<\"]ap_", re.MULTILINE)
# Xilinx's headers come first, because their __SYNTHESIS__ branch is for their compiler alone.
_PRELUDE = "#include <ap_int.h>\n#include <hls_stream.h>\n#define __SYNTHESIS__\n"
_INCOMPLETE, _FOR_SERIALIZATION = 0x02, 0x10


@dataclass(frozen=True)
class Unit:
    """A source and what it includes, as a tree, with the pragmas that its markers stand for."""

    path: Path
    cursor: Cursor
    pragmas: list[Pragma]
    findings: list[Finding]
    files: list[Path]
    translation_unit: Any  # cursors live as long


def ap_types() -> Path:
    """Return the folder of Xilinx's ``ap_int.h``; raises ToolsError without one."""
    named = os.environ.get("TRIVIT_AP_TYPES")
    wheel = Path(sys.prefix) / "hls4ml" / "hls4ml" / "templates" / "vivado" / "ap_types"
    folder = Path(named) if named else wheel
    if not (folder / "ap_int.h").is_file():
        raise ToolsError(
            f"no ap_int.h in {folder}: run `make install`, or name the folder of Xilinx's ap_types "
            "in TRIVIT_AP_TYPES"
        )
    return folder


@functools.cache
def _flags() -> tuple[str, ...]:
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-E", "-v", "-x", "c++", os.devnull]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolsError(f"{compiler} does not tell where its headers are: {error}") from error
    listed = said.split("search starts here:")[-1].split("End of search list")[0]
    system = [line.strip() for line in listed.splitlines() if line.strip()]
    folders = [str(_STREAM), str(ap_types()), *system]
    own = ["-std=c++14", "-nostdinc", "-nostdinc++", "-Wno-unknown-pragmas", f"-I{INCLUDE}"]
    return (*own, *(flag for folder in folders for flag in ("-isystem", folder)))


@functools.cache
def _prelude() -> Path:
    """Return Xilinx's headers, compiled; kept until they, g++ or libclang change."""
    headers = [*sorted(ap_types().rglob("*.h")), *_STREAM.iterdir(), Path(cindex.__file__)]
    state = [f"{header} {header.stat().st_mtime_ns}" for header in headers]
    digest = hashlib.sha256("\n".join([_PRELUDE, *_flags(), *state]).encode()).hexdigest()[:16]
    compiled = CACHE / f"{digest}.pch"
    if compiled.is_file():
        return compiled
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # one process at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if compiled.is_file():
            return compiled
        source = CACHE / f"{digest}.hpp"  # the compiled form names it: it stays
        source.write_text(_PRELUDE, "utf-8")
        partial = source.with_suffix(".partial")
        unit = cindex.Index.create().parse(
            str(source),
            args=["-x", "c++-header", *_flags()],
            options=_INCOMPLETE | _FOR_SERIALIZATION,
        )
        errors = [text for text in unit.diagnostics if text.severity >= cindex.Diagnostic.Error]
        if errors:
            raise ToolsError(f"libclang does not read Xilinx's types: {errors[0]}")
        unit.save(str(partial))
        for old in CACHE.glob("*.pch"):
            old.unlink()
        partial.replace(compiled)
    return compiled


def included(path: Path) -> list[Path]:
    """Return a source and all of ours that it includes, each once."""
    found: list[Path] = []
    waiting = [path.resolve()]
    while waiting:
        here = waiting.pop()
        if here in found:
            continue
        found.append(here)
        for name in _INCLUDED.findall(here.read_text("utf-8")):
            places = [folder / name for folder in (here.parent, INCLUDE)]
            waiting += [place.resolve() for place in places if place.is_file()][:1]
    return found


def parse(path: Path) -> Unit:
    """Return a source's tree. Raises OSError when it cannot be read, ToolsError without types."""
    pragmas: list[Pragma] = []
    files = included(path)
    texts = [(str(file), mark(file.read_text("utf-8"), file, pragmas)) for file in files]
    arguments = ["-x", "c++", *_flags(), "-D__SYNTHESIS__"]
    if any(_TYPES.search(text) for _, text in texts):
        arguments[-1:] = ["-include-pch", str(_prelude())]
    try:
        unit = cindex.Index.create().parse(str(path.resolve()), arguments, texts)
    except cindex.TranslationUnitLoadError as error:  # Xilinx's headers, compiled with others
        raise ToolsError(f"libclang cannot read {path}: remove {CACHE} and try again") from error
    at = {(pragma.path, pragma.line): pragma for pragma in pragmas}
    findings = []
    for diagnostic in unit.diagnostics:
        if diagnostic.severity < cindex.Diagnostic.Error:
            continue
        place = diagnostic.location
        file = Path(place.file.name).resolve() if place.file else path.resolve()
        pragma = at.get((file, place.line))
        said = str(diagnostic.spelling)
        if pragma and pragma.expression:
            said = f"{pragma.directive} variable = {pragma.expression}: {said}"
        findings.append(Finding(file, place.line, said))
    return Unit(path.resolve(), unit.cursor, pragmas, findings, files, unit)


def tops(unit: Unit) -> list[Cursor]:
    """Return the functions of a source that nothing in it calls."""
    defined: dict[int, Cursor] = {}
    called: set[int] = set()

    def look(cursor: Cursor) -> None:
        for child in cursor.get_children():
            file = child.location.file
            if is_foreign(child) or Path(file.name).resolve() != unit.path:
                continue
            kind = child.kind.name
            if kind in ("NAMESPACE", "LINKAGE_SPEC", "UNEXPOSED_DECL"):
                look(child)
                continue
            if kind == "FUNCTION_DECL" and child.is_definition():
                defined[int(child.hash)] = child
            for part in child.walk_preorder():
                if part.kind.name == "CALL_EXPR" and part.referenced is not None:
                    callee = part.referenced.get_definition()
                    called.add(int(callee.hash) if callee is not None else 0)

    if unit.path.suffix == ".cpp":  # a header's functions are called from elsewhere
        look(unit.cursor)
    return [cursor for key, cursor in defined.items() if key not in called]
