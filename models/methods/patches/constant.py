"""Schedules that hold their ratios: ``none``, ``fixed``, and ``list``, which holds several."""

from typing import ClassVar

from trivit.models.errors import ModelsError
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.patches.ramps import PSS_MODEL, pss_rows, stage
from trivit.models.methods.patches.schedule import (
    PATCH_SCHEDULES,
    PatchSchedule,
    PatchScheduleConfig,
)


@PATCH_SCHEDULES.register("none")
class NoSchedule(PatchSchedule):
    """All patches, always."""

    rows: ClassVar = (
        MethodRow(
            name="pss_baseline",
            level="patches",
            text="PSS model, no schedule",
            settings={"model": PSS_MODEL, "patch_schedule": {"schedule": "none"}},
            priority=4,
            sweep=True,
        ),
    )

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return 1."""
        return 1.0


@PATCH_SCHEDULES.register("fixed")
class Fixed(PatchSchedule):
    """The same ``keep_ratio``, always (PSS, "Fixed")."""

    rows: ClassVar = pss_rows("fixed", 5, " (0.6)")

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return the configured ratio."""
        return config.keep_ratio


@PATCH_SCHEDULES.register("list")
class Listed(PatchSchedule):
    """Each of ``ratios`` for an equal part of the training, or of a cycle."""

    def check(self, config: PatchScheduleConfig) -> None:
        """Check that there are ratios.

        Raises:
            ModelsError: none.
        """
        if not config.ratios:
            raise ModelsError("patch_schedule.ratios is empty: list the ratios in their order")

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return the ratio of the part that ``epoch`` lies in."""
        cycle = config.cycle_epochs
        progress = (epoch % cycle) / cycle if cycle else epoch / epochs
        count = len(config.ratios)
        return config.ratios[min(stage(progress, count), count - 1)]
