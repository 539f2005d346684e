"""Operands and ranges of an op, written in ``hls/kernel.yaml`` as expressions of its fields."""

import ast
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError

#: Where an operand lies: the activation banks or a region of DDR.
MEMORIES = ("banks", "params", "input", "output")
#: The error that a number outside its range gives, by the section that states the range.
RANGE_ERRORS = {"sizes": "size_limit", "numbers": "shift_range"}

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Mod: "%", ast.FloorDiv: "/"}


@dataclass(frozen=True, kw_only=True)
class Operand:
    """What an op reads or writes: ``name`` is the field that holds its address.

    ``rows`` and ``words`` are expressions; ``flag`` is the flag without which it is not there.
    """

    name: str
    writes: bool
    memory: str
    rows: str
    words: str
    flag: str = ""


@dataclass(frozen=True, kw_only=True)
class Range:
    """``least`` <= ``value`` <= ``most``, all expressions, or the op stops with an error."""

    value: str
    least: str
    most: str


@dataclass(frozen=True, kw_only=True)
class Names:
    """What expressions of an op may name: its fields, its flags, and the kernel's sizes."""

    fields: Collection[str]
    flags: Collection[str]
    sizes: Collection[str]


def _write(
    node: ast.expr, name: Callable[[str], str], choice: str, division: str, wrong: Exception
) -> str:
    """Return an expression as text; ``name`` writes a name, ``choice`` what ``a if b else c`` is.

    Only whole numbers, names, + - * % //, and choices by a flag; anything else raises ``wrong``.
    """

    def write(part: ast.expr) -> str:
        match part:
            case ast.Constant(value=int(number)):
                return str(number)
            case ast.Name(id=text):
                return name(text)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{write(operand)}"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                sign = division if isinstance(op, ast.FloorDiv) else _ARITHMETIC[type(op)]
                return f"({write(left)} {sign} {write(right)})"
            case ast.IfExp(test=ast.Name() as test, body=body, orelse=other):
                return choice.format(test=write(test), body=write(body), other=write(other))
        raise wrong

    text = write(node)
    return text[1:-1] if isinstance(node, ast.BinOp | ast.IfExp) else text


def _parsed(text: str, wrong: Exception) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise wrong from None


def cpp(text: str, names: Names, constant: Callable[[str], str]) -> str:
    """Return an expression in C++, of the fields of ``f``, in 64 bits."""
    wrong = ToolsError(f"'{text}' is no expression of an operand")

    def name(part: str) -> str:
        if part in names.flags:
            return f"f.has_{part}"
        return f"int64_t(f.{part})" if part in names.fields else constant(part)

    return _write(_parsed(text, wrong), name, "({test} ? {body} : {other})", "/", wrong)


def python(text: str, names: Names) -> str:
    """Return an expression in Python, of the mapping ``f`` and the set ``flags``."""
    wrong = ToolsError(f"'{text}' is no expression of an operand")

    def name(part: str) -> str:
        if part in names.flags:
            return f'"{part}" in flags'
        return f'f["{part}"]' if part in names.fields else part.upper()

    return _write(_parsed(text, wrong), name, "({body} if {test} else {other})", "//", wrong)


def _check(text: str, names: Names, place: str) -> str:
    wrong = ToolsError(
        f"{place}: '{text}' is no expression of the op's fields, flags and the kernel's sizes: use "
        "whole numbers, + - * % // and `A if FLAG else B`"
    )

    def name(part: str) -> str:
        if part not in (*names.fields, *names.flags, *names.sizes):
            raise ToolsError(f"{place}: '{text}' names '{part}', which is no field, flag or size")
        return part

    _write(_parsed(text, wrong), name, "({body} if {test} else {other})", "//", wrong)
    return text


def read_operands(path: Path, op: str, entry: Any, names: Names) -> tuple[Operand, ...]:
    """Return the operands of an op from `NAME: [access, memory, rows, words(, flag)]`.

    Raises:
        ToolsError: an unknown access, memory, flag, field, or expression.
    """
    operands = []
    for field, row in entry.items():
        place = f"{path}: {op}: operand {field}"
        if not isinstance(row, list) or len(row) not in (4, 5):
            raise ToolsError(f"{place} is {row!r}: write [access, memory, rows, words(, flag)]")
        access, memory, rows, words, *flag = map(str, row)
        if field not in names.fields:
            raise ToolsError(f"{place} is no field of the op: name the one that holds its address")
        for what, value, allowed in (
            ("access", access, ("read", "write")),
            ("memory", memory, MEMORIES),
            ("flag", flag[0] if flag else "", tuple(names.flags)),
        ):
            if value and value not in allowed:
                raise ToolsError(f"{place}: {what} is '{value}': use one of {', '.join(allowed)}")
        operands.append(
            Operand(
                name=field,
                writes=access == "write",
                memory=memory,
                rows=_check(rows, names, place),
                words=_check(words, names, place),
                flag=flag[0] if flag else "",
            )
        )
    return tuple(operands)


def read_ranges(path: Path, op: str, entry: Any, names: Names) -> tuple[Range, ...]:
    """Return the ranges of an op from `EXPRESSION: [least, most]`.

    Raises:
        ToolsError: something that is no pair of expressions.
    """
    ranges = []
    for value, bounds in entry.items():
        place = f"{path}: {op}: range of {value}"
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise ToolsError(f"{place} is {bounds!r}: write [least, most]")
        least, most = (_check(str(bound), names, place) for bound in bounds)
        ranges.append(Range(value=_check(str(value), names, place), least=least, most=most))
    return tuple(ranges)
