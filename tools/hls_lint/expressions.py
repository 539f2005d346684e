"""Values and accesses of expressions, and what a call binds."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trivit.tools.hls_lint.accesses import Accesses
from trivit.tools.hls_lint.directives import Directives
from trivit.tools.hls_lint.finding import Finding
from trivit.tools.hls_lint.pragmas import Pragma
from trivit.tools.hls_lint.syntax import (
    Declaration,
    Function,
    Node,
    Tree,
    is_assignment,
    is_foreign,
)
from trivit.tools.hls_lint.values import Linear, Place, combine, unknown

#: Where a process may ask whether a stream has a word: it serves many (README.md there).
ARBITERS = "trivit/engine/"


@dataclass
class Frame:
    """A call: what its parameters stand for and what is known of its variables."""

    number: int
    function: Function
    this: Place | None = None
    places: dict[int, Place] = field(default_factory=dict)
    values: dict[int, Linear] = field(default_factory=dict)
    local: set[int] = field(default_factory=set)
    instance: int = 0  # whose constant tables are its own
    region: bool = False
    pipelined: bool = False
    looped: bool = False
    returned: Linear | None = None
    place: Place | None = None  # that it returns a reference to


class Expressions(ABC):
    """Evaluates expressions of one translation unit; collects accesses and what breaks a rule."""

    def __init__(self, tree: Tree, pragmas: list[Pragma]) -> None:
        self.tree = tree
        self.pragmas = pragmas
        self.findings: set[Finding] = set()
        self.directives = Directives(self.find)
        self.accesses = Accesses()
        self.calls: list[int] = []
        self.constants: dict[int, dict[str, str]] = {}  # that options name, by pragma
        self._numbers = itertools.count(1)

    @abstractmethod
    def enter(self, frame: Frame) -> None:
        """Run the body of a call."""

    def branches(self, choices: Sequence[Callable[[], object]]) -> None:
        """Run alternatives, of which an iteration takes one."""
        before = self.accesses
        together: Accesses | None = None
        for choice in choices:
            self.accesses = Accesses()
            choice()
            if together is None:
                together = self.accesses
            else:
                together.either(self.accesses)
        self.accesses = before
        if together is not None:
            before.then(together)

    def find(self, where: Node | Pragma | tuple[str, int], message: str) -> None:
        """Report a line."""
        path, line = where if isinstance(where, tuple) else (str(where.path), where.line)
        self.findings.add(Finding(Path(path).resolve(), line, message))

    def frame(self, function: Function) -> Frame:
        """Return a call that has bound nothing yet."""
        return Frame(number=next(self._numbers), function=function)

    def place(self, node: Node, frame: Frame) -> Place | None:
        """Return what an expression names, None for a value; its indices are evaluated."""
        if node.kind == "DECL_REF_EXPR" and node.declaration is not None:
            return self._variable(node.declaration, frame)
        if node.kind == "CXX_THIS_EXPR":
            return frame.this
        if node.kind == "MEMBER_REF_EXPR":
            if node.declaration is None or node.declaration.shared:
                return None if node.declaration is None else self._variable(node.declaration, frame)
            base = self.place(node.children[0], frame) if node.children else frame.this
            return None if base is None else base.field(node.name)
        if node.kind == "ARRAY_SUBSCRIPT_EXPR":
            base = self.place(node.children[0], frame)
            index = self.value(node.children[1], frame)
            return None if base is None else base.at(index)
        if node.kind == "UNARY_OPERATOR" and node.operator in ("*", "&"):
            return self.place(node.children[0], frame)
        callee = node.callee
        if node.kind == "CALL_EXPR" and callee is not None:
            if is_foreign(callee) or callee.is_default_method():
                return None
            function = self.tree.function(callee)
            if not function.returns_reference:
                return None
            called = self._inside(node, function, frame)
            return called.place or Place(called.number, 0, f"{function.name}()")
        if node.kind in ("UNEXPOSED_EXPR", "CALL_EXPR"):
            return self.place(node.children[0], frame) if len(node.children) == 1 else None
        return None

    def _variable(self, declaration: Declaration, frame: Frame) -> Place:
        if declaration.key in frame.places:
            return frame.places[declaration.key]
        if declaration.key in frame.local:
            return Place(frame.number, declaration.key, declaration.name)
        # Each instance of a function has its own copy of a constant table.
        return Place(
            frame.instance if declaration.constant else 0, declaration.key, declaration.name
        )

    def touch(self, place: Place, how: str, node: Node) -> None:
        """Count an access, if the place is an element."""
        if place.indices:
            if any(index.number is None for index in place.indices):
                self.directives.addressed.add(place.array)
            self.accesses.add(place.array, place.indices, how, (node.path, node.line))

    def value(self, node: Node, frame: Frame, how: str = "r") -> Linear:
        """Evaluate an expression; ``how`` it is used: ``r``, ``w`` or both."""
        if node.value is not None:
            return Linear(node.value)
        if node.kind in ("DECL_REF_EXPR", "MEMBER_REF_EXPR", "ARRAY_SUBSCRIPT_EXPR"):
            place = self.place(node, frame)
            if place is None:
                return unknown()
            self.touch(place, how, node)
            return self._known(node, place, frame)
        if node.kind == "CALL_EXPR":
            place = self.place(node, frame)
            if place is None:
                return self.call(node, frame, None, how)
            self.touch(place, how, node)
            return unknown()
        if node.operator:
            return self._operator(node, frame)
        if node.kind == "CONDITIONAL_OPERATOR":
            condition, yes, no = node.children
            known = self.value(condition, frame).number
            if known is not None:
                return self.value(yes if known else no, frame, how)
            self.branches([lambda: self.value(yes, frame, how), lambda: self.value(no, frame, how)])
            return unknown()
        if node.kind in ("LAMBDA_EXPR", "TYPEDEF_DECL"):
            return unknown()
        values = [self.value(child, frame, how) for child in node.children]
        return values[0] if len(values) == 1 else unknown()

    def _known(self, node: Node, place: Place, frame: Frame) -> Linear:
        declaration = node.declaration
        if declaration is None or place.path:
            return unknown()
        if declaration.key in frame.values:
            return frame.values[declaration.key]
        stays = declaration.constant or (
            declaration.scalar and declaration.key not in frame.function.assigned
        )
        return unknown((place.owner, place.key)) if stays else unknown()

    def _operator(self, node: Node, frame: Frame) -> Linear:
        operator, parts = node.operator, node.children
        if operator == "=":
            value = self.value(parts[1], frame)
            self.value(parts[0], frame, "w")
            return value
        if operator in ("&&", "||") and len(parts) == 2:
            left = self.value(parts[0], frame).number
            if left is not None and bool(left) == (operator == "||"):
                return Linear(int(bool(left)))
            right = self.value(parts[1], frame).number
            return unknown() if left is None or right is None else Linear(int(bool(right)))
        if len(parts) == 1:
            if operator in ("++", "--"):
                self.value(parts[0], frame, "rw")
                return unknown()
            if operator == "&":
                place = self.place(parts[0], frame)
                return unknown() if place is not None else self.value(parts[0], frame)
            inner = self.value(parts[0], frame)
            if operator == "!" and inner.number is not None:
                return Linear(int(not inner.number))
            return {"-": inner.times(-1), "+": inner}.get(operator, unknown())
        right_value = self.value(parts[1], frame)
        compound = operator.endswith("=") and operator not in ("==", "!=", "<=", ">=")
        left_value = self.value(parts[0], frame, "rw" if compound else "r")
        self._check_divisor(node, operator, right_value, frame)
        return unknown() if compound else combine(operator, left_value, right_value)

    # Calls

    def call(self, node: Node, frame: Frame, made: Place | None = None, how: str = "r") -> Linear:
        """Run a call; ``made`` is what a constructor makes."""
        callee = node.callee
        if callee is None:
            if node.name:
                self.find(node, f"{node.name}: a call through a pointer, what runs must be known")
            values = [self.value(child, frame) for child in node.children]
            return values[0] if len(values) == 1 else unknown()  # a copy that is left out
        if is_foreign(callee) or callee.is_default_method():
            return self._foreign(node, frame, how)
        return self._inside(node, self.tree.function(callee), frame, made).returned or unknown()

    def _inside(
        self, node: Node, function: Function, frame: Frame, made: Place | None = None
    ) -> Frame:
        called = self.frame(function)
        if function.key in self.calls:
            self.find(node, f"{function.name} calls itself: hardware has no stack")
            return called
        if function.body is None:
            for child in node.children:
                self.value(child, frame)
            return called
        called.pipelined, called.looped = frame.pipelined, frame.looped
        called.instance = called.number if frame.region else frame.instance
        called.this = made
        if node.base is not None:
            called.this = self.place(node.base, frame)
            if called.this is None:
                self.value(node.base, frame)
        for parameter, argument in zip(function.parameters, node.children, strict=False):
            self._bind(parameter, argument, frame, called)
        self.enter(called)
        return called

    def _bind(self, parameter: Declaration, argument: Node, frame: Frame, called: Frame) -> None:
        called.local.add(parameter.key)
        if parameter.reference or parameter.dims or parameter.stream:
            place = self.place(argument, frame)
            if place is not None:
                called.places[parameter.key] = place
                if place.path or not parameter.scalar or argument.declaration is None:
                    return
                called.values[parameter.key] = self._known(argument, place, frame)
                return
        value = self.value(argument, frame)
        if parameter.constant or parameter.key not in called.function.assigned:
            called.values[parameter.key] = value

    def _foreign(self, node: Node, frame: Frame, how: str) -> Linear:
        name = node.name
        parts = [*([node.base] if node.base else []), *node.children]
        if node.base is not None and self.stream_of(node):
            place = self.place(node.base, frame)
            for child in node.children:
                self.value(child, frame)
            if name == "empty" and ARBITERS in str(node.path):
                return unknown()
            if name not in ("read", "write"):
                self.find(node, f"{name}() of a stream: a block reads and writes, and waits")
            elif place is not None:
                self.directives.streams.add(place)
                self.accesses.add(place, (unknown(),), name[0], (node.path, node.line))
            return unknown()
        if is_assignment(name):
            values = [self.value(child, frame) for child in parts[1:]]
            self.value(parts[0], frame, "w" if name == "operator=" else "rw")
            operator = name.removeprefix("operator")
            if values:
                self._check_divisor(node, operator, values[0], frame)
            return unknown()
        # range(), operator[]: what they give is written when the call stands on the left.
        values = [
            self.value(part, frame, how if number == 0 and node.base else "r")
            for number, part in enumerate(parts)
        ]
        if name in ("operator/", "operator%") and len(values) == 2:
            self._check_divisor(node, name[-1], values[1], frame)
        constructor = node.callee.kind.name in ("CONSTRUCTOR", "CONVERSION_FUNCTION")
        if constructor and len(values) == 1:
            return values[0]
        operator = name.removeprefix("operator")
        if name.startswith("operator") and len(values) == 2 and operator not in ("[]", "()"):
            return combine(operator, values[0], values[1])
        return unknown()

    @staticmethod
    def stream_of(node: Node) -> bool:
        """Return whether a call is a method of ``hls::stream``."""
        return node.callee.semantic_parent.spelling == "stream"

    def _check_divisor(self, node: Node, operator: str, divisor: Linear, frame: Frame) -> None:
        if operator.removesuffix("=") in ("/", "%") and frame.pipelined and divisor.number is None:
            text = "a division by a variable in a pipeline: a divider of dozens of stages"
            self.find(node, text)
