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
from trivit.tools.kernel import ROOT
from trivit.tools.kernel.description import KernelDescription

#: The RTL, as Yosys counts it (`make rtl-report`).
RTL_REPORT = ROOT / "docs" / "benchmarks" / "rtl.json"
#: How far LUTs and flip-flops that no tool has counted may lie from the model, as a share of it.
UNCERTAINTY = 0.4
_YOSYS, _MODELLED = "Yosys", "modelled"
_ENGINE = "matrix_engine"
#: Units of the top level beside the engine: modules of the RTL; the rest is its queues.
PARTS = {
    "movers": ("mover_port",),
    "bank agents": (
        *("bank_arbiter", "row_writer", "softmax_writer", "norm_writer"),
        *("row_reader", "load", "store"),
    ),
    "results to DDR": ("matrix_writer", "word_order"),
    "jobs and reports": ("job_control", "recovery", "reporter", "word_pairs", "training_commands"),
    "queues of the top level": ("accelerator", "stream_fork"),
}
#: Units that are counted at several sizes, and the size in hls/kernel.yaml.
_SIZES = {
    "activation_bank": "activation_depth",
    "row_stream": "stream_rows",
    "command_queue": "commands",
}


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
        ToolsError: the RTL was counted with an array or ring of another size, or not at all, or not
            with the sizes of ``kernel``.
    """
    report = _read(RTL_REPORT)
    parts = report["parts"]
    known = {_ENGINE, *(name for names in PARTS.values() for name in names)}
    if set(parts) != known:
        wrong = ", ".join(sorted(set(parts) ^ known))
        raise ToolsError(f"{RTL_REPORT} counts other units ({wrong}): run `make rtl-report`")
    return ResourceEstimate(
        {
            **_engine(kernel, report),
            **{
                unit: Unit(
                    resources=sum((_counted(parts[name]) for name in names), Resources()),
                    source=_YOSYS,
                )
                for unit, names in PARTS.items()
            },
            **{name: Unit(resources=block(), source=_MODELLED) for name, block in BLOCKS.items()},
        }
    )


def counted_sizes() -> dict[str, tuple[int, ...]]:
    """Return the sizes of hls/kernel.yaml at which Yosys has counted the RTL, by their name."""
    report = _read(RTL_REPORT)
    return {
        size: tuple(map(int, report["variants"][unit]["values"])) for unit, size in _SIZES.items()
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolsError(f"cannot read {path} ({error}): write it by `make rtl-report`") from error
    return report


def _counted(entry: Mapping[str, Any]) -> Resources:
    return Resources(**{name: entry[name] for name in ("lut", "ff", "dsp", "bram36")})


def _engine(kernel: KernelDescription, report: Mapping[str, Any]) -> dict[str, Unit]:
    """Return the engine as counted; banks and queues as counted at the sizes of ``kernel``."""
    sizes = {**kernel.geometry, **kernel.limits, **kernel.engine}
    for name, size in report["geometry"].items():
        if sizes[name] != size and name not in _SIZES.values():
            raise ToolsError(
                f"the engine was counted with {size} {name}, not {sizes[name]}: "
                "run `make rtl-report`"
            )
    units = report["units"]
    banks, ring = _counted(units["activation_bank"]), _counted(units["weight_memory"])
    more = {
        unit: sum([_more(report, unit, sizes[size])] * units[unit]["instances"], Resources())
        for unit, size in _SIZES.items()
    }
    deeper = more.pop("activation_bank")
    rest = sum(more.values(), _counted(report["parts"][_ENGINE])) - banks - ring
    return {
        "engine": Unit(resources=rest, source=_YOSYS),
        "activation banks": Unit(resources=banks + deeper, source=_YOSYS),
        "weight ring": Unit(resources=ring, source=_YOSYS),
    }


def _more(report: Mapping[str, Any], unit: str, size: int) -> Resources:
    """Return what one instance of a unit takes more at a size than in the whole that was counted.

    Raises:
        ToolsError: the unit was not counted at that size.
    """
    name, counted = _SIZES[unit], report["variants"][unit]["values"]
    if str(size) not in counted:
        raise ToolsError(
            f"Yosys has not counted {name} {size}: use one of {', '.join(counted)}, or add the "
            "size to hw_tests/rtl/report.py and run `make rtl-report`"
        )
    return _counted(counted[str(size)]) - _counted(counted[str(report["geometry"][name])])


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
