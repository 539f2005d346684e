"""Schedules that move from ``start`` to ``end``: linear, cosine, and cyclic, which comes back.

PSS, "Training with a Patch Sampling Schedule". Released code and paper differ in two things
(``compat``). The code moves the *drop* ratio to half a step below the end and rounds it, so that
the first level lasts half as long as the others; the paper's figure shows a step function, here
with levels of equal length. The code for DeiT ends its schedules 10 epochs before the training ends
and drops nothing from there on; the paper does not say so.
"""

import math
from typing import ClassVar

from trivit.models.errors import ModelsError
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.patches.schedule import (
    PATCH_SCHEDULES,
    PatchSchedule,
    PatchScheduleConfig,
)

# The model of the paper: it pools the mean and has relative positions.
PSS_MODEL = {"pooling": "mean", "relative_position_bias": True, "selector_blocks": []}
_PSS_ORDERS = {"random": "random", "l1": "L1"}

# Keeps a step that lies on the border of two levels on the later one, whatever the float error.
_BORDER = 1e-9


def pss_rows(schedule: str, priority: int, note: str = "") -> tuple[MethodRow, ...]:
    """Return the rows of a schedule, one for each order that the paper compares."""
    return tuple(
        MethodRow(
            name=f"pss_{order}_{schedule}",
            level="patches",
            text=f"PSS, {text}, {schedule}{note}",
            settings={
                "model": PSS_MODEL,
                "patch_schedule": {"schedule": schedule, "order": order, "keep_ratio": 0.6},
            },
            priority=priority,
            sweep=True,
        )
        for order, text in _PSS_ORDERS.items()
    )


class Ramp(PatchSchedule):
    """From ``start`` to ``end``, in multiples of 1 / ``steps``."""

    cools_down: ClassVar = True

    def check(self, config: PatchScheduleConfig) -> None:
        """Check that the ramp's ends are levels.

        Raises:
            ModelsError: one lies between two steps.
        """
        if config.steps is None:
            return
        for name, ratio in (("start", config.start), ("end", config.end)):
            if abs(ratio * config.steps - round(ratio * config.steps)) > 1e-6:
                raise ModelsError(
                    f"patch_schedule.{name} is {ratio}: choose a multiple of 1/{config.steps}, "
                    "or other steps"
                )

    def shape(self, progress: float) -> float:
        """Return how far the ratio is, from 0 to 1, when the training is ``progress`` done."""
        return progress

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return the level at ``epoch``; the end, once the cooldown has begun."""
        scheduled = epochs - config.cooldown
        progress = min(1.0, epoch / scheduled) if scheduled > 0 else 1.0
        return level(config, self.shape(progress))


@PATCH_SCHEDULES.register("linear")
class Linear(Ramp):
    """From ``start`` to ``end`` at an even pace (PSS, "Linear")."""

    rows: ClassVar = pss_rows("linear", 6)


@PATCH_SCHEDULES.register("cosine")
class Cosine(Ramp):
    """From ``start`` to ``end`` along half a cosine."""

    def shape(self, progress: float) -> float:
        """Return half a cosine's rise."""
        return 0.5 * (1.0 - math.cos(math.pi * progress))


@PATCH_SCHEDULES.register("cyclic")
class Cyclic(Ramp):
    """From ``start`` to ``end`` and back within each cycle (PSS, "Cyclic")."""

    rows: ClassVar = pss_rows("cyclic", 7)

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return the level at ``epoch``; 1, once the cooldown has begun."""
        if epoch >= epochs - config.cooldown:
            return 1.0
        cycle = config.cycle_epochs or 1.0
        progress = (epoch % cycle) / cycle
        return level(config, 1.0 - abs(2.0 * progress - 1.0))


def level(config: PatchScheduleConfig, progress: float) -> float:
    """Return the ratio on the way from ``start`` to ``end``, a multiple of 1 / ``steps``."""
    steps, start, end = config.steps, config.start, config.end
    if steps is None:
        return start + (end - start) * progress
    if config.compat == "code":
        direction = 1.0 if end >= start else -1.0
        beyond = end + direction * 0.5 / steps
        reached = math.floor((start + (beyond - start) * progress) * steps + 0.5 + _BORDER)
        low, high = sorted((round(start * steps), round(end * steps)))
        return min(max(reached, low), high) / steps
    first, last = round(start * steps), round(end * steps)
    count = abs(last - first) + 1
    passed = min(stage(progress, count), count - 1)
    return (first + (passed if last >= first else -passed)) / steps


def stage(progress: float, count: int) -> int:
    """Return which of ``count`` equal parts ``progress`` (0 to 1) lies in; ``count`` at 1."""
    return math.floor(progress * count + _BORDER)
