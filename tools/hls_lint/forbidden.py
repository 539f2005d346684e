"""What no block may hold, whether a top function reaches it or not, and where pragmas stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clang import cindex

from trivit.tools.hls_lint.parse import Unit
from trivit.tools.hls_lint.pragmas import MARKER, Pragma
from trivit.tools.hls_lint.syntax import array_of, is_foreign

_NODES = {
    **dict.fromkeys(("CXX_NEW_EXPR", "CXX_DELETE_EXPR"), "no dynamic memory in a block"),
    **dict.fromkeys(("CXX_DYNAMIC_CAST_EXPR", "CXX_TYPEID_EXPR"), "no virtual classes in a block"),
    **dict.fromkeys(
        ("GOTO_STMT", "INDIRECT_GOTO_STMT", "CXX_THROW_EXPR", "CXX_TRY_STMT"),
        "no jumps out of a block",
    ),
    "FLOATING_LITERAL": "no floating point in a block",
}
_ALLOCATION = {"malloc", "calloc", "realloc", "free", "alloca", "aligned_alloc"}
_DECLARATIONS = {"VAR_DECL", "FIELD_DECL", "PARM_DECL"}
_FUNCTIONS = {
    *("FUNCTION_DECL", "CXX_METHOD", "CONSTRUCTOR", "DESTRUCTOR", "CONVERSION_FUNCTION"),
    "FUNCTION_TEMPLATE",
}
_LOOPS = {"FOR_STMT", "DO_STMT", "WHILE_STMT", "CXX_FOR_RANGE_STMT"}
_PLACES = {
    **dict.fromkeys(("UNROLL", "LOOP_FLATTEN", "LOOP_TRIPCOUNT"), ("a loop", _LOOPS)),
    **dict.fromkeys(("INLINE", "INTERFACE"), ("a function", _FUNCTIONS)),
    "DATAFLOW": ("a function, with no loop around the region", _FUNCTIONS),
    "PIPELINE": ("a loop or a function", _LOOPS | _FUNCTIONS),
}
_FLOATS = {
    cindex.TypeKind.FLOAT,
    cindex.TypeKind.DOUBLE,
    cindex.TypeKind.LONGDOUBLE,
    cindex.TypeKind.HALF,
}


def _walk(cursor: Any, above: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    yield cursor, above
    inner = (*above, cursor.kind.name)
    for child in cursor.get_children():
        yield from _walk(child, inner)


def check_forbidden(
    unit: Unit, seen: set[Path], find: Callable[[tuple[str, int], str], None]
) -> None:
    """Report what has no hardware, and pragmas that stand where they mean nothing.

    ``seen`` holds files that were looked at with another source.
    """
    pragmas = unit.pragmas
    for top in unit.cursor.get_children():
        if is_foreign(top) or Path(top.location.file.name).resolve() in seen:
            continue
        for cursor, above in _walk(top, ()):
            for message in _messages(cursor):
                find((cursor.location.file.name, cursor.location.line), message)
            if cursor.kind == cindex.CursorKind.TYPEDEF_DECL:
                number = cursor.spelling.removeprefix(MARKER)
                if number != cursor.spelling and number.isdigit():
                    pragma = pragmas[int(number)]
                    text = _misplaced(pragma, above)
                    if text:
                        find((str(pragma.path), pragma.line), text)


def _misplaced(pragma: Pragma, above: tuple[str, ...]) -> str:
    around = above[-3] if above[-2:] == ("COMPOUND_STMT", "DECL_STMT") else "no body"
    if around == "no body":
        return f"{pragma.directive} stands in no body"
    name, kinds = _PLACES.get(pragma.directive, ("", {around}))
    return "" if around in kinds else f"{pragma.directive} stands directly in {name}"


def _parent(cursor: Any) -> str:
    parent = cursor.semantic_parent
    return str(parent.spelling) if parent is not None else ""


def _messages(cursor: Any) -> Iterator[str]:
    kind = cursor.kind.name
    if kind in _NODES:
        yield _NODES[kind]
    elif kind in _DECLARATIONS or kind in _FUNCTIONS:
        type_ = cursor.type.get_canonical()
        if kind in _FUNCTIONS:
            type_ = cursor.result_type.get_canonical()
            if cursor.is_virtual_method():
                yield "no virtual functions in a block"
        element = array_of(type_)[1]
        if element.kind == cindex.TypeKind.POINTER:
            element = element.get_pointee()
        if element.kind in _FLOATS:
            yield "no floating point in a block"
        elif "std::" in element.spelling:
            yield "no std:: in a block: containers and algorithms have no hardware"
    elif kind == "NAMESPACE_REF" and cursor.spelling == "std":
        yield "no std:: in a block: containers and algorithms have no hardware"
    elif kind == "CALL_EXPR":
        callee = cursor.referenced
        if cursor.spelling in _ALLOCATION:
            yield "no dynamic memory in a block"
        elif callee is not None and _parent(callee) == "std":
            yield "no std:: in a block: containers and algorithms have no hardware"
        if cursor.type.get_canonical().kind in _FLOATS:
            yield "no floating point in a block"
