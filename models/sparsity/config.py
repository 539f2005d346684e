"""Settings of the sparsity and patch_schedule sections of an experiment.

The final token and attention keep ratios belong to the model (``model.token_keep_ratio``,
``model.attention_keep_ratio``): evaluation and the accelerator use them too.
"""

from dataclasses import dataclass, field
from typing import Literal

from trivit.models.errors import ModelsError

Compat = Literal["paper", "code"]
PatchOrder = Literal["random", "l1", "l2"]

# Schedules that a cooldown may end.
COOLED_DOWN = ("linear", "cosine", "cyclic")

# What the released DeiT code of PSS leaves of every training, whatever its length.
CODE_COOLDOWN_EPOCHS = 10.0

# Methods of the example level that see the whole set for ``period_epochs`` first.
STARTS_WHOLE = ("two_phase", "active_bias")


@dataclass(frozen=True, kw_only=True)
class WarmupConfig:
    """Keep-ratio warm-up of tokens and connections (Tri-Level, "warm-up strategy").

    Attributes:
        start_epoch: the ratio is 1 before; fractions are allowed.
        end_epoch: the final ratio holds from here on.
        steps: quantize the descent to so many values, so that few tensor shapes occur
            (``None``: a new value every step, as published).

    Raises:
        ModelsError: the epochs do not rise, or ``steps`` is below 1.
    """

    start_epoch: float = 10.0
    end_epoch: float = 110.0
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_epoch <= self.end_epoch:
            raise ModelsError(
                f"sparsity.warmup runs from epoch {self.start_epoch} to {self.end_epoch}: "
                "use 0 <= start_epoch <= end_epoch"
            )
        if self.steps is not None and self.steps < 1:
            raise ModelsError(f"sparsity.warmup.steps is {self.steps}: use 1 or more, or null")


@dataclass(frozen=True, kw_only=True)
class ExampleConfig:
    """Example level: remove-and-restore (Tri-Level, "Online Example Filtering"), and baselines.

    Attributes:
        method: ``online``; or a baseline of Tri-Level's Tables 4 and 5: ``random`` removes and
            restores as often and as many, but any; ``fixed`` never updates; ``two_phase`` trains
            on everything for ``period_epochs`` and then removes the least forgotten for good;
            ``active_bias`` draws each epoch's examples by the variance of their predictions, after
            ``period_epochs`` on everything.
        keep_ratio: part of the training examples in play at any time.
        update_ratio: part of the *full* set that an update removes and restores.
        period_epochs: epochs between updates.
        updates: number of updates (``None``: enough to cover the removed examples, or as many of
            them as the run has room for).
        shuffle_restored: restore any of the removed examples, else the longest removed first.
        class_balanced: remove the same percentage of every class.

    Raises:
        ModelsError: a ratio out of its range, an update larger than the removed part, or a setting
            that the method does not have.
    """

    method: Literal["online", "random", "fixed", "two_phase", "active_bias"] = "online"
    keep_ratio: float = 1.0
    update_ratio: float = 0.05
    period_epochs: int = 30
    updates: int | None = None
    shuffle_restored: bool = True
    class_balanced: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.keep_ratio <= 1:
            raise ModelsError(
                f"sparsity.examples.keep_ratio is {self.keep_ratio}: "
                "choose a ratio above 0 and at most 1"
            )
        if self.keep_ratio < 1 and not 0 < self.update_ratio <= 1 - self.keep_ratio + 1e-9:
            raise ModelsError(
                f"sparsity.examples.update_ratio is {self.update_ratio}: choose more than 0 and "
                f"at most the removed part {1 - self.keep_ratio:.3g}"
            )
        if self.period_epochs < 1:
            raise ModelsError(
                f"sparsity.examples.period_epochs is {self.period_epochs}: use 1 or more"
            )
        if self.updates is not None and self.updates < 0:
            raise ModelsError(f"sparsity.examples.updates is {self.updates}: use 0 or more")
        if self.updates is not None and self.method not in ("online", "random"):
            raise ModelsError(
                f"sparsity.examples.updates does nothing with method {self.method}: "
                "use online or random, or null"
            )
        if self.class_balanced and self.method not in ("online", "two_phase"):
            raise ModelsError(
                f"sparsity.examples.class_balanced does nothing with method {self.method}: "
                "use online or two_phase"
            )


