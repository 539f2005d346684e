"""The page docs/benchmarks/rtl.md of a report on the accelerator's RTL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivit.tools.estimate.part import ZU9EG

COLUMNS = ("lut", "ff", "dsp", "bram36")

TEXT = """\
# The accelerator's RTL, counted by Yosys

Written by `make rtl-report`, which writes [rtl.json](rtl.json) too. {tool}, {date}: the
RTL of [hls/rtl](../../hls/rtl/README.md) with {tokens} x {outputs} x {depth} multipliers.

**Counted, not built.** Yosys has no mapping to the ZU9EG's UltraScale+ blocks that packs the
registers of a DSP, so 7-series primitives (`{family}`) are a **proxy**; LUTs, RAMB36 and the
registers of the multipliers are alike in both. No vendor tool has seen this RTL; nothing was
placed, routed or timed. Not in it: the HLS blocks (sequencer, GELU, softmax, normalisation,
selection, connections).

## What the top level holds

{parts}

`accelerator` itself is the queues of commands, and what chooses where rows go.

## By unit

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

## Other sizes

Units at the sizes that `trivit explore` looks at, one instance of each:

{variants}
"""


def table(report: Mapping[str, Any], rows: str = "units") -> str:
    """The units or parts, the total and its shares of the part as a Markdown table."""
    lines = ["| unit | instances | LUT | FF | DSP | BRAM36 |", "|---|---|---|---|---|---|"]

    def line(name: str, *values: str) -> None:
        lines.append("| " + " | ".join((name, *values)) + " |")

    for name, counts in report[rows].items():
        line(f"`{name}`", *(f"{counts[column]:,g}" for column in ("instances", *COLUMNS)))
    line("**all**", "", *(f"**{report['total'][column]:,g}**" for column in COLUMNS))
    line("of the ZU9EG's", "", *(f"{getattr(ZU9EG, column):,}" for column in COLUMNS))
    line("share", "", *(f"{100 * report['share'][column]:.1f} %" for column in COLUMNS))
    return "\n".join(lines)


def variants_table(report: Mapping[str, Any]) -> str:
    """The units at other sizes as a Markdown table."""
    lines = ["| unit | size | LUT | FF | BRAM36 |", "|---|---|---|---|---|"]
    for unit, counted in report["variants"].items():
        for value, counts in counted["values"].items():
            figures = (f"{counts[column]:,g}" for column in ("lut", "ff", "bram36"))
            size = f"{counted['parameter'].lower()} {int(value):,}"
            lines.append("| " + " | ".join((f"`{unit}`", size, *figures)) + " |")
    return "\n".join(lines)


def page(report: Mapping[str, Any]) -> str:
    """docs/benchmarks/rtl.md for a report on `accelerator`."""
    geometry, units, product = report["geometry"], report["units"], report["dot_product"]
    chains = units["dot_product"]["instances"]
    return TEXT.format(
        table=table(report),
        parts=table(report, "parts"),
        variants=variants_table(report),
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
