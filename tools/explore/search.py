"""Latency and resources of every candidate, the Pareto front, and the point to build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trivit.host.commands import decode, from_words
from trivit.host.schedule import Schedule
from trivit.host.tiles import row_groups
from trivit.tools.compiler.named import named_program
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.estimate.resources import (
    check_fits,
    estimate_resources,
    fits,
    probably_fits,
)
from trivit.tools.estimate.timeline import predict
from trivit.tools.estimate.timeline.latencies import MEMORY_LATENCY
from trivit.tools.explore.space import candidates, chosen_sizes
from trivit.tools.kernel.description import KernelDescription
from trivit.tools.schedule import schedule

KEEP_RATIOS = (1.0, 0.9, 0.8, 0.7)


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


def schedule_of(model: str, keep: float) -> Schedule:
    """Return the schedule of a named model at a token keep ratio.

    Raises:
        ModelsError, ToolsError: see `named_program` and `schedule`.
    """
    return schedule(named_program(model, token_keep=keep))


def activation_words(scheduled: Schedule) -> int:
    """Return the bank words that a schedule's tensors reach up to."""
    most = 0
    for command in map(decode, from_words(scheduled.commands)):
        f = command.fields
        words = f.get("out_words", f.get("words", 0))
        # Rows that go to a wrapped buffer take its length alone.
        rows = 1 if f.get("list") else f.get("kept") or f.get("rows", 0)
        groups = f.get("wrap") or row_groups(rows)
        if f.get("target_stride") and (command.unit != "engine" or f["to_banks"]):
            most = max(most, f["target"] + (groups - 1) * f["target_stride"] + words)
    return most


def cycles_at(scheduled: Schedule, values: Mapping[str, int], base_mhz: int) -> int:
    """Return the modelled cycles at a clock and sizes: DDR's latency is constant in time."""
    latency = -(-MEMORY_LATENCY * values["clock_mhz"] // base_mhz)
    sizes = {name: values[name] for name in ("commands", "stream_rows")}
    return predict(scheduled, latency, **sizes).cycles


def explore(
    base: KernelDescription,
    model: str,
    *,
    keep: float = 1.0,
    clocks: Sequence[int] = (),
    settings: Sequence[str] = (),
    target_ms: float | None = None,
) -> Exploration:
    """Search the kernels for a model at a token keep ratio.

    The chosen point is the fastest; with ``target_ms`` the one with the fewest DSPs, then BRAM,
    then LUTs, that is as fast as that. A point that fits as modelled goes before all others.
    ``settings``: see `chosen_sizes`.

    Raises:
        ToolsError: no candidate fits the part, none reaches the target, or a size or clock that
            cannot be tried.
    """
    ratios = sorted({keep, *KEEP_RATIOS}, reverse=True)
    schedules = {ratio: schedule_of(model, ratio) for ratio in ratios}
    needed = max(activation_words(scheduled) for scheduled in schedules.values())
    base_mhz = base.timing["clock_mhz"]
    tried = clocks or (base_mhz,)
    points = []
    sizes = chosen_sizes(base, settings, needed)
    cycles_of: dict[tuple[int, ...], int] = {}  # the depth of the banks changes none
    for values, kernel in candidates(base, sizes, tried):
        key = values["clock_mhz"], values["commands"], values["stream_rows"]
        if key not in cycles_of:
            cycles_of[key] = cycles_at(schedules[keep], values, base_mhz)
        cycles = cycles_of[key]
        resources = estimate_resources(kernel).total
        points.append(Point(values=values, cycles=cycles, resources=resources))
    fitting = [point for point in points if fits(point.resources)]
    if not fitting:
        if not points:
            raise ToolsError(
                f"{model} needs {needed} words per activation bank: no accelerator that was "
                "counted has them"
            )
        check_fits(min((p.resources for p in points), key=lambda r: (r.bram36, r.dsp)))
    chosen = choose(fitting, target_ms)
    clock = chosen.values["clock_mhz"]
    return Exploration(
        model=model,
        keep=keep,
        tried=len(points),
        fitting=tuple(fitting),
        front=pareto_front(fitting),
        chosen=chosen,
        chosen_ms={
            ratio: cycles_at(scheduled, chosen.values, base_mhz) / (clock * 1e3)
            for ratio, scheduled in schedules.items()
        },
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
