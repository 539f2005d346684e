"""Resources of the accelerator's RTL by unit.

`make rtl-report` writes docs/benchmarks/rtl.json and the page rtl.md beside it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rtl.designs import DESCRIPTION, FULL
from rtl.report_page import COLUMNS, page, table
from rtl.synthesis import FAMILY, FLOW, name_of, synthesize, top_of
from simulator import ROOT

from trivit.models.files import atomic_write
from trivit.tools.estimate.part import ZU9EG

REPORT = ROOT / "docs" / "benchmarks" / "rtl.json"
#: Units that are counted at other sizes too, each of a parameter of its own.
SIZES = {
    "activation_bank": ("WORDS", range(1024, DESCRIPTION.limits["activation_depth"] + 1, 1024)),
    "row_stream": ("ROWS", (32, 64, 128)),
    "command_queue": ("COMMANDS", (16, 32, 64)),
}
# Modules that are no unit of their own: counted with whoever holds them.
PARTS = {"delay", "result_delay", "stream_fifo"}
# LUTs of a primitive that uses them as memory or as a shift register.
_LUT_MEMORY = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4}
_LUT_MEMORY |= {"SRL16E": 1, "SRLC32E": 1}
_FREE = ("CARRY", "MUXF")  # beside the LUTs of a slice


def total(modules: Mapping[str, Any], module: str) -> Counter[str]:
    """Primitives of a module and all below it, by type."""
    counts: Counter[str] = Counter()
    for cell in modules[module]["cells"].values():
        kind = cell["type"]
        counts.update(total(modules, kind) if kind in modules else {kind: 1})
    return counts


def resources(primitives: Mapping[str, int]) -> dict[str, float]:
    """LUTs (those that are memory or shift registers too), flip-flops, DSPs, BRAM36.

    ValueError names a primitive that has no place here, for example a latch.
    """
    sums: Counter[str] = Counter()
    for kind, count in primitives.items():
        if kind.startswith("LUT") or kind == "INV":
            sums["lut"] += count
        elif kind in _LUT_MEMORY:
            sums["lut"] += _LUT_MEMORY[kind] * count
        elif kind in ("FDRE", "FDSE", "FDCE", "FDPE"):
            sums["ff"] += count
        elif kind.startswith("DSP48"):
            sums["dsp"] += count
        elif kind.startswith(("RAMB18", "RAMB36")):
            sums["bram18"] += count * (2 if "36" in kind else 1)
        elif not kind.startswith(_FREE):
            raise ValueError(f"{kind} ({count} times) is no LUT, flip-flop, DSP or memory")
    return {name: sums[name] for name in COLUMNS[:3]} | {"bram36": sums["bram18"] / 2}


def by_unit(modules: Mapping[str, Any], top: str) -> dict[str, dict[str, float]]:
    """Instances and resources of each unit, all instances together, inner units left out.

    The rows add up to `total` of `top`, a name in the source.
    """
    sums: dict[str, Counter[str]] = {top: Counter()}
    instances = Counter({top: 1})

    def visit(module: str, unit: str) -> None:
        for cell in modules[module]["cells"].values():
            kind = cell["type"]
            if kind not in modules:
                sums[unit][kind] += 1
            elif name_of(kind) in PARTS:
                visit(kind, unit)
            else:
                inner = name_of(kind)
                instances[inner] += 1
                sums.setdefault(inner, Counter())
                visit(kind, inner)

    visit(top_of(modules, top), top)
    lines = {name: {"instances": instances[name]} | resources(sums[name]) for name in sums}
    return dict(sorted(lines.items(), key=lambda line: -line[1]["lut"]))


def by_part(modules: Mapping[str, Any], top: str) -> dict[str, dict[str, float]]:
    """Instances and resources of what `top` holds, inner units included, and of `top` itself.

    The rows add up to `total` of `top`.
    """
    sums: dict[str, Counter[str]] = {top: Counter()}
    instances = Counter({top: 1})
    for cell in modules[top_of(modules, top)]["cells"].values():
        kind = cell["type"]
        inner = name_of(kind) if kind in modules else top
        part = top if inner in PARTS else inner
        sums.setdefault(part, Counter()).update(total(modules, kind) if kind in modules else [kind])
        instances[part] += inner == part != top
    lines = {name: {"instances": instances[name]} | resources(sums[name]) for name in sums}
    return dict(sorted(lines.items(), key=lambda line: -line[1]["lut"]))


def variants(sizes: Mapping[str, tuple[str, Sequence[int]]] = SIZES) -> dict[str, Any]:
    """Resources of one instance of each unit at each value of a parameter, by unit and value."""
    counted: dict[str, Any] = {}
    for unit, (parameter, values) in sizes.items():
        by_value = {}
        for value in values:
            modules = synthesize(unit, {parameter: value})
            by_value[str(value)] = resources(total(modules, top_of(modules, unit)))
        counted[unit] = {"parameter": parameter, "values": by_value}
    return counted


def packing(modules: Mapping[str, Any]) -> dict[str, int]:
    """Of one dot product: DSPs, those with all registers, those in the cascade, other cells."""
    cells = modules[top_of(modules, "dot_product")]["cells"].values()
    blocks = [cell for cell in cells if cell["type"].startswith("DSP48")]
    given = {tuple(cell["connections"].get("PCOUT", [])) for cell in blocks}
    registers = ("AREG", "BREG", "MREG", "PREG")
    return {
        "dsp": len(blocks),
        "registered": sum(
            all(int(block["parameters"][name], 2) == 1 for name in registers) for block in blocks
        ),
        "cascaded": sum(tuple(block["connections"].get("PCIN", [])) in given for block in blocks),
        "other_cells": len(cells) - len(blocks),
    }


def check_packing(found: Mapping[str, int], depth: int) -> None:
    """ValueError unless a dot product is `depth` DSPs, full of registers, in one cascade."""
    wanted = {"dsp": depth, "registered": depth, "cascaded": depth - 1, "other_cells": 0}
    if dict(found) != wanted:
        raise ValueError(f"dot_product is not a packed cascade: {dict(found)}, wanted {wanted}")


def write_report(
    path: Path,
    top: str,
    geometry: Mapping[str, int],
    parameters: Mapping[str, int] | None = None,
    sizes: Mapping[str, tuple[str, Sequence[int]]] = SIZES,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Map `top`, check it, write `path` (JSON) and return what it holds.

    `geometry` is what `top` has with its `parameters` (None: the description's); `sizes` says what
    else is counted. ValueError, and nothing written, if there is a latch or a dot product is not
    packed.
    """
    modules = synthesize(top, parameters, progress)
    check_packing(packing(modules), geometry["depth"])
    primitives = total(modules, top_of(modules, top))
    counts = resources(primitives)
    report = {
        "tool": f"Yosys {version('pyosys')}",
        "family": FAMILY,
        "flow": FLOW,
        "command": "make rtl-report",
        "date": datetime.now(timezone.utc).date().isoformat(),
        "top": top,
        "geometry": dict(geometry),
        "units": by_unit(modules, top),
        "parts": by_part(modules, top),
        "variants": variants(sizes),
        "total": counts,
        "part": ZU9EG.name,
        "share": {name: round(counts[name] / getattr(ZU9EG, name), 4) for name in COLUMNS},
        "dot_product": packing(modules),
        "primitives": dict(sorted(primitives.items())),
    }
    _write(path, json.dumps(report, indent=1) + "\n")
    return report


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> int:
    """Write the report and its page; the exit status."""
    try:
        import pyosys  # noqa: F401
    except ImportError:
        print("pyosys is missing: pip install -e '.[rtl]'", file=sys.stderr)
        return 2
    geometry = {**vars(FULL), **DESCRIPTION.engine}
    try:
        report = write_report(
            REPORT, "accelerator", geometry, progress=lambda line: print(line, flush=True)
        )
    except ValueError as error:
        print(f"nothing written: {error}", file=sys.stderr)
        return 1
    _write(REPORT.with_suffix(".md"), page(report))
    print(table(report, "parts"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
