"""Example level: which part of the training examples an epoch uses, and when that is revised.

Tri-Level, "Sparsity in Training Examples", and the baselines of its Tables 4 and 5. An
``ExampleMethod`` is one module of this folder; ``sparsity.examples.method`` names it. All draws
come from the CPU, so that every device and every process takes the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from trivit.models.errors import ModelsError
from trivit.models.methods.comparison import MethodRow
from trivit.models.registry import Registry
from trivit.models.settings import from_mapping

if TYPE_CHECKING:
    from trivit.models.methods.examples.selector import ExampleSelector


@dataclass(frozen=True, kw_only=True)
class ExampleConfig:
    """Settings of the example level; a method that has more of them subclasses this.

    Attributes:
        method: what chooses the examples, a module of ``methods/examples``.
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

    method: str = "online"
    keep_ratio: float = 1.0
    update_ratio: float = 0.05
    period_epochs: int = 30
    updates: int | None = None
    shuffle_restored: bool = True
    class_balanced: bool = False

    def __post_init__(self) -> None:
        method = EXAMPLE_METHODS[self.method]
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
        for name, given in (
            ("updates", self.updates is not None),
            ("class_balanced", self.class_balanced),
        ):
            if given and name not in method.uses:
                able = [
                    other
                    for other in EXAMPLE_METHODS.names()
                    if name in EXAMPLE_METHODS[other].uses
                ]
                raise ModelsError(
                    f"sparsity.examples.{name} does nothing with method {self.method}: "
                    f"use {' or '.join(able)}"
                )

    @property
    def revises(self) -> bool:
        """Whether the part changes during a training."""
        return self.keep_ratio < 1 and EXAMPLE_METHODS[self.method].revises

    @property
    def starts_whole(self) -> bool:
        """Whether the whole set is in play for the first ``period_epochs``."""
        return EXAMPLE_METHODS[self.method].starts_whole

    def in_play(self, count: int, epoch: int) -> int:
        """Return how many of ``count`` examples ``epoch`` (0-based) trains on."""
        if self.starts_whole and epoch < self.period_epochs:
            return count
        return count - round(count * (1 - self.keep_ratio))


def parse_examples(mapping: Mapping[str, Any], where: str) -> ExampleConfig:
    """Return the settings of a config's section, of the class that its method has.

    Raises:
        ModelsError: an unknown method or setting, or values that do not fit.
    """
    name = mapping.get("method", ExampleConfig.method)
    return from_mapping(EXAMPLE_METHODS[str(name)].settings, mapping, where)


class ExampleMethod:
    """Chooses examples. A new one is a module here that registers a subclass.

    Attributes:
        settings: class of its settings.
        uses: settings that not all methods have: ``updates``, ``class_balanced``.
        starts_whole: whether the whole set is in play for the first ``period_epochs``.
        revises: whether the part changes during a training.
        records: whether it needs to know how each example did.
        by_variance: whether it orders by the [CLS] attention variance too.
        by_confidence: whether it needs the probability of the right class.
        rows: how it appears in comparisons.
    """

    settings: ClassVar[type[ExampleConfig]] = ExampleConfig
    uses: ClassVar[frozenset[str]] = frozenset()
    starts_whole: ClassVar[bool] = False
    revises: ClassVar[bool] = True
    records: ClassVar[bool] = True
    by_variance: ClassVar[bool] = False
    by_confidence: ClassVar[bool] = False
    rows: ClassVar[tuple[MethodRow, ...]] = ()

    def updates(self, selector: "ExampleSelector") -> int:
        """Return the number of updates of a whole training."""
        raise NotImplementedError

    def revise(self, selector: "ExampleSelector", generator: torch.Generator) -> None:
        """Change which examples are in play; counting starts afresh behind it."""
        raise NotImplementedError

    def start_epoch(self, selector: "ExampleSelector", epoch: int) -> bool:
        """Update if one is due before ``epoch`` (0-based) starts; return whether it was."""
        due = selector.config.period_epochs * (selector.updates_done + 1)
        if epoch < due or selector.updates_done >= selector.updates:
            return False
        selector.update()
        return True


EXAMPLE_METHODS: Registry[ExampleMethod] = Registry("sparsity.examples.method", __package__)
