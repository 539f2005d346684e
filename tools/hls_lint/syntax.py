"""The syntax tree of a function as libclang has it, without what no rule asks for.

Function templates and members of class templates come as they were instantiated: types, sizes and
constants are those of the call.
"""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass, field
from typing import Any

from clang import cindex

#: Cursors of libclang; the package has no types.
Cursor = Any

#: In the order of CXBinaryOperatorKind and CXUnaryOperatorKind.
_BINARY = (
    *("", ".*", "->*", "*", "/", "%", "+", "-", "<<", ">>", "<=>", "<", ">", "<=", ">=", "=="),
    *("!=", "&", "^", "|", "&&", "||", "=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&="),
    *("^=", "|=", ","),
)
_UNARY = ("", "++", "--", "++", "--", "&", "*", "+", "-", "~", "!")
_OPERATORS = {"BINARY_OPERATOR", "COMPOUND_ASSIGNMENT_OPERATOR", "UNARY_OPERATOR"}
_LEAVES = {
    *("INTEGER_LITERAL", "CXX_BOOL_LITERAL_EXPR", "CHARACTER_LITERAL", "DECL_REF_EXPR"),
    *("MEMBER_REF_EXPR", "CXX_UNARY_EXPR", "SIZE_OF_PACK_EXPR"),
}
#: Of no consequence when they have one operand.
_WRAPPERS = {
    *("UNEXPOSED_EXPR", "PAREN_EXPR", "CSTYLE_CAST_EXPR", "CXX_STATIC_CAST_EXPR"),
    *("CXX_FUNCTIONAL_CAST_EXPR", "CXX_CONST_CAST_EXPR", "CXX_REINTERPRET_CAST_EXPR"),
}
_NAMES = {"TYPE_REF", "NAMESPACE_REF", "TEMPLATE_REF", "OVERLOADED_DECL_REF", "MEMBER_REF"}
_CODE = {"FUNCTION_DECL", "CXX_METHOD", "CONSTRUCTOR", "CONVERSION_FUNCTION"}
_INTEGER = 1  # CXEval_Int


def _library() -> Any:
    library = cindex.conf.lib
    pointer = ctypes.c_void_p
    functions: dict[str, tuple[Any, Any]] = {
        "clang_Cursor_Evaluate": (cindex.Cursor, pointer),
        "clang_getCursorBinaryOperatorKind": (cindex.Cursor, ctypes.c_int),
        "clang_getCursorUnaryOperatorKind": (cindex.Cursor, ctypes.c_int),
        "clang_EvalResult_getKind": (pointer, ctypes.c_int),
        "clang_EvalResult_getAsLongLong": (pointer, ctypes.c_longlong),
        "clang_EvalResult_dispose": (pointer, None),
    }
    for name, (argument, result) in functions.items():
        getattr(library, name).argtypes = [argument]
        getattr(library, name).restype = result
    return library


_LIBRARY = _library()


@dataclass
class Declaration:
    """A variable, parameter or field. ``dims`` of an array, outermost first."""

    key: int
    name: str
    constant: bool
    reference: bool  # or a pointer
    shared: bool  # one for all calls: static, or outside of functions
    stream: bool
    dims: tuple[int, ...]
    scalar: bool
    limits: tuple[float, float]  # of an integer


@dataclass
class Node:
    """Part of a body. ``children`` of a call are its arguments, ``base`` the object it is of."""

    kind: str
    name: str
    path: str
    line: int
    value: int | None = None
    operator: str = ""
    declaration: Declaration | None = None
    callee: Cursor = None
    base: Node | None = None
    children: list[Node] = field(default_factory=list)
    returns: bool = False  # a call with a value


@dataclass
class Function:
    """A body with its parameters. ``assigned`` holds keys of variables that do not stay."""

    key: int
    name: str
    parameters: list[Declaration]
    body: Node | None
    initialisers: list[Node]
    assigned: set[int]
    returns_reference: bool


def is_foreign(cursor: Cursor) -> bool:
    """Return whether a header that is not ours declares it."""
    return cursor.location.file is None or cursor.location.is_in_system_header


