"""DATAFLOW regions in canonical form: local streams and calls, each stream from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivit.tools.hls_lint.accesses import Accesses
from trivit.tools.hls_lint.expressions import Frame
from trivit.tools.hls_lint.pragmas import MARKER
from trivit.tools.hls_lint.syntax import Node
from trivit.tools.hls_lint.values import Place

if TYPE_CHECKING:
    from trivit.tools.hls_lint.interpret import Interpreter

_LOOPS = ("FOR_STMT", "DO_STMT", "WHILE_STMT", "CXX_FOR_RANGE_STMT")
_CHOICES = ("IF_STMT", "SWITCH_STMT", "CONDITIONAL_OPERATOR")


def check_region(interpreter: Interpreter, body: Node, frame: Frame) -> None:
    """Run a region's calls; report what Vitis HLS would run in order or refuse."""
    local: dict[Place, Node] = {}
    ends: dict[Place, list[tuple[int, Node, bool, bool]]] = {}  # call, where, reads, writes
    shared: dict[Place, list[int]] = {}
    calls = 0
    for statement in body.children:
        if statement.kind == "DECL_STMT":
            _declare(interpreter, statement, frame, local)
        elif _is_call(statement):
            calls += 1
            _call(interpreter, statement, frame, (calls, ends, shared))
        else:
            interpreter.find(statement, _refusal(statement))
            interpreter.walk(statement, frame)
    for place, users in shared.items():
        if len(users) > 1:
            interpreter.find(body, f"{place}: memory of two calls of a DATAFLOW region")
    parameters = {parameter.key for parameter in frame.function.parameters}
    used = {Place(place.owner, place.key, place.name) for place in ends}
    for place in [*ends, *(place for place in local if place not in used)]:
        whole = Place(place.owner, place.key, place.name)
        if whole in local:
            _check_local(interpreter, place, local[whole], ends)
        elif place.key in parameters or place.owner != frame.number:
            _check_port(interpreter, place, ends[place])


def _is_call(node: Node) -> bool:
    operator = node.name.startswith("operator")
    return node.kind == "CALL_EXPR" and node.callee is not None and not operator


def _declare(
    interpreter: Interpreter, statement: Node, frame: Frame, local: dict[Place, Node]
) -> None:
    interpreter.walk(statement, frame)
    for part in statement.children:
        declaration = part.declaration
        if part.kind == "TYPEDEF_DECL" and part.name.startswith(MARKER):
            continue
        if declaration is None or part.kind != "VAR_DECL":
            interpreter.find(part, _refusal(part))
        elif declaration.stream and not declaration.shared and not declaration.reference:
            local[Place(frame.number, declaration.key, declaration.name)] = part
        elif declaration.stream:
            interpreter.find(part, f"{declaration.name}: streams of a region are local, not static")
        elif any(_is_call(child) for child in part.children) and declaration.scalar:
            text = f"{declaration.name}: a call of a DATAFLOW region returns nothing, use a stream"
            interpreter.find(part, text)
        else:
            text = f"{declaration.name}: state of a DATAFLOW region, which has streams and calls"
            interpreter.find(part, text)


def _call(
    interpreter: Interpreter,
    node: Node,
    frame: Frame,
    found: tuple[int, dict[Place, list[tuple[int, Node, bool, bool]]], dict[Place, list[int]]],
) -> None:
    call, ends, shared = found
    if node.returns:
        text = f"{node.name}: a call of a DATAFLOW region returns nothing, use a stream"
        interpreter.find(node, text)
    function = interpreter.tree.function(node.callee)
    marks = interpreter.marks(function.body) if function.body else []
    if interpreter.pragma("INLINE", marks, without="off") is not None:
        interpreter.find(node, f"{node.name}: INLINE dissolves a process of a DATAFLOW region")
    before = interpreter.accesses
    interpreter.accesses = Accesses()
    for parameter, argument in zip(function.parameters, node.children, strict=False):
        if _is_call(argument):
            text = f"{argument.name}: a DATAFLOW region has no call in the arguments of another"
            interpreter.find(argument, text)
        place = interpreter.place(argument, frame) if parameter.reference else None
        if place is not None and not parameter.stream and not parameter.constant:
            shared.setdefault(place, []).append(call)
        elif place is not None and parameter.stream and not parameter.dims:
            ends.setdefault(place, [])
    interpreter.value(node, frame)
    for place in interpreter.directives.streams & set(interpreter.accesses.alternatives):
        paths = interpreter.accesses.alternatives[place]
        reads, writes = any(path[0] for path in paths), any(path[1] for path in paths)
        ends.setdefault(place, []).append((call, node, reads, writes))
    before.then(interpreter.accesses)
    interpreter.accesses = before


def _check_local(
    interpreter: Interpreter,
    place: Place,
    declared: Node,
    ends: dict[Place, list[tuple[int, Node, bool, bool]]],
) -> None:
    users = ends.get(place, [])
    writers = [call for call, _, _, writes in users if writes]
    readers = [call for call, _, reads, _ in users if reads]
    if len(writers) != 1:
        interpreter.find(declared, f"stream {place}: {len(writers)} calls write it, one must")
    elif len(readers) != 1:
        interpreter.find(declared, f"stream {place}: {len(readers)} calls read it, one must")
    elif readers[0] <= writers[0]:
        interpreter.find(declared, f"stream {place}: its reader comes before its writer")


def _check_port(
    interpreter: Interpreter, place: Place, users: list[tuple[int, Node, bool, bool]]
) -> None:
    if len(users) > 1:
        interpreter.find(users[1][1], f"stream {place}: two calls have it, a port is of one")
    for _, node, reads, writes in users:
        if reads and writes:
            interpreter.find(node, f"stream {place}: a port is read or written, not both")


def _refusal(node: Node) -> str:
    if node.kind in _LOOPS:
        return "a loop in a DATAFLOW region: it has streams and calls alone"
    if node.kind in _CHOICES:
        return "a conditional call in a DATAFLOW region: every call runs, its process decides"
    if node.operator == "=":
        return "a value in a DATAFLOW region: its calls return nothing, use a stream"
    return "a DATAFLOW region has streams and calls alone"
