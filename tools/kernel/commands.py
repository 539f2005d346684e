"""Commands of the accelerator's units: the section of ``hls/kernel.yaml`` and what it becomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class CommandField:
    """Where a field lies in a command: its lowest bit and its width."""

    name: str
    low: int
    bits: int


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit that takes commands: its number in the header and its fields behind that."""

    name: str
    number: int
    fields: tuple[CommandField, ...]


@dataclass(frozen=True, kw_only=True)
class Commands:
    """All commands; each has ``bits`` bits and begins with the header."""

    bits: int
    header: tuple[CommandField, ...]
    units: tuple[Unit, ...]


def _fields(widths: dict[str, int], low: int, place: str) -> tuple[CommandField, ...]:
    fields = []
    for name, bits in widths.items():
        if type(bits) is not int or bits < 1:
            raise ToolsError(f"{place}: {name} has {bits!r} bits: write a whole number above 0")
        fields.append(CommandField(name=name, low=low, bits=bits))
        low += bits
    return tuple(fields)


def read_commands(path: Path, raw: dict[str, Any]) -> Commands:
    """Return the checked section ``commands``.

    Raises:
        ToolsError: widths that are no numbers, fields that do not fit, two units of one number.
    """
    header = _fields(raw["header"], 0, f"{path}: commands: header")
    behind = header[-1].low + header[-1].bits
    units = []
    for name, entry in raw["units"].items():
        fields = _fields(entry["fields"], behind, f"{path}: commands: {name}")
        end = fields[-1].low + fields[-1].bits
        if end > raw["bits"]:
            raise ToolsError(f"{path}: commands: {name} has {end} bits of {raw['bits']}")
        units.append(Unit(name=name, number=entry["number"], fields=fields))
    numbers = [unit.number for unit in units]
    unit_bits = next(field.bits for field in header if field.name == "unit")
    if sorted(numbers) != list(range(len(numbers))) or len(numbers) > 1 << unit_bits:
        raise ToolsError(f"{path}: commands: number the units 0, 1, 2 ... in {unit_bits} bits")
    return Commands(bits=raw["bits"], header=header, units=tuple(units))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def cpp_commands(commands: Commands, notice: str) -> str:
    """Return hls/generated/commands.hpp: a type for each field, as the HLS blocks read them."""
    lines = [
        f"// {notice}",
        "#ifndef TRIVIT_GENERATED_COMMANDS_HPP",
        "#define TRIVIT_GENERATED_COMMANDS_HPP",
        "",
        "#include <ap_int.h>",
        "",
        "namespace trivit {",
        "namespace blocks {",
        "",
        f"static const int kCommandBits = {commands.bits};",
        "typedef ap_uint<kCommandBits> Command;",
        "",
        "// A field of a command: its lowest bit and its width.",
        "template <int kLow, int kBits>",
        "struct CommandField {",
        "    static ap_uint<kBits> of(const Command& command) {",
        "#pragma HLS INLINE",
        "        return ap_uint<kBits>(command.range(kLow + kBits - 1, kLow));",
        "    }",
        "",
        "    static void put(Command& command, unsigned long long value) {",
        "        command.range(kLow + kBits - 1, kLow) = ap_uint<kBits>(value);",
        "    }",
        "};",
        "",
        "enum Unit {",
        *(f"    kUnit{_camel(unit.name)} = {unit.number}," for unit in commands.units),
        "};",
        f"static const int kUnits = {len(commands.units)};",
        "",
        *(
            f"typedef CommandField<{field.low}, {field.bits}> {_camel(field.name)}Field;"
            for field in commands.header
        ),
        "",
    ]
    for unit in commands.units:
        lines.append(f"struct {_camel(unit.name)}Fields {{")
        lines += [
            f"    typedef CommandField<{field.low}, {field.bits}> {_camel(field.name)};"
            for field in unit.fields
        ]
        lines += ["};", ""]
    lines += ["}  // namespace blocks", "}  // namespace trivit", "", "#endif"]
    return "\n".join(lines) + "\n"


def verilog_commands(commands: Commands, notice: str) -> str:
    """Return hls/generated/trivit_commands.sv: a packed record for each unit."""
    lines = [
        f"// {notice}",
        "package trivit_commands;",
        f"  localparam int COMMAND_BITS = {commands.bits};",
        *(f"  localparam int UNIT_{unit.name.upper()} = {unit.number};" for unit in commands.units),
        f"  localparam int UNITS = {len(commands.units)};",
    ]
    for unit in commands.units:
        fields = [*commands.header, *unit.fields]
        rest = commands.bits - fields[-1].low - fields[-1].bits
        lines += ["", "  typedef struct packed {"]
        if rest:
            lines.append(f"    logic [{rest - 1}:0] reserved;")
        for field in reversed(fields):
            name = "last" if field.name == "end" else field.name
            lines.append(f"    logic [{field.bits - 1}:0] {name};")
        lines.append(f"  }} {unit.name}_command_t;")
    return "\n".join([*lines, "endpackage"]) + "\n"


def python_commands(commands: Commands, notice: str) -> str:
    """Return host/generated/commands.py: lowest bit and width of each field."""
    lines = [
        f'"""Commands of the accelerator\'s units. {notice}"""',
        "",
        "from typing import NamedTuple",
        "",
        "",
        "class CommandSpec(NamedTuple):",
        '    """A unit\'s number, and the lowest bit and width of each of its fields."""',
        "",
        "    number: int",
        "    fields: dict[str, tuple[int, int]]",
        "",
        "",
        f"COMMAND_BITS = {commands.bits}",
        "HEADER: dict[str, tuple[int, int]] = {",
        *(f'    "{field.name}": ({field.low}, {field.bits}),' for field in commands.header),
        "}",
        "COMMANDS: dict[str, CommandSpec] = {",
    ]
    for unit in commands.units:
        lines += [
            f'    "{unit.name}": CommandSpec(',
            f"        number={unit.number},",
            "        fields={",
            *(f'            "{f.name}": ({f.low}, {f.bits}),' for f in unit.fields),
            "        },",
            "    ),",
        ]
    return "\n".join([*lines, "}"]) + "\n"
