"""Where the time of a step goes: on the device by operation, on the host by launching."""

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from trivit.models.clock import Stopwatch, synchronise
from trivit.tools.bench.train.kernels import GROUPS, group_of
from trivit.tools.bench.train.rows import Row
from trivit.tools.bench.train.steps import Step

# Calls of the host that give the device something to do.
_LAUNCH = re.compile(r"^cu(da)?(Launch|GraphLaunch|Memcpy\w*Async|Memset\w*Async)")

# Names of the group "other" that a profile lists.
_NAMES = 8


@dataclass(frozen=True)
class StepProfile:
    """What one step consists of. Times in milliseconds, all for one step.

    Attributes:
        step_ms: from one step to the next, unprofiled.
        host_ms: that the host needs to start it; on a CPU the step.
        busy_ms: that the device works (kernels that overlap count once); on a CPU its operators.
        launches: calls that start work on the device; on a CPU operators.
        kernels: that run on the device; a replayed graph is one launch of many.
        by_name: of each kernel or operator.
    """

    step_ms: float
    host_ms: float
    busy_ms: float
    launches: float
    kernels: float
    by_name: Mapping[str, float]


def profile_step(step: Step, device: torch.device, steps: int) -> StepProfile:
    """Return the profile of a step that has been warmed up, a mean of ``steps``; wall clock."""
    step.run()
    host = 0.0
    for _ in range(steps):
        synchronise(device)
        started = time.perf_counter()
        step.run()
        host += time.perf_counter() - started
    with Stopwatch(device) as watch:
        for _ in range(steps):
            step.run()
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
        # Taking the tracer down and up again does not agree with CUDA graphs.
        os.environ.setdefault("TEARDOWN_CUPTI", "0")
    with profile(activities=activities) as profiler:
        for _ in range(steps):
            step.run()
        synchronise(device)
    found = _on_device(profiler) if device.type == "cuda" else _on_host(profiler)
    per_step = 1e-3 / steps  # from microseconds of all steps
    return StepProfile(
        step_ms=1e3 * watch.seconds / steps,
        host_ms=1e3 * host / steps,
        busy_ms=found.busy * per_step,
        launches=found.launches / steps,
        kernels=sum(found.counts.values()) / steps,
        by_name={name: spent * per_step for name, spent in found.spent.items()},
    )


@dataclass(frozen=True)
class _Found:
    busy: float
    launches: int
    counts: Counter[str]
    spent: Counter[str]


def _on_device(profiler: profile) -> _Found:
    counts: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    launches, spans = 0, []
    for event in profiler.events() or ():
        if event.device_type != torch.autograd.DeviceType.CUDA:
            launches += bool(_LAUNCH.match(event.name))
        elif not getattr(event, "is_user_annotation", False):
            span = event.time_range
            spans.append((span.start, span.end))
            counts[event.name] += 1
            spent[event.name] += span.end - span.start
    return _Found(covered(spans), launches, counts, spent)


def _on_host(profiler: profile) -> _Found:
    counts: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for entry in profiler.key_averages():
        counts[entry.key] += entry.count
        spent[entry.key] += entry.self_cpu_time_total
    return _Found(sum(spent.values()), counts.total(), counts, spent)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of ``spans``, (start, end)."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def row_profile(row: Row, profiles: Mapping[str, StepProfile]) -> dict[str, Any] | None:
    """Return the mean step of a row by group; ``None`` if a shape of it has no profile.

    ``idle_ms`` is how long the device waits, ``others`` names what no rule of ``kernels`` knows.
    """
    if not row.weights.keys() <= profiles.keys():
        return None
    parts = [(weight, profiles[name]) for name, weight in row.weights.items()]
    by_name: dict[str, float] = {}
    for weight, part in parts:
        for name, spent in part.by_name.items():
            by_name[name] = by_name.get(name, 0.0) + weight * spent
    groups = dict.fromkeys(GROUPS, 0.0)
    for name, spent in by_name.items():
        groups[group_of(name)] += spent
    others = sorted((n for n in by_name if group_of(n) == "other"), key=lambda n: -by_name[n])
    busy = sum(weight * part.busy_ms for weight, part in parts)
    whole = sum(weight * part.step_ms for weight, part in parts)
    return {
        "row": row.name,
        "text": row.text,
        "step_ms": whole,
        "host_ms": sum(weight * part.host_ms for weight, part in parts),
        "busy_ms": busy,
        "idle_ms": max(0.0, whole - busy),
        "launches": sum(weight * part.launches for weight, part in parts),
        "kernels": sum(weight * part.kernels for weight, part in parts),
        "groups_ms": groups,
        "others_ms": {name: by_name[name] for name in others[:_NAMES]},
    }


def profile_rows(
    table: Sequence[Row],
    steps: Mapping[str, Step],
    device: torch.device,
    *,
    steps_each: int,
    fits: Callable[[float], bool],
) -> Iterator[dict[str, Any]]:
    """Yield the profile of each row of ``table`` whose shapes are among ``steps``.

    Args:
        table: the rows, in order.
        steps: by shape, warmed up.
        device: that they run on.
        steps_each: of a shape.
        fits: whether so many seconds are left.
    """
    profiles: dict[str, StepProfile] = {}
    longest = 0.0
    for row in table:
        for name in row.weights:
            if name in steps and name not in profiles and fits(longest):
                with Stopwatch() as watch:
                    profiles[name] = profile_step(steps[name], device, steps_each)
                longest = max(longest, watch.seconds)
        if found := row_profile(row, profiles):
            yield found
