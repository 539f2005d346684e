"""Resources of the matrix engine by unit.

`make rtl-report` writes docs/benchmarks/rtl.json and the page rtl.md beside it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rtl.designs import FULL, SUM_BITS
from rtl.synthesis import FAMILY, FLOW, name_of, synthesize, top_of
from simulation.simulator import ROOT

from trivit.models.files import atomic_write
from trivit.tools.estimate.part import ZU9EG

REPORT = ROOT / "docs" / "benchmarks" / "rtl.json"
COLUMNS = ("lut", "ff", "dsp", "bram36")
# Modules that are no unit of their own: counted with whoever holds them.
PARTS = {"delay", "result_delay", "stream_fifo"}
# LUTs of a primitive that uses them as memory or as a shift register.
_LUT_MEMORY = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4}
_LUT_MEMORY |= {"SRL16E": 1, "SRLC32E": 1}
_FREE = ("CARRY", "MUXF")  # beside the LUTs of a slice

TEXT = """\
# Matrix engine, counted by Yosys

Written by `make rtl-report`, which writes [rtl.json](rtl.json) too. {tool}, {date}: the
engine of [hls/rtl](../../hls/rtl/README.md) with {tokens} x {outputs} x {depth} multipliers.

**Counted, not built.** Yosys has no mapping to the ZU9EG's UltraScale+ blocks that packs the
registers of a DSP, so 7-series primitives (`{family}`) are a **proxy**; LUTs, RAMB36 and the
registers of the multipliers are alike in both. No vendor tool has seen this RTL; nothing was
placed, routed or timed. Not in it: movers to DDR, sequencer, and the HLS blocks (GELU, softmax,
normalisation, selection).

{table}

Each row leaves out the units in it that have a row; delays and FIFOs count with their holder.

- **Settings**: `synth_xilinx` with its hierarchy kept, each module mapped once and multiplied by
  its instances; ABC instead of ABC9 (seconds instead of many minutes; at 4 x 8 x 4, ABC9 counts
  1 % more LUTs), no retiming. Logic is not shared across modules, two small LUTs never share a
  LUT6, and an inverter counts as a LUT.
- **BRAM36**: a RAMB18 is half. A lane of the weight ring is {weight_depth:,} x 16 bits: a RAMB18,
  18 bits wide with two idle, so {lanes} lanes take {ring_blocks:g} BRAM36. An activation bank is
  {activation_depth:,} x {width} bits with both ports in use: {bank_blocks:g} RAMB36 of 4,096 x 9,
  and LUTs behind them that select by the address's high bits.
- **Flip-flops**: {behind:,} of them are the output registers of the ring (`weight_memory`), which
  every block RAM has too: a vendor tool can move them there.
- **DSP**: {registered:,} of the {blocks:,} blocks of the dot products have their A, B, M and P
  registers, {cascaded:,} take their sum from the block before (all but the first of {chains}
  cascades), and the dot products hold no LUT. The other blocks add the residuals
  (`rounding_lane`) and check sizes (`command_guard`).
"""


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
    parameters: Mapping[str, int],
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Map `top`, check it, write `path` (JSON) and return what it holds.

    ValueError, and nothing written, if there is a latch or a dot product is not packed.
    """
    modules = synthesize(top, parameters, progress)
    check_packing(packing(modules), parameters["DEPTH"])
    primitives = total(modules, top_of(modules, top))
    counts = resources(primitives)
    report = {
        "tool": f"Yosys {version('pyosys')}",
        "family": FAMILY,
        "flow": FLOW,
        "command": "make rtl-report",
        "date": datetime.now(timezone.utc).date().isoformat(),
        "top": top,
        "geometry": {name.lower(): value for name, value in parameters.items()},
        "units": by_unit(modules, top),
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


def table(report: Mapping[str, Any]) -> str:
    """The units, the total and its shares of the part as a Markdown table."""
    lines = ["| unit | instances | LUT | FF | DSP | BRAM36 |", "|---|---|---|---|---|---|"]

    def line(name: str, *values: str) -> None:
        lines.append("| " + " | ".join((name, *values)) + " |")

    for name, counts in report["units"].items():
        line(f"`{name}`", *(f"{counts[column]:,g}" for column in ("instances", *COLUMNS)))
    line("**all**", "", *(f"**{report['total'][column]:,g}**" for column in COLUMNS))
    line("of the ZU9EG's", "", *(f"{getattr(ZU9EG, column):,}" for column in COLUMNS))
    line("share", "", *(f"{100 * report['share'][column]:.1f} %" for column in COLUMNS))
    return "\n".join(lines)


def page(report: Mapping[str, Any]) -> str:
    """docs/benchmarks/rtl.md for a report on `matrix_engine`."""
    geometry, units, product = report["geometry"], report["units"], report["dot_product"]
    chains = units["dot_product"]["instances"]
    return TEXT.format(
        table=table(report),
        **{name: report[name] for name in ("tool", "date", "family")},
        **geometry,
        width=16 * geometry["depth"],
        lanes=units["weight_memory"]["instances"],
        ring_blocks=units["weight_memory"]["bram36"],
        bank_blocks=units["activation_bank"]["bram36"] / units["activation_bank"]["instances"],
        behind=units["weight_memory"]["ff"],
        blocks=chains * product["dsp"],
        registered=chains * product["registered"],
        cascaded=chains * product["cascaded"],
        chains=chains,
    )


def main() -> int:
    """Write the report and its page; the exit status."""
    try:
        import pyosys  # noqa: F401
    except ImportError:
        print("pyosys is missing: pip install -e '.[rtl]'", file=sys.stderr)
        return 2
    parameters = {**dict(FULL.parameters), "SUM_BITS": SUM_BITS}
    try:
        report = write_report(
            REPORT, "matrix_engine", parameters, lambda line: print(line, flush=True)
        )
    except ValueError as error:
        print(f"nothing written: {error}", file=sys.stderr)
        return 1
    _write(REPORT.with_suffix(".md"), page(report))
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
