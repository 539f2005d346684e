"""DSP48E2, BRAM36, LUTs and flip-flops of a kernel description (docs/resources.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.memories import kernel_memories
from trivit.tools.estimate.operators import kernel_operators
from trivit.tools.estimate.part import BRAM_SHARE, ZU9EG, Part
from trivit.tools.kernel.description import KernelDescription

#: Pipeline registers for each LUT of arithmetic: a register behind every second or third level.
FF_PER_LUT = 1.2

#: Fan-out and skew registers for each DSP48E2 of the array, beside those in the block itself.
FF_PER_DSP = 16

#: How far LUTs and flip-flops of a synthesised kernel may lie from the model, as a share of it.
UNCERTAINTY = 0.4


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Amounts of the four resources that decide whether a kernel fits."""

    dsp: int = 0
    bram36: float = 0.0
    lut: int = 0
    ff: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            dsp=self.dsp + other.dsp,
            bram36=self.bram36 + other.bram36,
            lut=self.lut + other.lut,
            ff=self.ff + other.ff,
        )


@dataclass(frozen=True)
class ResourceEstimate:
    """What each unit takes. ``source``: the model, or the file whose figures replace it."""

    units: dict[str, Resources]
    source: str = "model"

    @property
    def total(self) -> Resources:
        """The sum over units."""
        return sum(self.units.values(), Resources())


def estimate_resources(kernel: KernelDescription) -> ResourceEstimate:
    """Return the modelled resources of a kernel, by unit."""
    units: dict[str, Resources] = defaultdict(Resources)
    for memory in kernel_memories(kernel):
        units[memory.unit] += Resources(bram36=memory.bram36, lut=memory.lut, ff=memory.ff)
    for operators in kernel_operators(kernel):
        luts, dsps = operators.total_lut, operators.total_dsp
        registers = round(FF_PER_LUT * luts + FF_PER_DSP * dsps)
        units[operators.unit] += Resources(dsp=dsps, lut=luts, ff=registers)
    return ResourceEstimate(dict(units))


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


def table_rows(units: dict[str, Resources]) -> Iterable[tuple[str, ...]]:
    """Return unit, DSP, BRAM36, LUT and FF as text, largest units first."""
    order = sorted(units.items(), key=lambda item: (-item[1].lut, item[0]))
    for name, r in order:
        yield name, f"{r.dsp:,}", f"{r.bram36:,.1f}", f"{r.lut:,}", f"{r.ff:,}"
