"""DSP, BRAM36, LUTs and flip-flops of the accelerator, by unit with their source.

docs/resources.md says what each source is worth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.hls_blocks import BLOCKS
from trivit.tools.estimate.part import BRAM_SHARE, ZU9EG, Part, Resources
from trivit.tools.estimate.primitives import bram36
from trivit.tools.kernel import ROOT
from trivit.tools.kernel.description import KernelDescription

#: The engine, as Yosys counts it (`make rtl-report`).
ENGINE_REPORT = ROOT / "docs" / "benchmarks" / "rtl.json"
#: How far LUTs and flip-flops that no tool has counted may lie from the model, as a share of it.
UNCERTAINTY = 0.4
_YOSYS, _SCALED, _MODELLED = "Yosys", "Yosys, memories by depth", "modelled"
#: A port's mover (hls/rtl/README.md), five of them; all bank agents (hls/rtl/banks/README.md).
_MOVER = Resources(lut=2_177, ff=1_724)
_PORTS = 5
_AGENTS = Resources(lut=11_559, ff=6_647)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What a unit takes, and who says so."""

    resources: Resources
    source: str


@dataclass(frozen=True)
class ResourceEstimate:
    """All units by name."""

    units: dict[str, Unit]

    @property
    def total(self) -> Resources:
        """The sum over units."""
        return sum((unit.resources for unit in self.units.values()), Resources())

    @property
    def modelled(self) -> Resources:
        """The part of the sum that no tool has counted."""
        units = self.units.values()
        return sum((u.resources for u in units if u.source == _MODELLED), Resources())


def estimate_resources(kernel: KernelDescription) -> ResourceEstimate:
    """Return the resources of the accelerator, by unit.

    Raises:
        ToolsError: the engine was counted with an array of another size, or not at all.
    """
    movers = sum((_MOVER for _ in range(_PORTS)), Resources())
    return ResourceEstimate(
        {
            **_engine(kernel, _read(ENGINE_REPORT)),
            "movers": Unit(resources=movers, source=_YOSYS),
            "bank agents": Unit(resources=_AGENTS, source=_YOSYS),
            **{name: Unit(resources=block(), source=_MODELLED) for name, block in BLOCKS.items()},
        }
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolsError(f"cannot read {path} ({error}): write it by `make rtl-report`") from error
    return report


def _engine(kernel: KernelDescription, report: Mapping[str, Any]) -> dict[str, Unit]:
    """Engine as counted; banks and ring have the block RAM of their depths in ``kernel``."""
    counted = report["geometry"]
    for name, size in kernel.geometry.items():
        if counted[name] != size:
            raise ToolsError(
                f"the engine was counted with {counted[name]} {name}, not {size}: "
                "run `make rtl-report`"
            )
    units = {
        name: Resources(lut=unit["lut"], ff=unit["ff"], dsp=unit["dsp"])
        for name, unit in report["units"].items()
    }
    depth = kernel.limits["activation_depth"]
    lanes = kernel.geometry["depth"]
    banks = kernel.geometry["tokens"] * bram36(depth, 16 * lanes, true_dual_port=True)
    ring = kernel.geometry["outputs"] * lanes
    ring_blocks = ring * bram36(kernel.limits["weight_depth"], 16, true_dual_port=False)
    same = counted["activation_depth"] == depth
    same_ring = counted["weight_depth"] == kernel.limits["weight_depth"]
    memory = "activation_bank", "weight_memory"
    rest = sum((r for name, r in units.items() if name not in memory), Resources())
    return {
        "engine": Unit(resources=rest, source=_YOSYS),
        "activation banks": Unit(
            resources=units[memory[0]] + Resources(bram36=banks),
            source=_YOSYS if same else _SCALED,
        ),
        "weight ring": Unit(
            resources=units[memory[1]] + Resources(bram36=ring_blocks),
            source=_YOSYS if same_ring else _SCALED,
        ),
    }


@dataclass(frozen=True, kw_only=True)
class Use:
    """One resource: what is needed and what may be used."""

    name: str
    needed: float
    limit: float
    unit: str
    uncertainty: float = 0.0

    @property
    def share(self) -> float:
        """Needed part of the limit."""
        return self.needed / self.limit

    @property
    def over(self) -> bool:
        """Whether the model's figure exceeds the limit."""
        return self.needed > self.limit

    @property
    def certainly_over(self) -> bool:
        """Whether the limit is exceeded beyond the model's uncertainty."""
        return self.needed * (1 - self.uncertainty) > self.limit


def uses(total: Resources, part: Part = ZU9EG) -> tuple[Use, ...]:
    """Return each resource beside its limit; BRAM may be filled to 90 %."""
    return (
        Use(name="DSP", needed=total.dsp, limit=part.dsp, unit="DSP48E2"),
        Use(name="BRAM", needed=total.bram36, limit=BRAM_SHARE * part.bram36, unit="BRAM36"),
        Use(name="LUT", needed=total.lut, limit=part.lut, unit="LUTs", uncertainty=UNCERTAINTY),
        Use(name="FF", needed=total.ff, limit=part.ff, unit="flip-flops", uncertainty=UNCERTAINTY),
    )


def fits(total: Resources, part: Part = ZU9EG) -> bool:
    """Whether the part holds the kernel (see `check_fits`)."""
    return not any(use.certainly_over for use in uses(total, part))


def probably_fits(total: Resources, part: Part = ZU9EG) -> bool:
    """Whether the part holds the kernel if synthesis comes out as modelled."""
    return not any(use.over for use in uses(total, part))


def check_fits(total: Resources, part: Part = ZU9EG) -> None:
    """Compare with the part.

    DSP and BRAM follow from widths and shapes and are taken at their word. LUTs and flip-flops are
    uncertain: they count as over when even the low end of their range is.

    Raises:
        ToolsError: a resource over its limit; the message names all of them.
    """
    over = [
        f"{use.needed:,.10g} {use.unit}, {use.limit:,.10g} may be used"
        for use in uses(total, part)
        if use.certainly_over
    ]
    if over:
        raise ToolsError(
            f"the kernel does not fit the {part.name}: it needs {'; '.join(over)}: "
            "choose a smaller array, fewer lanes or smaller buffers in hls/kernel.yaml"
        )


def table_rows(units: Mapping[str, Unit]) -> Iterable[tuple[str, ...]]:
    """Return unit, DSP, BRAM36, LUT, FF and source as text, largest units first."""
    order = sorted(units.items(), key=lambda item: (-item[1].resources.lut, item[0]))
    for name, unit in order:
        r = unit.resources
        yield name, f"{r.dsp:,}", f"{r.bram36:,.1f}", f"{r.lut:,}", f"{r.ff:,}", unit.source
