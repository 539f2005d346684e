"""AXI4-Lite registers of the accelerator: the section of ``hls/kernel.yaml`` and its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError

#: Bytes of the address map: the least that Vivado assigns.
MAP_BYTES = 4096
_ENTRIES = {"offset", "bits", "access", "fields"}


@dataclass(frozen=True, kw_only=True)
class HostRegister:
    """A register of 32 or 64 bits; ``fields`` are the lowest bits of its parts, by name."""

    name: str
    offset: int
    bits: int
    writable: bool
    fields: dict[str, int]


def read_registers(path: Path, raw: dict[str, Any]) -> tuple[HostRegister, ...]:
    """Return the checked section ``registers``.

    Raises:
        ToolsError: an unknown entry, an offset that is taken, not aligned, or outside the map.
    """
    registers: list[HostRegister] = []
    taken: dict[int, str] = {}
    for name, entry in raw.items():
        place = f"{path}: registers: {name}"
        unknown = set(entry) - _ENTRIES
        if unknown:
            raise ToolsError(f"{place} has an unknown entry '{min(unknown)}'")
        offset, bits = entry["offset"], entry.get("bits", 32)
        access = entry.get("access", "write")
        if bits not in (32, 64) or access not in ("read", "write"):
            raise ToolsError(f"{place}: write bits 32 or 64, access read or write")
        if type(offset) is not int or offset % (bits // 8) or not 0 <= offset <= MAP_BYTES - 8:
            raise ToolsError(
                f"{place}: offset {offset!r} is no multiple of {bits // 8} below {MAP_BYTES}"
            )
        for word in range(offset, offset + bits // 8, 4):
            if word in taken:
                raise ToolsError(f"{place}: offset {word:#x} is that of {taken[word]}")
            taken[word] = name
        registers.append(
            HostRegister(
                name=name,
                offset=offset,
                bits=bits,
                writable=access == "write",
                fields=entry.get("fields", {}),
            )
        )
    return tuple(registers)


def verilog_registers(registers: tuple[HostRegister, ...], notice: str) -> str:
    """Return hls/generated/trivit_registers.sv: offsets of all words, and bits."""
    bits = (MAP_BYTES - 1).bit_length()
    lines = [f"// {notice}", "package trivit_registers;", f"  localparam int ADDRESS = {bits};"]
    for register in registers:
        name = register.name.upper()
        words = [name] if register.bits == 32 else [f"{name}_LOW", f"{name}_HIGH"]
        lines += [
            f"  localparam logic [{bits - 1}:0] {word} = {bits}'h{register.offset + 4 * i:03x};"
            for i, word in enumerate(words)
        ]
        lines += [
            f"  localparam int {name}_{field.upper()} = {low};"
            for field, low in register.fields.items()
        ]
    return "\n".join([*lines, "endpackage"]) + "\n"


def cpp_registers(registers: tuple[HostRegister, ...], notice: str) -> str:
    """Return hls/generated/registers.hpp: the same as enumerations."""
    lines = [
        f"// {notice}",
        "#ifndef TRIVIT_GENERATED_REGISTERS_HPP",
        "#define TRIVIT_GENERATED_REGISTERS_HPP",
        "",
        "namespace trivit {",
        "",
        "// Byte offsets; those of 64 bits have their low word first.",
        "enum Register {",
        *(f"    kRegister{_camel(r.name)} = {r.offset:#04x}," for r in registers),
        "};",
        "",
        "// Lowest bits of the parts of a register.",
        "enum RegisterField {",
        *(
            f"    k{_camel(r.name)}{_camel(field)} = {low},"
            for r in registers
            for field, low in r.fields.items()
        ),
        "};",
        "",
        "}  // namespace trivit",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def python_registers(registers: tuple[HostRegister, ...], notice: str) -> str:
    """Return host/generated/registers.py: the same for the host."""
    lines = [
        f'"""AXI4-Lite registers of the accelerator. {notice}"""',
        "",
        "from typing import NamedTuple",
        "",
        "",
        "class RegisterSpec(NamedTuple):",
        '    """Byte offset, size, whether it can be written, lowest bit of each part by name."""',
        "",
        "    offset: int",
        "    bits: int",
        "    writable: bool",
        "    fields: dict[str, int]",
        "",
        "",
        f"MAP_BYTES = {MAP_BYTES}",
        "REGISTERS: dict[str, RegisterSpec] = {",
        *(
            f'    "{r.name}": RegisterSpec({r.offset:#04x}, {r.bits}, {r.writable}, {r.fields!r}),'
            for r in registers
        ),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