@dataclass(frozen=True, kw_only=True)
class SparsityConfig:
    """The three levels during training.

    Attributes:
        compat: ``paper``, or ``code`` to follow the released code where it differs.
        variance_block: block whose [CLS] attention variance orders examples with as many
            forgetting events (-1: the last; ``null``: none, they are ordered at random). With
            token sparsity the paper takes the block before the first selector.
    """

    compat: Compat = "paper"
    variance_block: int | None = -1
    examples: ExampleConfig = field(default_factory=ExampleConfig)
    warmup: WarmupConfig = field(default_factory=WarmupConfig)


@dataclass(frozen=True, kw_only=True)
class PatchScheduleConfig:
    """Patch sampling schedule: the share of the patches that each training step uses (PSS).

    Attributes:
        schedule: ``none``; ``fixed`` at ``keep_ratio``; ``linear`` or ``cosine`` from ``start`` to
            ``end`` over the training; ``cyclic`` from ``start`` to ``end`` and back within
            ``cycle_epochs``; ``list`` gives each of ``ratios`` an equal part of the training, or
            of ``cycle_epochs``.
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

    schedule: Literal["none", "fixed", "linear", "cosine", "cyclic", "list"] = "none"
    order: PatchOrder = "l1"
    keep_ratio: float = 0.6
    start: float = 0.2
    end: float = 1.0
    steps: int | None = 5
    ratios: tuple[float, ...] = ()
    cycle_epochs: float | None = None
    cooldown_epochs: float | None = None
    compat: Compat = "paper"

    def __post_init__(self) -> None:
        named = [(name, getattr(self, name)) for name in ("keep_ratio", "start", "end")]
        named += [(f"ratios[{i}]", ratio) for i, ratio in enumerate(self.ratios)]
        for name, ratio in named:
            if not 0 < ratio <= 1:
                raise ModelsError(
                    f"patch_schedule.{name} is {ratio}: choose a ratio above 0 and at most 1"
                )
        if self.steps is not None and self.steps < 1:
            raise ModelsError(f"patch_schedule.steps is {self.steps}: use 1 or more, or null")
        if self.schedule in ("linear", "cosine", "cyclic") and self.steps is not None:
            for name, ratio in named[1:3]:
                if abs(ratio * self.steps - round(ratio * self.steps)) > 1e-6:
                    raise ModelsError(
                        f"patch_schedule.{name} is {ratio}: choose a multiple of 1/{self.steps}, "
                        "or other steps"
                    )
        if self.schedule == "list" and not self.ratios:
            raise ModelsError("patch_schedule.ratios is empty: list the ratios in their order")
        if self.cycle_epochs is not None and not self.cycle_epochs > 0:
            raise ModelsError(
                f"patch_schedule.cycle_epochs is {self.cycle_epochs}: use more than 0, or null"
            )
        cooldown = self.cooldown_epochs
        if cooldown is not None and not cooldown >= 0:
            raise ModelsError(
                f"patch_schedule.cooldown_epochs is {cooldown}: use 0 or more, or null"
            )
        if cooldown and self.schedule not in COOLED_DOWN:
            raise ModelsError(
                f"patch_schedule.cooldown_epochs does nothing with schedule {self.schedule}: "
                "use linear, cosine or cyclic, or null"
            )

    @property
    def cooldown(self) -> float:
        """Epochs at the end of the training that the schedule leaves out."""
        if self.schedule not in COOLED_DOWN:
            return 0.0
        if self.cooldown_epochs is not None:
            return self.cooldown_epochs
        return CODE_COOLDOWN_EPOCHS if self.compat == "code" else 0.0
