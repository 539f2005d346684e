"""Text of the generated files that say what ops read and write, and check descriptors."""

from trivit.tools.kernel.description import KernelDescription, Opcode
from trivit.tools.kernel.emit import camel
from trivit.tools.kernel.operands import Operand, Range, cpp, python


def cpp_checks(description: KernelDescription, notice: str) -> str:
    """Return hls/generated/checks.hpp: `check` of every op, in the order of docs/numerics.md."""
    parts = [
        f"// {notice}",
        "#ifndef TRIVIT_GENERATED_CHECKS_HPP",
        "#define TRIVIT_GENERATED_CHECKS_HPP",
        "",
        "// Included by trivit/checks.hpp, which has what these are made of.",
        '#include "kernel_spec.hpp"',
        "",
        "namespace trivit {",
        "",
        *(_cpp_check(opcode) for opcode in description.opcodes),
        "}  // namespace trivit",
        "",
        "#endif",
    ]
    return "\n".join(parts) + "\n"


def _cpp_check(opcode: Opcode) -> str:
    def write(expression: str) -> str:
        return cpp(expression, opcode.names, lambda name: f"k{camel(name)}")

    def in_range(bounds: Range) -> str:
        arguments = ", ".join(write(text) for text in (bounds.value, bounds.least, bounds.most))
        return f"in_range({arguments})"

    def fits(operand: Operand) -> str:
        address, rows, words = f"f.{operand.name}", write(operand.rows), write(operand.words)
        if operand.memory == "banks":
            call = f"tensor_fits({address}, {rows}, {words})"
        else:
            call = f"region_fits({address}, {rows}, {words}, regions.{operand.memory})"
        return f"(!f.has_{operand.flag} || {call})" if operand.flag else call

    lines = [f"inline Error check(const {camel(opcode.name)}Fields& f, const Regions& regions) {{"]
    groups = {
        "size_limit": [in_range(r) for r in opcode.ranges["size_limit"]],
        "activation_address": [fits(o) for o in opcode.operands if o.memory == "banks"],
        "memory_address": [fits(o) for o in opcode.operands if o.memory != "banks"],
        "shift_range": [in_range(r) for r in opcode.ranges["shift_range"]],
    }
    lines += [
        f"    if (!{condition}) return Error::{error};"
        for error, conditions in groups.items()
        for condition in conditions
    ]
    if not groups["memory_address"]:
        lines.append("    (void)regions;")
    return "\n".join([*lines, "    return Error::ok;", "}", ""])


def python_operands(description: KernelDescription, notice: str) -> str:
    """Return host/generated/operands.py: operands and ranges of every op, as functions."""
    sizes = sorted(
        name.upper()
        for name in description.limits
        if any(f"({name.upper()}" in row or f" {name.upper()}" in row for row in _rows(description))
    )
    return "".join(
        [
            f'"""What ops read, write and take. {notice}"""\n\n',
            "from collections.abc import Callable\n",
            "from typing import NamedTuple\n\n",
            f"from trivit.host.generated.spec import {', '.join(sizes)}\n\n",
            "Expression = Callable[[dict[str, int], frozenset[str]], int]\n\n\n",
            "class OperandSpec(NamedTuple):\n",
            '    """An operand: its address field, memory, needed flag and size."""\n\n',
            "    name: str\n    writes: bool\n    memory: str\n    flag: str\n",
            "    rows: Expression\n    words: Expression\n\n\n",
            "class RangeSpec(NamedTuple):\n",
            '    """A number that must lie in least..most; ``name`` is its expression."""\n\n',
            "    error: str\n    name: str\n",
            "    value: Expression\n    least: Expression\n    most: Expression\n\n\n",
            "OPERANDS: dict[str, tuple[OperandSpec, ...]] = {\n",
            *(_python_table(opcode.name, _operand_rows(opcode)) for opcode in description.opcodes),
            "}\n",
            "RANGES: dict[str, tuple[RangeSpec, ...]] = {\n",
            *(_python_table(opcode.name, _range_rows(opcode)) for opcode in description.opcodes),
            "}\n",
        ]
    )


def _rows(description: KernelDescription) -> list[str]:
    return [row for o in description.opcodes for row in (*_operand_rows(o), *_range_rows(o))]


def _python_table(name: str, rows: list[str]) -> str:
    return f'    "{name}": (\n' + "".join(f"        {row},\n" for row in rows) + "    ),\n"


def _functions(opcode: Opcode, *expressions: str) -> str:
    return ", ".join(f"lambda f, flags: {python(text, opcode.names)}" for text in expressions)


def _operand_rows(opcode: Opcode) -> list[str]:
    return [
        f"OperandSpec({o.name!r}, {o.writes}, {o.memory!r}, {o.flag!r}, "
        f"{_functions(opcode, o.rows, o.words)})"
        for o in opcode.operands
    ]


def _range_rows(opcode: Opcode) -> list[str]:
    return [
        f"RangeSpec({error!r}, {r.value!r}, {_functions(opcode, r.value, r.least, r.most)})"
        for error, ranges in opcode.ranges.items()
        for r in ranges
    ]