def array_of(type_: Any) -> tuple[tuple[int, ...], Any]:
    """Return sizes and element of a type; no sizes when it is no array."""
    type_ = type_.get_canonical()
    if type_.kind in (cindex.TypeKind.LVALUEREFERENCE, cindex.TypeKind.RVALUEREFERENCE):
        type_ = type_.get_pointee()
    dims = []
    while type_.kind == cindex.TypeKind.CONSTANTARRAY:
        dims.append(int(type_.element_count))
        type_ = type_.element_type
    return tuple(dims), type_


def is_stream(type_: Any) -> bool:
    """Return whether a canonical type is an ``hls::stream``."""
    return str(type_.spelling).removeprefix("const ").startswith("hls::stream<")


def _limits(type_: Any) -> tuple[float, float]:
    """Return the least and the largest integer of a type."""
    wide = re.match(r"(?:const )?ap_(u?)int<(\d+)>", type_.spelling)
    if wide:
        unsigned, bits = bool(wide.group(1)), int(wide.group(2))
    elif type_.kind.name in ("UCHAR", "USHORT", "UINT", "ULONG", "ULONGLONG", "BOOL"):
        unsigned, bits = True, 1 if type_.kind.name == "BOOL" else 8 * int(type_.get_size())
    elif type_.kind.name in ("CHAR_S", "SCHAR", "SHORT", "INT", "LONG", "LONGLONG"):
        unsigned, bits = False, 8 * int(type_.get_size())
    else:
        return -math.inf, math.inf
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _evaluate(cursor: Cursor) -> int | None:
    result = _LIBRARY.clang_Cursor_Evaluate(cursor)
    if not result:
        return None
    integer = _LIBRARY.clang_EvalResult_getKind(result) == _INTEGER
    value = int(_LIBRARY.clang_EvalResult_getAsLongLong(result)) if integer else None
    _LIBRARY.clang_EvalResult_dispose(result)
    return value


