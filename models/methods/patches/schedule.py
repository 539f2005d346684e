"""Patch sampling schedule: train on a share of each image's patches that changes with the step.

PSS, "Training with a Patch Sampling Schedule". A ``PatchSchedule`` is registered by a module of
this folder; ``patch_schedule.schedule`` names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchSampling
from trivit.models.registry import Registry
from trivit.models.settings import Compat, from_mapping

# What the released DeiT code leaves of every training, whatever its length.
CODE_COOLDOWN_EPOCHS = 10.0


@dataclass(frozen=True, kw_only=True)
class PatchScheduleConfig:
    """Settings of a patch sampling schedule; one that has more of them subclasses this.

    Attributes:
        schedule: ``none``; ``fixed`` at ``keep_ratio``; ``linear`` or ``cosine`` from ``start`` to
            ``end`` over the training; ``cyclic`` from ``start`` to ``end`` and back within
            ``cycle_epochs``; ``list`` gives each of ``ratios`` an equal part of the training, or
            of ``cycle_epochs``; or another module of ``methods/patches``.
        order: what ranks the patches: ``l1`` or ``l2`` norm of the embedding, or ``random``.
        keep_ratio: of the fixed schedule.
        start: first ratio.
        end: last ratio, or the highest of the cyclic schedule.
        steps: ratios are multiples of 1 / ``steps``, so that few tensor shapes occur (``null``:
            a new ratio every step).
        ratios: of the list; name one twice to hold it twice as long.
        cycle_epochs: length of a cycle (``null``: 1 for ``cyclic``, the training for ``list``).
        cooldown_epochs: the schedule ends so many epochs before the training; from there on
            ``cyclic`` takes all patches, ``linear`` and ``cosine`` stay at their end (``null``: 10
            with ``compat: code``, as the released DeiT code, else 0).
        compat: ``paper``, or ``code`` to follow the released code where it differs.

    Raises:
        ModelsError: a ratio outside (0, 1] or between two steps, or a list without ratios.
    """

    schedule: str = "none"
    order: str = "l1"
    keep_ratio: float = 0.6
    start: float = 0.2
    end: float = 1.0
    steps: int | None = 5
    ratios: tuple[float, ...] = ()
    cycle_epochs: float | None = None
    cooldown_epochs: float | None = None
    compat: Compat = "paper"

    def __post_init__(self) -> None:
        PATCH_ORDERS[self.order]
        named = [(name, getattr(self, name)) for name in ("keep_ratio", "start", "end")]
        named += [(f"ratios[{i}]", ratio) for i, ratio in enumerate(self.ratios)]
        for name, ratio in named:
            if not 0 < ratio <= 1:
                raise ModelsError(
                    f"patch_schedule.{name} is {ratio}: choose a ratio above 0 and at most 1"
                )
        if self.steps is not None and self.steps < 1:
            raise ModelsError(f"patch_schedule.steps is {self.steps}: use 1 or more, or null")
        if self.cycle_epochs is not None and not self.cycle_epochs > 0:
            raise ModelsError(
                f"patch_schedule.cycle_epochs is {self.cycle_epochs}: use more than 0, or null"
            )
        cooldown = self.cooldown_epochs
        if cooldown is not None and not cooldown >= 0:
            raise ModelsError(
                f"patch_schedule.cooldown_epochs is {cooldown}: use 0 or more, or null"
            )
        schedule = PATCH_SCHEDULES[self.schedule]
        if cooldown and not schedule.cools_down:
            able = [name for name in PATCH_SCHEDULES.names() if PATCH_SCHEDULES[name].cools_down]
            raise ModelsError(
                f"patch_schedule.cooldown_epochs does nothing with schedule {self.schedule}: "
                f"use {', '.join(able)}, or null"
            )
        schedule.check(self)

    @property
    def samples(self) -> bool:
        """Whether any step leaves patches out."""
        return self.schedule != PatchScheduleConfig.schedule

    @property
    def cooldown(self) -> float:
        """Epochs at the end of the training that the schedule leaves out."""
        if not PATCH_SCHEDULES[self.schedule].cools_down:
            return 0.0
        if self.cooldown_epochs is not None:
            return self.cooldown_epochs
        return CODE_COOLDOWN_EPOCHS if self.compat == "code" else 0.0


def parse_schedule(mapping: Mapping[str, Any], where: str) -> PatchScheduleConfig:
    """Return the settings of a config's section, of the class that its schedule has.

    Raises:
        ModelsError: an unknown schedule or setting, or values that do not fit.
    """
    name = mapping.get("schedule", PatchScheduleConfig.schedule)
    return from_mapping(PATCH_SCHEDULES[str(name)].settings, mapping, where)


class PatchSchedule:
    """Says which share of the patches a step uses. A new one is a module here.

    Attributes:
        settings: class of its settings.
        cools_down: whether it may end before the training does.
        rows: how it appears in comparisons.
    """

    settings: ClassVar[type[PatchScheduleConfig]] = PatchScheduleConfig
    cools_down: ClassVar[bool] = False
    rows: ClassVar[tuple[MethodRow, ...]] = ()

    def check(self, config: PatchScheduleConfig) -> None:
        """Check the settings that only this schedule uses.

        Raises:
            ModelsError: a value that it cannot work with.
        """

    def keep_ratio(self, config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
        """Return the keep ratio; arguments as for ``scheduled_keep_ratio``."""
        raise NotImplementedError


PATCH_SCHEDULES: Registry[PatchSchedule] = Registry("patch_schedule.schedule", __package__)


def scheduled_keep_ratio(config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
    """Return the keep ratio at ``epoch``, which advances by fractions with every step.

    Args:
        config: the schedule.
        epoch: at least 0 and below ``epochs``.
        epochs: length of the training.
    """
    return PATCH_SCHEDULES[config.schedule].keep_ratio(config, epoch, epochs)


class PatchSampler:
    """Says how a step samples patches, and draws random orders that can be drawn again."""

    def __init__(self, config: PatchScheduleConfig, device: torch.device) -> None:
        self.config = config
        self._generator = torch.Generator(device)

    def start_epoch(self, seed: int) -> None:
        """Draw the random orders of an epoch from ``seed``."""
        self._generator.manual_seed(seed)

    def sampling(self, keep_ratio: float) -> PatchSampling:
        """Return the configured sampling at ``keep_ratio``."""
        return PatchSampling(keep_ratio, self.config.order, self.config.compat)

    def random_scores(
        self, keep_ratio: float, batch: int, patches: int, part: slice = slice(None)
    ) -> Tensor | None:
        """Return the scores of a random order for the images ``part`` of a batch, else ``None``.

        They are drawn for the whole batch, so that processes that share one draw the same.
        """
        if not PATCH_ORDERS[self.config.order].draws or keep_ratio == 1:
            return None
        device = self._generator.device
        return torch.rand(batch, patches, generator=self._generator, device=device)[part]
