"""Latency and resources of every candidate, the Pareto front, and the point to build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.instructions import Instruction, decode
from trivit.host.oracle.checks import tensors
from trivit.host.tiles import row_groups
from trivit.tools.compiler.named import named_program
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.resources import (
    Resources,
    check_fits,
    estimate_resources,
    fits,
    probably_fits,
)
from trivit.tools.explore.formulas import cycle_counter
from trivit.tools.explore.space import candidates
from trivit.tools.kernel.description import KernelDescription

KEEP_RATIOS = (1.0, 0.9, 0.8, 0.7)

#: Values that no cycle depends on, except through ``burst_latency``.
_WITHOUT_CYCLES = ("activation_depth", "clock_mhz")

Program = Sequence[Instruction]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One kernel: what differs from the description, modelled latency and resources."""

    values: dict[str, int]
    cycles: int
    resources: Resources

    @property
    def latency_ms(self) -> float:
        """Milliseconds of one image at the point's clock."""
        return self.cycles / (self.values["clock_mhz"] * 1e3)

    @property
    def costs(self) -> tuple[float, float, float, float]:
        """What the front minimises: latency, DSP, BRAM, LUT."""
        return (
            self.latency_ms,
            self.resources.dsp,
            self.resources.bram36,
            self.resources.lut,
        )

    @property
    def probable(self) -> bool:
        """Whether it fits as modelled, and not only at the low end of the model's uncertainty."""
        return probably_fits(self.resources)


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """The outcome: ``tried`` kernels, those that fit, the front of these, fastest first."""

    model: str
    keep: float
    tried: int
    fitting: tuple[Point, ...]
    front: tuple[Point, ...]
    chosen: Point
    chosen_ms: dict[float, float]  # latency of the chosen point by token keep ratio


def program_of(model: str, keep: float) -> Program:
    """Return the instructions of a named model at a token keep ratio.

    Raises:
        ModelsError, ToolsError: see `named_program`.
    """
    decoded = [decode(words) for words in named_program(model, token_keep=keep).program]
    return [instruction for instruction in decoded if instruction is not None]


def activation_words(program: Program) -> int:
    """Return the bank words that a program's tensors reach up to."""
    return max(
        address + row_groups(rows) * words
        for instruction in program
        for address, rows, words in tensors(instruction).values()
    )


def explore(
    base: KernelDescription,
    model: str,
    *,
    keep: float = 1.0,
    clocks: Sequence[int] = (),
    target_ms: float | None = None,
) -> Exploration:
    """Search the kernels for a model at a token keep ratio.

    The chosen point is the fastest; with ``target_ms`` the one with the fewest DSPs, then BRAM,
    then LUTs, that is as fast as that. A point that fits as modelled goes before all others.

    Raises:
        ToolsError: no candidate fits the part, or none reaches the target.
    """
    ratios = sorted({keep, *KEEP_RATIOS}, reverse=True)
    programs = {ratio: program_of(model, ratio) for ratio in ratios}
    needed = max(activation_words(program) for program in programs.values())
    points = []
    counted: dict[tuple[int, ...], int] = {}
    for values, kernel in candidates(base, needed, clocks or (base.timing["clock_mhz"],)):
        resources = estimate_resources(kernel).total
        deciding = tuple(v for name, v in values.items() if name not in _WITHOUT_CYCLES)
        if fits(resources) and deciding not in counted:
            counted[deciding] = cycle_counter(kernel)(programs[keep])
        cycles = counted.get(deciding, 0)
        points.append((Point(values=values, cycles=cycles, resources=resources), kernel))
    fitting = [(point, kernel) for point, kernel in points if fits(point.resources)]
    if not fitting:
        if not points:
            raise ToolsError(
                f"{model} needs {needed} words per activation bank: no kernel has them"
            )
        check_fits(min((p.resources for p, _ in points), key=lambda r: (r.bram36, r.dsp)))
    chosen = choose([point for point, _ in fitting], target_ms)
    kernel = next(kernel for point, kernel in fitting if point is chosen)
    count = cycle_counter(kernel)
    clock = chosen.values["clock_mhz"] * 1e3
    return Exploration(
        model=model,
        keep=keep,
        tried=len(points),
        fitting=tuple(point for point, _ in fitting),
        front=pareto_front([point for point, _ in fitting]),
        chosen=chosen,
        chosen_ms={ratio: count(program) / clock for ratio, program in programs.items()},
    )


def pareto_front(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that no other beats in all costs at once, fastest first."""
    best: dict[tuple[float, ...], Point] = {}
    for point in points:
        best.setdefault(point.costs, point)
    front = [
        point
        for costs, point in best.items()
        if not any(o != costs and all(a <= b for a, b in zip(o, costs, strict=True)) for o in best)
    ]
    return tuple(sorted(front, key=lambda point: point.costs))


def choose(points: Sequence[Point], target_ms: float | None) -> Point:
    """Return the point that `explore` chooses among those that fit.

    Raises:
        ToolsError: none reaches the target.
    """
    if target_ms is None:
        return min(points, key=lambda point: (not point.probable, *point.costs))
    quick = [point for point in points if point.latency_ms <= target_ms]
    if not quick:
        best = min(point.latency_ms for point in points)
        raise ToolsError(f"no kernel reaches {target_ms:g} ms: the fastest needs {best:.2f} ms")
    return min(quick, key=lambda point: (not point.probable, *point.costs[1:]))
