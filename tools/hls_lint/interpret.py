"""Runs a top function on what is known at compile time, as the synthesiser unrolls and inlines it.

Every call is entered, loops that are unrolled run with each of their values, of a branch whose
condition is known only one side. What the rules ask for falls out on the way: accesses of an
iteration, trip counts, divisors, DATAFLOW regions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from trivit.tools.hls_lint import loops, regions
from trivit.tools.hls_lint.accesses import Accesses
from trivit.tools.hls_lint.expressions import Expressions, Frame
from trivit.tools.hls_lint.pragmas import MARKER, Pragma
from trivit.tools.hls_lint.syntax import Function, Node, array_of
from trivit.tools.hls_lint.values import Linear, Place, unknown

LEAVES = {"RETURN_STMT", "BREAK_STMT", "CONTINUE_STMT"}


class Interpreter(Expressions):
    """Interprets functions of one translation unit and collects what breaks a rule."""

    def run(self, function: Function) -> None:
        """Interpret a top function."""
        if function.body is None:
            return
        frame = self.frame(function)
        frame.instance = frame.number
        for parameter in function.parameters:
            place = Place(frame.number, parameter.key, parameter.name)
            frame.places[parameter.key] = place
            frame.local.add(parameter.key)
        self.enter(frame)
        self.directives.finish()

    def enter(self, frame: Frame) -> None:
        """Run the body of a call."""
        body = frame.function.body
        assert body is not None
        self.calls.append(frame.function.key)
        for part in frame.function.initialisers:
            self.value(part, frame)
        marks = self.marks(body)
        inline = self.pragma("INLINE", marks)
        if inline is not None and "off" in inline.options:
            frame.instance = frame.number
        region = self.pragma("DATAFLOW", marks)
        if region is not None:
            if frame.pipelined or frame.looped:
                what = "pipeline" if frame.pipelined else "loop"
                self.find(region, f"a {what} calls this region, and waits for all of it each time")
            frame.region = True
            regions.check_region(self, body, frame)
        else:
            with self.pipelined(self.pragma("PIPELINE", marks), frame):
                self.walk(body, frame)
        self.calls.pop()

    @contextmanager
    def pipelined(self, pragma: Pragma | None, frame: Frame) -> Iterator[None]:
        """Count what the body accesses as an iteration of a pipeline; None: nothing changes."""
        if pragma is None:
            yield
            return
        outer, outside = self.accesses, frame.pipelined
        self.accesses, frame.pipelined = Accesses(), True
        yield
        self.directives.pipelined(pragma, self.accesses)
        outer.then(self.accesses)
        self.accesses, frame.pipelined = outer, outside

    # Pragmas

    def marks(self, body: Node) -> list[tuple[Pragma, Node]]:
        """Return the pragmas that stand directly in a body."""
        found = []
        for statement in [body] if body.kind == "DECL_STMT" else body.children:
            for part in statement.children if statement.kind == "DECL_STMT" else []:
                if part.kind != "TYPEDEF_DECL" or not part.name.startswith(MARKER):
                    continue
                number, _, option = part.name.removeprefix(MARKER).partition("_")
                constants = self.constants.setdefault(int(number), {})
                if option:
                    constants[option] = str(array_of(part.callee.underlying_typedef_type)[0][0])
                    continue
                pragma = self.pragmas[int(number)]
                found.append((replace(pragma, options={**pragma.options, **constants}), part))
        return found

    def pragma(
        self, directive: str, marks: list[tuple[Pragma, Node]], without: str = ""
    ) -> Pragma | None:
        """Return the pragma of a directive, unless it has the option ``without``."""
        for pragma, _ in marks:
            if pragma.directive == directive and not (without and without in pragma.options):
                return pragma
        return None

    # Statements

    def walk(self, node: Node, frame: Frame) -> None:
        """Run a statement."""
        if node.kind == "COMPOUND_STMT":
            self._block(node.children, frame)
        elif node.kind == "DECL_STMT":
            self._declare(node, frame)
        elif node.kind in ("IF_STMT", "SWITCH_STMT"):
            self._block([node], frame)
        elif node.kind == "FOR_STMT":
            loops.run_for(self, node, frame)
        elif node.kind in ("DO_STMT", "WHILE_STMT", "CXX_FOR_RANGE_STMT"):
            loops.run_other(self, node, frame)
        elif node.kind == "RETURN_STMT":
            for child in node.children:
                if frame.function.returns_reference:
                    frame.place = self.place(child, frame)
                else:
                    value = self.value(child, frame)
                    frame.returned = value if frame.returned in (None, value) else unknown()
        else:
            self.value(node, frame)

    def _block(self, statements: list[Node], frame: Frame) -> None:
        for number, node in enumerate(statements):
            if node.kind not in ("IF_STMT", "SWITCH_STMT"):
                self.walk(node, frame)
                continue
            known = self.value(node.children[0], frame).number
            if node.kind == "SWITCH_STMT":
                choices = _cases(node.children[-1])
            elif known is None:
                choices = [[node.children[1]], node.children[2:]]
            else:
                choices = [[node.children[1]] if known else node.children[2:]]
            rest = statements[number + 1 :]
            leaving = [choice for choice in choices if choice and leaves(choice[-1])]
            staying = [choice for choice in choices if not (choice and leaves(choice[-1]))]
            if leaving:  # what follows a branch that leaves excludes it
                self._choose(leaving, (staying, rest) if staying else None, frame)
                return
            self._choose(staying, None, frame)

    def _choose(
        self,
        choices: list[list[Node]],
        other: tuple[list[list[Node]], list[Node]] | None,
        frame: Frame,
    ) -> None:
        """Run alternatives; ``other`` is one more: alternatives, and what follows them."""

        def go_on() -> None:
            assert other is not None
            self._choose(other[0], None, frame)
            self._block(other[1], frame)

        def run(choice: list[Node]) -> Callable[[], None]:
            return lambda: self._block(choice, frame)

        self.branches([*map(run, choices), *([go_on] if other else [])])

    def _declare(self, node: Node, frame: Frame) -> None:
        for pragma, part in self.marks(node):
            names = [child for child in part.children if child.kind != "PARM_DECL"]
            place = self.place(names[0], frame) if pragma.expression and names else None
            parameters = {declaration.name for declaration in frame.function.parameters}
            self.directives.apply(pragma, part.callee, place, parameters)
        for part in node.children:
            declaration = part.declaration
            if part.kind != "VAR_DECL" or declaration is None:
                continue
            if not declaration.shared:
                frame.local.add(declaration.key)
            initial = part.children[-1] if part.children else None
            if initial is not None and declaration.reference:
                place = self.place(initial, frame)
                if place is not None:
                    frame.places[declaration.key] = place
                    continue
            if initial is not None:
                here = Place(frame.number, declaration.key, declaration.name)
                value = self._initialise(initial, here, frame)
                if declaration.constant or declaration.key not in frame.function.assigned:
                    frame.values[declaration.key] = value

    def _initialise(self, node: Node, place: Place, frame: Frame) -> Linear:
        if node.callee is not None and node.callee.kind.name == "CONSTRUCTOR":
            return self.call(node, frame, place)
        return self.value(node, frame)


def leaves(node: Node) -> bool:
    """Return whether a statement ends with a return, break or continue."""
    if node.kind == "COMPOUND_STMT" and node.children:
        return leaves(node.children[-1])
    return node.kind in LEAVES


def _cases(body: Node) -> list[list[Node]]:
    """Return what each case of a switch runs, to its break."""
    choices: list[list[Node]] = [[]]
    for statement in body.children:
        inner = statement
        while inner.kind in ("CASE_STMT", "DEFAULT_STMT") and inner.children:
            if inner is statement:
                choices.append([])
            inner = inner.children[-1]
        choices[-1].append(inner)
    following: list[Node] = []
    for number in reversed(range(len(choices))):
        choice = choices[number]
        if choice and choice[-1].kind == "BREAK_STMT":
            choice = choice[:-1]
        elif not (choice and leaves(choice[-1])):
            choice = [*choice, *following]
        choices[number] = following = choice
    return choices
