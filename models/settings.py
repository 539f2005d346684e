"""Typed dataclasses from plain mappings: unknown keys and wrong types are refused by name."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from trivit.models.errors import ModelsError
from trivit.models.registry import nearest

T = TypeVar("T")

# What a method follows where a paper and its released code differ.
Compat = Literal["paper", "code"]

_WANTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text (a number, true, false or null in quotes)",
}


def from_mapping(kind: type[T], mapping: object, where: str = "", *, base: T | None = None) -> T:
    """Build the dataclass ``kind`` from ``mapping``.

    A field with ``parse`` in its metadata is built by that function of a mapping and its place: it
    may choose a subclass.

    Args:
        kind: the dataclass.
        mapping: values by field.
        where: its dotted place, for messages.
        base: gives the fields that ``mapping`` does not (default: those of the class).

    Raises:
        ModelsError: an unknown key (with the nearest known one), a value of another type, or a
            missing key.
    """
    if not isinstance(mapping, Mapping):
        raise ModelsError(f"{where or 'the config'} is {mapping!r}: expected a mapping of settings")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in mapping.items():
        place = _join(where, str(key))
        if key not in fields:
            near = _join(where, nearest(key, list(fields)))
            raise ModelsError(f"unknown setting '{place}': did you mean '{near}'?")
        parse = fields[key].metadata.get("parse")
        if parse is not None and isinstance(value, Mapping):
            values[key] = parse(value, place)
        else:
            values[key] = _convert(hints[key], value, place)
    if base is not None:
        return dataclasses.replace(base, **values)  # type: ignore[type-var]
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in values:
            raise ModelsError(f"setting '{_join(where, name)}' is missing: add it to the config")
    return kind(**values)


def to_mapping(value: Any) -> Any:
    """Return ``value`` (a dataclass) as dicts, lists and scalars that YAML and JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_mapping(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_mapping(item) for item in value]
    return value


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _convert(hint: Any, value: object, place: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        if isinstance(value, str) and value.lower() == "none":
            raise ModelsError(f"{place} is the text {value!r}: write null for no value")
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _convert(inner, value, place)
    if origin is typing.Literal:
        if value not in arguments:
            choices = ", ".join(map(str, arguments))
            raise ModelsError(f"{place} is {value!r}: choose one of {choices}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ModelsError(f"{place} is {value!r}: expected a list")
        return tuple(_convert(arguments[0], item, f"{place}[{i}]") for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast(type, hint), value, place)
    return _convert_scalar(hint, value, place)


def _convert_scalar(hint: Any, value: object, place: str) -> Any:
    if hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif hint is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif isinstance(value, hint):
        return value
    raise ModelsError(f"{place} is {value!r}: expected {_WANTED.get(hint, hint)}")


def first_difference(
    left: Any, right: Any, ignore: tuple[str, ...] = (), where: str = ""
) -> str | None:
    """Return the first setting in which two equal-typed dataclasses differ, for a message.

    Args:
        left: one of them.
        right: the other one.
        ignore: dotted names that may differ.
        where: dotted place of both, for messages.
    """
    for field in dataclasses.fields(left):
        place = _join(where, field.name)
        a, b = getattr(left, field.name), getattr(right, field.name)
        if dataclasses.is_dataclass(a):
            if difference := first_difference(a, b, ignore, place):
                return difference
        elif a != b and place not in ignore:
            return f"{place} was {a}, now {b}"
    return None
