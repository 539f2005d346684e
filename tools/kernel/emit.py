"""Text of the generated files, one function per file."""

import textwrap

from trivit.tools.kernel.description import Field, KernelDescription, Opcode
from trivit.tools.kernel.tables import STEPS, TABLES

NOTICE = "Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."
_CPP_TYPES = {"act": "uint32_t", "u32": "uint32_t", "i32": "int32_t", "u64": "uint64_t"}


def camel(name: str) -> str:
    """Return a name with underscores in camel case."""
    return "".join(part.capitalize() for part in name.split("_"))


def _rows(values: list[int], per_line: int = 10) -> str:
    lines = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join("    " + ", ".join(str(v) for v in line) + "," for line in lines)


def _decode_field(field: Field) -> str:
    if field.type == "u64":
        return f"uint64_t(w[{field.word}]) | uint64_t(w[{field.word + 1}]) << 32"
    return f"{_CPP_TYPES[field.type]}(w[{field.word}])"


def _cpp_opcode(opcode: Opcode) -> str:
    name = camel(opcode.name)
    lines = [f"// {line}" for line in textwrap.wrap(opcode.doc, 96)]
    lines.append(f"struct {name}Fields {{")
    lines += [f"    {_CPP_TYPES[field.type]} {field.name};" for field in opcode.fields]
    lines += [f"    bool has_{flag};" for flag in opcode.flags]
    lines.append("};")
    mask = sum(1 << bit for bit in opcode.flags.values())
    lines.append(f"static const uint32_t k{name}Flags = {mask:#x};")
    lines.append(
        f"inline {name}Fields decode_{opcode.name}(const uint32_t (&w)[kDescriptorWords]) {{"
    )
    lines.append(f"    {name}Fields f;")
    lines += [f"    f.{field.name} = {_decode_field(field)};" for field in opcode.fields]
    lines += [
        f"    f.has_{flag} = ((w[0] >> {8 + bit}) & 1) != 0;" for flag, bit in opcode.flags.items()
    ]
    lines += ["    return f;", "}"]
    return "\n".join(lines)


def cpp_spec(description: KernelDescription) -> str:
    """Return hls/generated/kernel_spec.hpp: constants, opcodes and descriptor decoding."""
    constants = {
        "kernel_version": description.version,
        "descriptor_words": description.descriptor_words,
        **{f"tile_{name}": value for name, value in description.geometry.items()},
        **description.limits,
        **{f"engine_{name}": value for name, value in description.engine.items()},
    }
    parts = [
        f"// {NOTICE}",
        "#ifndef TRIVIT_GENERATED_KERNEL_SPEC_HPP",
        "#define TRIVIT_GENERATED_KERNEL_SPEC_HPP",
        "",
        "#include <cstdint>",
        "",
        "namespace trivit {",
        "",
        *(f"static const int k{camel(name)} = {value};" for name, value in constants.items()),
        "",
        "enum class Error : uint32_t {",
        *(f"    {name} = {code}," for name, code in description.errors.items()),
        "};",
        "",
        "enum class Opcode : uint32_t {",
        *(f"    {opcode.name} = {opcode.code}," for opcode in description.opcodes),
        "};",
        "",
        *(_cpp_opcode(opcode) + "\n" for opcode in description.opcodes),
        "}  // namespace trivit",
        "",
        "#endif",
    ]
    return "\n".join(parts) + "\n"


def cpp_tables() -> str:
    """Return hls/generated/tables.hpp: the ROMs of docs/numerics.md."""
    parts = [
        f"// {NOTICE}",
        "#ifndef TRIVIT_GENERATED_TABLES_HPP",
        "#define TRIVIT_GENERATED_TABLES_HPP",
        "",
        "#include <cstdint>",
        "",
        "namespace trivit {",
        "",
    ]
    for name, (doc, values) in TABLES.items():
        parts += [
            f"// {doc}",
            f"static const int32_t k{camel(name.lower())}Table[{len(values)}] = {{",
            _rows(values),
            "};",
            "",
        ]
    return "\n".join([*parts, "}  // namespace trivit", "", "#endif"]) + "\n"


