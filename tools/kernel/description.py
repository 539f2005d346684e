"""``hls/kernel.yaml`` as checked dataclasses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.yaml_text import read_yaml
from trivit.tools.errors import ToolsError
from trivit.tools.kernel.board import Board, read_board
from trivit.tools.kernel.commands import Commands, read_commands
from trivit.tools.kernel.operands import (
    RANGE_ERRORS,
    Names,
    Operand,
    Range,
    read_operands,
    read_ranges,
)
from trivit.tools.kernel.registers import HostRegister, read_registers
from trivit.tools.kernel.streams import Stream, read_streams

# What each part of the file may say; anything else is a misspelt name.
_TOP = (
    *("version", "geometry", "limits", "engine", "commands", "streams", "registers"),
    *("errors", "descriptor_words", "opcodes", "timing", "board"),
)
_OPCODE = ("code", "doc", "flags", "fields", "operands", *RANGE_ERRORS)

#: Descriptor words that a field type takes. ``act`` is an address in activation memory.
FIELD_WORDS = {"act": 1, "u32": 1, "i32": 1, "u64": 2}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One descriptor field: its type and first word."""

    name: str
    type: str
    word: int


@dataclass(frozen=True, kw_only=True)
class Opcode:
    """One opcode with its flags (name to bit) and fields in descriptor order.

    ``operands`` are the tensors and regions that it reads and writes; ``ranges`` what must lie
    between which bounds, in this order, by the error that it gives otherwise.
    """

    name: str
    code: int
    doc: str
    flags: dict[str, int]
    fields: tuple[Field, ...]
    operands: tuple[Operand, ...]
    ranges: dict[str, tuple[Range, ...]]
    names: Names


@dataclass(frozen=True, kw_only=True)
class KernelDescription:
    """Everything ``hls/kernel.yaml`` says."""

    version: int
    geometry: dict[str, int]
    limits: dict[str, int]
    engine: dict[str, int]
    commands: Commands
    streams: tuple[Stream, ...]
    registers: tuple[HostRegister, ...]
    errors: dict[str, int]
    descriptor_words: int
    opcodes: tuple[Opcode, ...]
    timing: dict[str, int]
    board: Board


def _section(path: Path, value: Any, names: tuple[str, ...], place: str) -> dict[str, Any]:
    """Return ``value`` when it is a mapping with no other names than ``names``."""
    if not isinstance(value, dict):
        raise ToolsError(f"{path} is not a kernel description: {place} is no mapping")
    for name in value:
        if name not in names:
            raise ToolsError(
                f"{path}: {place} has an unknown entry '{name}': use {', '.join(names)}"
            )
    return value


def _opcode(
    path: Path, name: str, entry: dict[str, Any], descriptor_words: int, sizes: dict[str, int]
) -> Opcode:
    fields = []
    word = 1
    for field, kind in entry["fields"].items():
        if kind not in FIELD_WORDS:
            raise ToolsError(
                f"opcode {name}: field {field} has type {kind!r}; "
                f"use one of {', '.join(FIELD_WORDS)}"
            )
        fields.append(Field(name=field, type=kind, word=word))
        word += FIELD_WORDS[kind]
    if word > descriptor_words:
        raise ToolsError(
            f"opcode {name}: {word} words do not fit a descriptor of {descriptor_words}"
        )
    flags = entry.get("flags", {})
    names = Names(fields=tuple(entry["fields"]), flags=tuple(flags), sizes=tuple(sizes))
    return Opcode(
        name=name,
        code=entry["code"],
        doc=entry["doc"],
        flags=flags,
        fields=tuple(fields),
        operands=read_operands(path, name, entry["operands"], names),
        ranges={
            error: read_ranges(path, name, entry.get(section, {}), names)
            for section, error in RANGE_ERRORS.items()
        },
        names=names,
    )


def _check_numbers(path: Path, description: KernelDescription) -> None:
    """Check that sizes, constants and codes are whole numbers.

    Raises:
        ToolsError: one that is something else; its section and name are in the message.
    """
    sections: dict[str, dict[str, object]] = {
        "geometry": {**description.geometry},
        "limits": {**description.limits},
        "engine": {**description.engine},
        "errors": {**description.errors},
        "timing": {**description.timing},
        "opcodes": {opcode.name: opcode.code for opcode in description.opcodes},
        "kernel": {"version": description.version},
    }
    for section, numbers in sections.items():
        for name, value in numbers.items():
            if type(value) is not int:
                raise ToolsError(f"{path}: {section}: {name} is {value!r}, not a whole number")


def _check_widths(path: Path, description: KernelDescription) -> None:
    """Check that fields of commands hold what the limits allow.

    Raises:
        ToolsError: a field that is too narrow, or a count with other bits than its slot.
    """
    limits, tokens = description.limits, description.geometry["tokens"]
    groups = limits["max_heads"] * -(-limits["max_tokens"] // tokens)
    counts, count_bits = (
        ("source_first", "residual_first", "first"),
        description.engine["count_bits"],
    )
    if groups >= 1 << count_bits:
        raise ToolsError(
            f"{path}: engine: count_bits is {count_bits}, {groups} row groups of "
            f"{limits['max_heads']} heads need {groups.bit_length()}"
        )
    largest = {
        **dict.fromkeys(("rows", "keys", "tokens", "keep", "kept", "first_row"), "max_tokens"),
        **dict.fromkeys(("words", "depth_words", "out_words"), "max_depth_words"),
        "heads": "max_heads",
    }
    for unit in description.commands.units:
        for field in unit.fields:
            if field.name in counts and field.bits != count_bits:
                raise ToolsError(
                    f"{path}: commands: {unit.name}: {field.name} has {field.bits} bits, "
                    f"engine.count_bits is {count_bits}"
                )
            limit = largest.get(field.name, "")
            if field.bits > 1 and limits.get(limit, 0) >= 1 << field.bits:
                raise ToolsError(
                    f"{path}: commands: {unit.name}: {field.name} has {field.bits} bits, "
                    f"{limit} is {limits[limit]}"
                )


def load_description(path: Path) -> KernelDescription:
    """Read and check the kernel description.

    Raises:
        ToolsError: the file is missing, not YAML, or contradicts itself.
    """
    try:
        raw = _section(path, read_yaml(path), _TOP, "the file")
        opcodes = tuple(
            _opcode(
                path,
                name,
                _section(path, entry, _OPCODE, name),
                raw["descriptor_words"],
                raw["limits"],
            )
            for name, entry in raw["opcodes"].items()
        )
        description = KernelDescription(
            version=raw["version"],
            geometry=raw["geometry"],
            limits=raw["limits"],
            engine=raw["engine"],
            commands=read_commands(path, raw["commands"]),
            streams=read_streams(path, raw["streams"]),
            registers=read_registers(path, raw["registers"]),
            errors=raw["errors"],
            descriptor_words=raw["descriptor_words"],
            opcodes=opcodes,
            timing=raw["timing"],
            board=read_board(path, raw["board"]),
        )
    except OSError as error:
        raise ToolsError(f"cannot read the kernel description {path}: {error.strerror}") from error
    except ModelsError as error:
        raise ToolsError(str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ToolsError(f"{path} is not a kernel description: {reason}") from error
    _check_numbers(path, description)
    _check_widths(path, description)
    codes = [opcode.code for opcode in opcodes]
    if len(set(codes)) != len(codes):
        raise ToolsError(f"{path}: two opcodes share a code")
    return description
