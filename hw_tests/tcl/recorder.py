"""Runs a Tcl script of hls/tcl under tclsh with stand-ins for the vendor's commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

STAND_INS = Path(__file__).resolve().parent / "stand_ins.tcl"
_CALL = "\x01"


class VendorError(Exception):
    """What a vendor command answers to arguments that it does not take; the script sees it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a command takes: options without and with a value, and how many other arguments."""

    flags: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    least: int = 0
    most: int = 0


def options(text: str, least: int = 0, most: int | None = None) -> Options:
    """Return options from a line such as ``-force -part=``; ``=`` marks those with a value."""
    words = text.split()
    return Options(
        flags=frozenset(word for word in words if not word.endswith("=")),
        values=frozenset(word[:-1] for word in words if word.endswith("=")),
        least=least,
        most=least if most is None else most,
    )


@dataclass
class Arguments:
    """The arguments of one call, sorted."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def sort_arguments(command: str, spec: Options, words: Sequence[str]) -> Arguments:
    """Sort ``words`` by ``spec``.

    Raises:
        VendorError: an option that the command does not have, or too few or many other arguments.
    """
    found = Arguments()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in spec.flags:
            found.flags.add(word)
        elif word in spec.values:
            if not rest:
                raise VendorError(f"{command}: {word} wants a value")
            found.values[word] = rest.pop(0)
        elif word.startswith("-"):
            raise VendorError(f"{command}: unknown option {word}")
        else:
            found.others.append(word)
    if not spec.least <= len(found.others) <= spec.most:
        raise VendorError(f"{command}: {len(found.others)} arguments: {found.others}")
    return found


class Tool:
    """A vendor's tool: methods ``do_COMMAND`` and, in ``commands``, what each takes."""

    commands: ClassVar[Mapping[str, Options]] = {}

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def answer(self, words: list[str]) -> str:
        """Carry out a call.

        Raises:
            VendorError: the tool has no such command, or not with these arguments.
        """
        self.calls.append(words)
        command = words[0]
        spec = self.commands.get(command)
        if spec is None:
            raise VendorError(f'invalid command name "{command}"')
        method: Callable[[Arguments], str | None] = getattr(self, f"do_{command}")
        return method(sort_arguments(command, spec, words[1:])) or ""


@dataclass(frozen=True)
class Run:
    """How a script ended, and what it printed."""

    status: int
    output: str


def tclsh() -> str:
    """Return the path of tclsh; a test fails by its absence and says how to get it."""
    found = shutil.which("tclsh")
    if found is None:
        pytest.fail("no tclsh: run `sh tools/bootstrap.sh tcl`, or install the package tcl")
    return found


def run_script(script: Path, tool: Tool, environment: Mapping[str, str]) -> Run:
    """Run ``script`` with ``tool`` behind the commands that Tcl does not know."""
    with subprocess.Popen(
        [tclsh(), STAND_INS, script],
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        assert process.stdin and process.stdout
        output = []
        for line in process.stdout:
            if not line.startswith(_CALL):
                output.append(line)
                continue
            words = [bytes.fromhex(word[1:]).decode() for word in line[1:].split()]
            try:
                mark, text = "o", tool.answer(words)
            except VendorError as error:
                mark, text = "e", str(error)
            process.stdin.write(f"{mark}{text.encode().hex()}\n")
            process.stdin.flush()
    return Run(process.returncode, "".join(output))


def read_list(text: str) -> list[str]:
    """Return the elements of a Tcl list without backslashes."""
    elements: list[str] = []
    rest = text.strip()
    while rest:
        if rest[0] in '{"':
            end = _closing(rest)
            elements.append(rest[1:end])
            rest = rest[end + 1 :].lstrip()
        else:
            word, *more = rest.split(None, 1)
            elements.append(word)
            rest = more[0] if more else ""
    return elements


def _closing(text: str) -> int:
    if text[0] == '"':
        return text.index('"', 1)
    depth = 0
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return place
    raise VendorError(f"unmatched brace in {text!r}")


def write_list(elements: Sequence[str]) -> str:
    """Return a Tcl list of ``elements``."""
    return " ".join(f"{{{e}}}" if not e or " " in e else e for e in elements)