def cpp_step_tables() -> str:
    """Return hls/generated/step_tables.hpp: value and slope of a table's steps in one entry."""
    parts = [
        f"// {NOTICE}",
        "#ifndef TRIVIT_GENERATED_STEP_TABLES_HPP",
        "#define TRIVIT_GENERATED_STEP_TABLES_HPP",
        "",
        "#include <cstdint>",
        "",
        "namespace trivit {",
        "",
    ]
    for name, (doc, type_name, values) in STEPS.items():
        parts += [
            f"// {doc}",
            f"static const {type_name} k{camel(name.lower())}Steps[{len(values)}] = {{",
            _rows(values),
            "};",
            "",
        ]
    return "\n".join([*parts, "}  // namespace trivit", "", "#endif"]) + "\n"


def verilog_spec(description: KernelDescription) -> str:
    """Return hls/generated/trivit_spec.sv: sizes and error codes as a package."""
    constants = {
        **{f"tile_{name}": value for name, value in description.geometry.items()},
        **description.limits,
        **{f"engine_{name}": value for name, value in description.engine.items()},
        **{f"error_{name}": value for name, value in description.errors.items()},
        "kernel_version": description.version,
        **description.timing,
    }
    lines = [f"  localparam int {name.upper()} = {value};" for name, value in constants.items()]
    return "\n".join([f"// {NOTICE}", "package trivit_spec;", *lines, "endpackage"]) + "\n"


def _python_opcode(opcode: Opcode) -> str:
    fields = "".join(
        f"            FieldSpec({field.name!r}, {field.type!r}, {field.word}),\n"
        for field in opcode.fields
    )
    flags = ", ".join(f'"{name}": {bit}' for name, bit in opcode.flags.items())
    return (
        f'    "{opcode.name}": OpcodeSpec(\n'
        f"        code={opcode.code},\n"
        f"        flags={{{flags}}},\n"
        f"        fields=(\n{fields}        ),\n"
        f"    ),\n"
    )


def python_spec(description: KernelDescription) -> str:
    """Return host/generated/spec.py: the same description for the host."""

    def mapping(name: str, values: dict[str, int]) -> str:
        body = "".join(f"    {key!r}: {value},\n" for key, value in values.items())
        return f"{name}: dict[str, int] = {{\n{body}}}\n"

    return "".join(
        [
            f'"""Kernel description. {NOTICE}"""\n\n',
            "from typing import NamedTuple\n\n\n",
            "class FieldSpec(NamedTuple):\n",
            '    """A descriptor field: name, type (act, u32, i32, u64) and first word."""\n\n',
            "    name: str\n    type: str\n    word: int\n\n\n",
            "class OpcodeSpec(NamedTuple):\n",
            '    """An opcode: code, flag bits by name, fields in descriptor order."""\n\n',
            "    code: int\n    flags: dict[str, int]\n    fields: tuple[FieldSpec, ...]\n\n\n",
            f"KERNEL_VERSION = {description.version}\n",
            f"DESCRIPTOR_WORDS = {description.descriptor_words}\n",
            *(f"TILE_{name.upper()} = {value}\n" for name, value in description.geometry.items()),
            *(f"{name.upper()} = {value}\n" for name, value in description.limits.items()),
            *(f"ENGINE_{name.upper()} = {value}\n" for name, value in description.engine.items()),
            "\n",
            mapping("TIMING", description.timing),
            mapping("ERRORS", description.errors),
            "OPCODES: dict[str, OpcodeSpec] = {\n",
            *(_python_opcode(opcode) for opcode in description.opcodes),
            "}\n",
        ]
    )


def python_tables() -> str:
    """Return host/generated/tables.py: the same tables as int64 arrays."""
    parts = [f'"""Tables of docs/numerics.md. {NOTICE}"""\n\nimport numpy as np\n']
    for name, (doc, values) in TABLES.items():
        parts.append(
            f"#: {doc}\n{name} = np.array(\n    [\n{_rows(values)}\n    ],\n"
            "    dtype=np.int64,\n)\n"
        )
    return "\n".join(parts)
