"""What is adapted to, with how many images and at which rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from trivit.host.errors import HostError
from trivit.host.training.domain_shift import DomainShift, ShiftKind
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.update_sets import UPDATE_SETS, UpdateSet
from trivit.tools.errors import ToolsError
from trivit.tools.training.loop import LoopSettings

#: Highest learning rate of each set: the fewer parameters, the farther each has to go.
LEARNING_RATES: dict[UpdateSet, float] = {"all": 0.0005, "last-block": 0.002, "biases": 0.004}
_FORM = "write rotation=DEGREES, noise=DEVIATION, blur=PIXELS or classes=DATA"


@dataclass(frozen=True)
class OtherClasses:
    """The classes of another data set, by name or folder of a store: the model gets a new head."""

    data: str


Shift = DomainShift | OtherClasses


def read_shift(text: str) -> Shift:
    """Return the shift that a command line names, such as ``rotation=30``.

    Raises:
        ToolsError: another form, an unknown kind, or an amount outside its range.
    """
    kind, equals, value = text.partition("=")
    if not equals or not value:
        raise ToolsError(f"--shift {text}: {_FORM}")
    if kind == "classes":
        return OtherClasses(value)
    try:
        amount = float(value)
        return DomainShift(cast(ShiftKind, kind), amount)
    except ValueError:
        raise ToolsError(f"--shift {text}: '{value}' is no number; {_FORM}") from None
    except HostError as error:
        raise ToolsError(f"--shift {text}: {error}") from None


def name_of(shift: Shift) -> str:
    """Return the shift as people write it; a store by the last part of its path."""
    if isinstance(shift, OtherClasses):
        return f"classes={Path(shift.data).name}"
    return f"{shift.kind}={shift.amount:g}"


@dataclass(frozen=True, kw_only=True)
class AdaptationSettings:
    """How every set of parameters is trained.

    Attributes:
        images: labelled images of the shifted domain, drawn from the training images.
        epochs: times that each is shown.
        learning_rate: at its highest, of every set; by default that of ``LEARNING_RATES``.
        momentum: of SGD.
        weight_decay: of matrices.
        test_images: of each of the two test sets.

    Raises:
        HostError, ToolsError: one is outside its range.
    """

    images: int = 1000
    epochs: int = 2
    learning_rate: float | None = None
    momentum: float = 0.9
    weight_decay: float = 0.0
    test_images: int = 2000

    def __post_init__(self) -> None:
        for name in ("images", "epochs", "test_images"):
            if getattr(self, name) < 1:
                raise ToolsError(f"--{name.replace('_', '-')} {getattr(self, name)}: use 1 or more")
        rate = self.learning_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise ToolsError(f"--learning-rate {rate:g}: use more than 0")
        self.updates()

    def updates(self) -> UpdateSettings:
        """Return the settings of SGD.

        Raises:
            HostError: momentum or weight decay outside its range.
        """
        return UpdateSettings(momentum=self.momentum, weight_decay=self.weight_decay)

    def rate(self, update: UpdateSet) -> float:
        """Return the highest learning rate of a set."""
        return LEARNING_RATES[update] if self.learning_rate is None else self.learning_rate

    def loop(self, update: UpdateSet, seed: int) -> LoopSettings:
        """Return the settings of one training."""
        steps = self.images * self.epochs
        return LoopSettings(
            steps=steps,
            learning_rate=self.rate(update),
            warmup_steps=steps // 20,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            seed=seed,
        )

    def figures(self) -> dict[str, Any]:
        """Return the settings with the rates that they mean."""
        rates = {update: self.rate(update) for update in UPDATE_SETS}
        return {**asdict(self), "learning_rate": rates}


def chosen_sets(names: Sequence[str]) -> tuple[UpdateSet, ...]:
    """Return the named sets in their usual order; all of them for no names."""
    return tuple(update for update in UPDATE_SETS if not names or update in names)
