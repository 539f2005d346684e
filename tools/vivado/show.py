"""The tables that ``make reports`` prints."""

from collections.abc import Mapping
from typing import Any

from trivit.tools.report.tables import print_table

_KINDS = ("dsp", "bram36", "lut", "ff")


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print what `compare.gather` returned."""
    if "timing" in figures:
        timing, power = figures["timing"], figures["power"]
        print(
            f"timing: slack {timing['slack_ns']:+.3f} ns (set-up {timing['setup_ns']:+.3f}, hold "
            f"{timing['hold_ns']:+.3f}); power, estimated by Vivado with confidence "
            f"{power['confidence'] or 'unknown'}: {power['total_w']:.2f} W"
        )
    if "blocks" in figures:
        _print_loops(figures["blocks"])
    _print_resources(figures["resources"])
    if figures.get("images"):
        print_table(
            "images: simulated cycles at the clock of the report, estimated power",
            ("model", "cycles", "ms", "mJ"),
            [
                (name, f"{c['cycles']:,}", f"{c['latency_ms']:.3f}", f"{c['energy_mj']:.1f}")
                for name, c in figures["images"].items()
            ],
        )


def _print_loops(blocks: Mapping[str, Any]) -> None:
    rows = []
    for name, block in blocks.items():
        for loop in block["loops"]:
            remark = "deeper than simulated" if loop["depth"] > 2 * loop["assumed_depth"] else ""
            if block["estimated_ns"] > block["target_ns"]:
                remark = "clock too slow"
            if loop["interval"] > loop["assumed_interval"]:
                remark = "slower than simulated"
            rows.append(
                (
                    name,
                    loop["module"],
                    f"{block['estimated_ns']:.2f} of {block['target_ns']:.2f}",
                    f"{loop['interval']} ({loop['assumed_interval']})",
                    f"{loop['depth']} ({loop['assumed_depth']})",
                    remark,
                )
            )
    heads = ("block", "loop in", "clock, ns", "II (assumed)", "depth (assumed)", "")
    print_table("\nHLS blocks, as Vitis HLS expects them", heads, rows)


def _print_resources(units: Mapping[str, Any]) -> None:
    sources = ("vivado", "vitis", "project")
    print_table(
        f"\nresources ({' / '.join(_KINDS)})",
        ("unit", "Vivado, placed", "Vitis HLS, expected", "this project", "by"),
        [
            (name, *(_cell(unit.get(source)) for source in sources), unit.get("source", ""))
            for name, unit in units.items()
        ],
    )


def _cell(resources: Mapping[str, float] | None) -> str:
    return " / ".join(f"{resources[kind]:,g}" for kind in _KINDS) if resources else "-"


def slow_loops(figures: Mapping[str, Any]) -> list[str]:
    """Return the loops whose iterations begin more rarely than the simulation assumes."""
    return [
        f"{loop['module']} (II {loop['interval']})"
        for block in figures.get("blocks", {}).values()
        for loop in block["loops"]
        if loop["interval"] > loop["assumed_interval"]
    ]