class Tree:
    """Functions and declarations of one translation unit, each read once."""

    def __init__(self) -> None:
        self._functions: dict[int, Function] = {}
        self._declarations: dict[int, Declaration] = {}

    def function(self, cursor: Cursor) -> Function:
        """Return a function's definition; without a body when there is none to see."""
        cursor = cursor.get_definition() or cursor
        key = int(cursor.hash)
        if key not in self._functions:
            children = list(cursor.get_children())
            parameters = [self.declare(c) for c in children if c.kind.name == "PARM_DECL"]
            bodies = [self.build(c) for c in children if c.kind.name == "COMPOUND_STMT"]
            initialisers = [self.build(c) for c in children if c.kind.is_expression()]
            body = bodies[0] if bodies else None
            assigned: set[int] = set()
            for part in [*bodies, *initialisers]:
                self._collect_assigned(part, assigned)
            name = str(cursor.spelling)
            result = cursor.result_type.get_canonical().kind
            reference = result == cindex.TypeKind.LVALUEREFERENCE
            made = Function(key, name, parameters, body, initialisers, assigned, reference)
            self._functions[key] = made
        return self._functions[key]

    def declare(self, cursor: Cursor) -> Declaration:
        """Return what is known of a variable, parameter or field."""
        key = int(cursor.hash)
        if key not in self._declarations:
            type_ = cursor.type.get_canonical()
            reference = type_.kind in (
                *(cindex.TypeKind.LVALUEREFERENCE, cindex.TypeKind.RVALUEREFERENCE),
                cindex.TypeKind.POINTER,
            )
            dims, element = array_of(type_)
            inner = type_.get_pointee() if type_.kind == cindex.TypeKind.POINTER else element
            inner_name = (inner if type_.kind == cindex.TypeKind.POINTER else type_).spelling
            in_function = cursor.semantic_parent.kind.name in _CODE
            static = cursor.storage_class == cindex.StorageClass.STATIC
            self._declarations[key] = Declaration(
                key=key,
                name=str(cursor.spelling),
                # The const of an array may be that of its elements.
                constant=inner.is_const_qualified() or inner_name.startswith("const "),
                reference=reference,
                shared=cursor.kind.name == "VAR_DECL" and (static or not in_function),
                stream=is_stream(inner),
                dims=dims,
                limits=_limits(inner),
                scalar=inner.kind.name not in ("RECORD", "UNEXPOSED"),
            )
        return self._declarations[key]

    def build(self, cursor: Cursor) -> Node:
        """Return a statement or an expression."""
        kind = cursor.kind.name
        if kind == "CALL_EXPR":
            return self._build_call(cursor)
        parts = [c for c in cursor.get_children() if c.kind.name not in _NAMES]
        if kind in _WRAPPERS and len(parts) == 1:
            return self.build(parts[0])
        node = self._node(kind, cursor)
        if kind in _LEAVES:
            node.value = _evaluate(cursor)
        if kind in ("DECL_REF_EXPR", "MEMBER_REF_EXPR"):
            referenced = cursor.referenced
            if referenced and referenced.kind.name in ("VAR_DECL", "PARM_DECL", "FIELD_DECL"):
                node.declaration = self.declare(referenced)
        elif kind == "VAR_DECL":
            node.declaration = self.declare(cursor)
        elif kind in _OPERATORS:
            unary = kind == "UNARY_OPERATOR"
            node.operator = (
                _UNARY[min(_LIBRARY.clang_getCursorUnaryOperatorKind(cursor), 10)]
                if unary
                else _BINARY[_LIBRARY.clang_getCursorBinaryOperatorKind(cursor)]
            )
        elif kind == "TYPEDEF_DECL":
            node.callee = cursor  # its type is asked for by a pragma
        node.children = [self.build(part) for part in parts]
        return node

    def _build_call(self, cursor: Cursor) -> Node:
        node = self._node("CALL_EXPR", cursor)
        callee = cursor.referenced
        arguments = [a for a in cursor.get_arguments() if a is not None and a.kind.name != "NULL"]
        node.children = [self.build(argument) for argument in arguments]
        node.returns = cursor.type.get_canonical().kind != cindex.TypeKind.VOID
        if callee is not None and callee.kind.name in _CODE:
            node.callee = callee
            node.name = str(callee.spelling)
        parts = [c for c in cursor.get_children() if c.kind.name not in _NAMES]
        operator = node.name.startswith("operator") and len(arguments) == len(parts) - 1
        if operator and arguments:
            if node.callee is not None and node.callee.kind.name == "CXX_METHOD":
                node.base = node.children.pop(0)
        elif parts and parts[0].kind.name == "MEMBER_REF_EXPR":
            objects = [c for c in parts[0].get_children() if c.kind.name not in _NAMES]
            node.base = self.build(objects[0]) if objects else self._node("CXX_THIS_EXPR", cursor)
        return node

    def _node(self, kind: str, cursor: Cursor) -> Node:
        location = cursor.location
        path = location.file.name if location.file else ""
        return Node(kind, str(cursor.spelling), path, int(location.line))

    def _collect_assigned(self, node: Node, assigned: set[int]) -> None:
        changed: list[Node] = []
        if node.operator in ("++", "--"):
            changed = node.children
        elif node.operator.endswith("=") and node.operator not in ("==", "!=", "<=", ">="):
            changed = node.children[:1]
        elif node.callee is not None and node.kind == "CALL_EXPR":
            types = [a.type.get_canonical() for a in node.callee.get_arguments()]
            changed = [
                argument
                for argument, type_ in zip(node.children[-len(types) :], types, strict=False)
                if type_.kind == cindex.TypeKind.LVALUEREFERENCE
                and not type_.get_pointee().is_const_qualified()
            ]
            if is_assignment(node.name):
                changed += node.children[:1] if node.base is None else [node.base]
        assigned.update(part.declaration.key for part in changed if part.declaration)
        for child in [*node.children, *([node.base] if node.base else [])]:
            self._collect_assigned(child, assigned)


def is_assignment(name: str) -> bool:
    """Return whether a function of that name changes its first operand."""
    operator = name.removeprefix("operator")
    comparisons = ("==", "!=", "<=", ">=")
    return name.startswith("operator") and (
        operator in ("++", "--") or (operator.endswith("=") and operator not in comparisons)
    )
