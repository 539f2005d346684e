"""Loops: their bounds, which of them are unrolled, and divisions in those that are pipelined."""

from __future__ import annotations

import math
import operator as operators
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trivit.tools.hls_lint.directives import number
from trivit.tools.hls_lint.expressions import Frame
from trivit.tools.hls_lint.syntax import Node
from trivit.tools.hls_lint.values import Linear, combine, unknown

if TYPE_CHECKING:
    from trivit.tools.hls_lint.interpret import Interpreter

#: Iterations that are followed one by one at most.
_MOST = 1 << 16
_COMPARISONS = {
    **{"<": operators.lt, "<=": operators.le, ">": operators.gt, ">=": operators.ge},
    **{"!=": operators.ne},
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


def _operation(node: Node) -> tuple[str, list[Node]]:
    """Return operator and operands, of a class's operator too."""
    if node.kind == "CALL_EXPR" and node.name.startswith("operator"):
        base = [node.base] if node.base else []
        return node.name.removeprefix("operator"), [*base, *node.children]
    return node.operator, node.children


def _key(node: Node) -> int | None:
    return node.declaration.key if node.declaration and node.kind == "DECL_REF_EXPR" else None


def _step(interpreter: Interpreter, node: Node, key: int, now: Linear, frame: Frame) -> Linear:
    operator, parts = _operation(node)
    if operator == ",":
        parts = [part for part in parts if key in map(_key, _operation(part)[1])]
        return _step(interpreter, parts[0], key, now, frame) if len(parts) == 1 else unknown()
    if not parts or _key(parts[0]) != key:
        return unknown()
    if operator in ("++", "--"):
        return now.plus(Linear(1), 1 if operator == "++" else -1)
    frame.values[key] = now
    right = interpreter.value(parts[1], frame) if len(parts) > 1 else unknown()
    if operator == "=":
        return right
    return combine(operator.removesuffix("="), now, right) if operator[-1:] == "=" else unknown()


class _Loop:
    """``for (variable = start; variable OPERATOR bound; step)``."""

    def __init__(self, interpreter: Interpreter, node: Node, frame: Frame) -> None:
        self.interpreter, self.frame = interpreter, frame
        init, self.condition, self.step, self.body = node.children
        self.key: int | None = None
        self.limits = (-math.inf, math.inf)
        self.wraps = False
        self.start = unknown()
        first = init.children[0] if init.children else None
        if init.kind == "DECL_STMT" and first is not None and first.declaration is not None:
            interpreter.walk(init, frame)
            self.key = first.declaration.key
            self.limits = first.declaration.limits
            if first.children:
                self.start = interpreter.value(first.children[-1], frame)
        elif first is not None and _operation(init)[0] == "=":
            self.key = _key(_operation(init)[1][0])
            self.start = interpreter.value(init, frame)

    def values(self) -> list[int] | None:
        """Return what the variable is in each iteration; None when that is not known."""
        operator, parts = _operation(self.condition)
        if self.key is None or operator not in _COMPARISONS or len(parts) != 2:
            return None
        if _key(parts[1]) == self.key:
            operator, parts = _TURNED[operator], parts[::-1]
        bound = self.interpreter.value(parts[1], self.frame).number
        now = self.start.number
        if _key(parts[0]) != self.key or bound is None or now is None:
            return None
        values: list[int] = []
        low, high = self.limits
        while _COMPARISONS[operator](now, bound):
            values.append(now)
            after = self.stepped(Linear(now)).number
            if after is None or after == now or len(values) > _MOST:
                return None
            if low <= after <= high:
                now = after
            else:
                self.wraps = True
                return None
        return values

    def stepped(self, now: Linear) -> Linear:
        """Return the variable's next value."""
        if self.key is None:
            return unknown()
        return _step(self.interpreter, self.step, self.key, now, self.frame)

    def run(self, values: list[Linear]) -> None:
        """Run the body once for each value."""
        for value in values:
            if self.key is not None:
                self.frame.values[self.key] = value
            self.interpreter.walk(self.body, self.frame)
        if self.key is not None:
            self.frame.values.pop(self.key, None)


def run_for(interpreter: Interpreter, node: Node, frame: Frame) -> None:
    """Run a ``for`` loop as its pragmas say."""
    if len(node.children) != 4:
        interpreter.find(node, "a loop without a bound: write start, bound and step")
        interpreter.walk(node.children[-1], frame)
        return
    loop = _Loop(interpreter, node, frame)
    values = loop.values()
    marks = interpreter.marks(loop.body)
    unroll = interpreter.pragma("UNROLL", marks)
    pipeline = interpreter.pragma("PIPELINE", marks)
    flatten = pipeline or interpreter.pragma("LOOP_FLATTEN", marks, without="off")
    factor = number(unroll, "factor") if unroll else 0
    if values is not None and factor and len(values) % factor:
        assert unroll is not None
        text = f"UNROLL factor = {factor} does not divide {len(values)} iterations"
        interpreter.find(unroll, text)
    partly = bool(factor) and (values is None or factor < len(values))
    if loop.wraps:
        interpreter.find(node, "its variable wraps around before it reaches the bound")
    elif values is None:
        if frame.pipelined:
            interpreter.find(node, "a variable bound inside of a pipeline: it cannot be unrolled")
        elif unroll is not None and not factor:
            interpreter.find(node, "a variable bound cannot be unrolled without a factor")
        elif flatten is not None and frame.looped:
            text = "a variable bound of an inner loop: it cannot be flattened with the outer one"
            interpreter.find(node, text)
        elif interpreter.pragma("LOOP_TRIPCOUNT", marks) is None:
            interpreter.find(node, "a loop without a constant bound: LOOP_TRIPCOUNT tells its most")
    elif frame.pipelined and (unroll is None or partly):
        text = "a loop inside of a pipeline is unrolled: `#pragma HLS UNROLL` comes first in it"
        interpreter.find(node, text)
    if values is not None and (frame.pipelined or (unroll is not None and not partly)):
        loop.run([Linear(value) for value in values])
        return
    now = unknown()
    some = [now]
    for _ in range(1, factor if partly else 1):
        some.append(loop.stepped(some[-1]))
    with inside(frame), interpreter.pipelined(pipeline, frame):
        loop.run(some)


@contextmanager
def inside(frame: Frame) -> Iterator[None]:
    """Say that a loop is around what runs."""
    outside, frame.looped = frame.looped, True
    yield
    frame.looped = outside


def run_other(interpreter: Interpreter, node: Node, frame: Frame) -> None:
    """Run a loop that has no bound: the loop of a process, or none that a block may have."""
    if node.kind == "CXX_FOR_RANGE_STMT":
        interpreter.find(node, "a loop over a range: write start, bound and step")
        interpreter.walk(node.children[-1], frame)
        return
    process = node.kind == "DO_STMT"
    body, condition = node.children if process else (node.children[-1], node.children[0])
    pipeline = interpreter.pragma("PIPELINE", interpreter.marks(body))
    if not (process and condition.kind == "DECL_REF_EXPR" and pipeline and not frame.pipelined):
        text = (
            "a loop without a bound: a process alone has one, a pipelined `do ... while (running)`"
        )
        interpreter.find(node, text)
    if not process:
        interpreter.walk(body, frame)
        return
    with inside(frame), interpreter.pipelined(pipeline, frame):
        interpreter.walk(body, frame)
