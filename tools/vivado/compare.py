"""Reports of the vendor's tools beside what this project counted, modelled and simulated."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trivit.host.generated.board import CELL
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.estimate.resources import PARTS, estimate_resources
from trivit.tools.kernel import ROOT
from trivit.tools.vivado.assumed import assumed_depths, process_of
from trivit.tools.vivado.blocks import block_names, csynth_report
from trivit.tools.vivado.csynth import Synthesis, read_csynth
from trivit.tools.vivado.described import kernel
from trivit.tools.vivado.power import Power, read_power
from trivit.tools.vivado.timing import Timing, read_timing
from trivit.tools.vivado.utilisation import Instance, read_utilisation

#: Cycles of whole models on the simulated accelerator.
SIMULATED = ROOT / "docs" / "benchmarks" / "accelerator.json"


def gather(build: Path) -> dict[str, Any]:
    """Return all reports below ``build`` that are there, each beside this project's figures.

    Raises:
        ToolsError: there is no report at all, or one cannot be read.
    """
    blocks = {
        name: read_csynth(path)
        for name in block_names()
        if (path := build / "hls" / name / csynth_report(name)).is_file()
    }
    figures: dict[str, Any] = {}
    if blocks:
        figures["blocks"] = {name: _block(name, block) for name, block in blocks.items()}
    reports = build / "reports"
    if (reports / "timing.rpt").is_file() or not blocks:
        timing = read_timing(reports / "timing.rpt")
        power = read_power(reports / "power.rpt")
        top = read_utilisation(reports / "utilisation.rpt")
        figures["timing"] = {**asdict(timing), "slack_ns": timing.slack_ns}
        figures["power"] = asdict(power)
        figures["utilisation"] = _hierarchy(top, depth=4)
        figures["images"] = _images(timing, power)
    else:
        top = None
    figures["resources"] = _resources(top, blocks)
    return figures


def _block(name: str, block: Synthesis) -> dict[str, Any]:
    depths = assumed_depths(name)
    loops = []
    for loop in block.loops:
        assumed = {"assumed_interval": 1, "assumed_depth": depths[process_of(loop, depths)]}
        loops.append({**asdict(loop), **assumed})
    return {**asdict(block), "loops": loops}


def _hierarchy(instance: Instance, depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"module": instance.module, **asdict(instance.resources)}
    if depth and instance.below:
        tree["below"] = {found.name: _hierarchy(found, depth - 1) for found in instance.below}
    return tree


def _images(timing: Timing, power: Power) -> dict[str, Any]:
    """Return what simulated cycles come to at the clock that timing was met at."""
    clock_mhz = max(timing.clocks_mhz.values(), default=0.0)
    cases = json.loads(SIMULATED.read_text(encoding="utf-8"))["cases"]
    if not clock_mhz:
        return {}
    return {
        name: {
            "cycles": case["cycles"],
            "clock_mhz": clock_mhz,
            "latency_ms": case["cycles"] / clock_mhz / 1000,
            "energy_mj": power.total_w * case["cycles"] / clock_mhz / 1000,
        }
        for name, case in cases.items()
    }


def _resources(top: Instance | None, blocks: dict[str, Synthesis]) -> dict[str, Any]:
    """Return every unit as Vivado placed it, as Vitis HLS expects it, and as this project does."""
    estimate = estimate_resources(kernel())
    units: dict[str, Any] = {
        name: {"project": asdict(unit.resources), "source": unit.source}
        for name, unit in estimate.units.items()
    }
    for name, block in blocks.items():
        units[name]["vitis"] = asdict(block.resources)
    for name, resources in (placed_units(top) if top else {}).items():
        units.setdefault(name, {})["vivado"] = asdict(resources)
    return units


def placed_units(top: Instance) -> dict[str, Resources]:
    """Return what Vivado placed, by the units of ``trivit estimate --resources``.

    A module that Vivado dissolved counts with the one above it.

    Raises:
        ToolsError: the report is none of this design.
    """
    cells = next((i.below for i in top.walk() if any(b.name == CELL for b in i.below)), None)
    accelerator = top.find("accelerator")
    if cells is None or accelerator is None:
        raise ToolsError(f"the report on '{top.name}' has no cell {CELL} with an accelerator in it")
    units = {}
    engine = accelerator.find("matrix_engine")
    if engine is not None:
        banks, ring = (_sum(engine.walk(), name) for name in ("activation_bank", "weight_memory"))
        units["engine"] = engine.resources - banks - ring
        units |= {"activation banks": banks, "weight ring": ring}
    for unit, modules in PARTS.items():
        own = accelerator.own if accelerator.module in modules else Resources()
        below = (_sum(accelerator.below, module) for module in modules)
        units[unit] = sum(below, own)
    units["registers"] = _sum(top.walk(), "job_registers")
    blocks = block_names()
    periphery = [i for i in cells if i.name not in (CELL, *blocks)]
    units |= {i.name: i.resources for i in cells if i.name in blocks}
    units["FIFOs of channels"] = _named(periphery, "fifo_")
    units["SmartConnects"] = _named(periphery, "smartconnect_")
    units["all"] = top.resources
    return {name: found for name, found in units.items() if found != Resources()}


def _sum(instances: Iterable[Instance], module: str) -> Resources:
    return sum((i.resources for i in instances if i.module == module), Resources())


def _named(instances: Iterable[Instance], prefix: str) -> Resources:
    return sum((i.resources for i in instances if i.name.startswith(prefix)), Resources())
