"""Resources of the matrix engine as Yosys (pyosys, extra `rtl`) counts them, 7-series as a proxy.

`python -m rtl.synthesis` (`make rtl-report`) writes docs/benchmarks/rtl.json. Yosys maps each
module once, however often the engine holds it; nothing is placed or timed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rtl.designs import RTL
from simulation.simulator import ROOT

REPORT = ROOT / "docs" / "benchmarks" / "rtl.json"
FAMILY = "xc7"


def synthesize(top: str, parameters: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Map `top` and what it uses; return the modules of Yosys' JSON netlist by name."""
    from pyosys import libyosys

    design = libyosys.Design()
    with tempfile.TemporaryDirectory() as folder:
        netlist = Path(folder) / "netlist.json"
        for command in (
            f"read_verilog -sv -DSYNTHESIS {' '.join(map(str, RTL))}",
            *(f"chparam -set {name} {value} {top}" for name, value in (parameters or {}).items()),
            f"synth_xilinx -family {FAMILY} -top {top} -noiopad -run begin:check",
            "delete =A:whitebox =A:blackbox",
            f"write_json {netlist}",
        ):
            libyosys.run_pass(f"tee -q {command}", design)
        modules: dict[str, Any] = json.loads(netlist.read_text())["modules"]
    return modules


def name_of(module: str) -> str:
    r"""The name in the source of a module that Yosys named after its parameters.

    `$paramod\name\WIDTH=...`, `$paramod$hash\name`, or the name alone.
    """
    parts = module.split("\\")
    return parts[1] if len(parts) > 1 else module


def total(modules: Mapping[str, Any], module: str) -> Counter[str]:
    """Primitives of a module and all below it, by type."""
    counts: Counter[str] = Counter()
    for cell in modules[module]["cells"].values():
        kind = cell["type"]
        counts.update(total(modules, kind) if kind in modules else {kind: 1})
    return counts


def resources(primitives: Mapping[str, int]) -> dict[str, int | float]:
    """LUTs (those that are memory or shift registers too), flip-flops, DSPs, BRAM36."""
    memory = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4}
    memory |= {"SRL16E": 1, "SRLC32E": 1}
    sums: Counter[str] = Counter()
    for kind, count in primitives.items():
        if kind.startswith("LUT") or kind == "INV":
            sums["lut"] += count
        elif kind in memory:
            sums["lut"] += memory[kind] * count
        elif kind.startswith(("FDRE", "FDSE", "FDCE", "FDPE")):
            sums["ff"] += count
        elif kind.startswith("DSP48"):
            sums["dsp"] += count
        elif kind.startswith(("RAMB18", "RAMB36")):
            sums["bram18"] += count * (2 if "36" in kind else 1)
    return {
        "lut": sums["lut"],
        "ff": sums["ff"],
        "dsp": sums["dsp"],
        "bram36": sums["bram18"] / 2,
    }


def by_unit(modules: Mapping[str, Any], top: str) -> dict[str, dict[str, int | float]]:
    """Resources of everything, and of what the top module holds, one line per unit."""
    sums: dict[str, Counter[str]] = {}
    own: Counter[str] = Counter()
    for cell in modules[top]["cells"].values():
        kind = cell["type"]
        if kind in modules:
            sums.setdefault(name_of(kind), Counter()).update(total(modules, kind))
        else:
            own[kind] += 1
    lines = {"all": total(modules, top), **dict(sorted(sums.items())), "top": own}
    return {name: resources(counts) for name, counts in lines.items()}


def top_of(modules: Mapping[str, Any], name: str) -> str:
    """The module that has this name in the source; ValueError if there is not exactly one."""
    (found,) = (module for module in modules if name_of(module) == name)
    return found


def main() -> int:
    """Write the report; the exit status."""
    try:
        import pyosys  # noqa: F401
    except ImportError:
        print("pyosys is missing: pip install -e '.[rtl]'", file=sys.stderr)
        return 2
    modules = synthesize("matrix_engine")
    units = by_unit(modules, top_of(modules, "matrix_engine"))
    report = {"tool": f"Yosys {version('pyosys')}", "family": FAMILY, "units": units}
    temporary = REPORT.with_suffix(".tmp")
    temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    temporary.replace(REPORT)
    for name, counts in units.items():
        print(f"| `{name}` | " + " | ".join(f"{value:,.0f}" for value in counts.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
