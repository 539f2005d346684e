"""Baselines that remove once: ``fixed`` at the start, ``two_phase`` after a time on everything.

Tri-Level, Table 5 (no update) and Table 4 ("Forgetting").
"""

from typing import TYPE_CHECKING, ClassVar

import torch

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.examples.method import EXAMPLE_METHODS, ExampleMethod

if TYPE_CHECKING:
    from trivit.models.methods.examples.selector import ExampleSelector


@EXAMPLE_METHODS.register("fixed")
class Fixed(ExampleMethod):
    """A random part of the examples, for the whole training."""

    revises: ClassVar = False
    records: ClassVar = False
    rows: ClassVar = (
        MethodRow(
            name="example_fixed",
            level="example",
            text="example 0.8, fixed (no update)",
            settings={"sparsity": {"examples": {"method": "fixed", "keep_ratio": 0.8}}},
            priority=54,
        ),
    )

    def updates(self, selector: "ExampleSelector") -> int:
        """Return 0."""
        return 0


@EXAMPLE_METHODS.register("two_phase")
class TwoPhase(ExampleMethod):
    """Everything for ``period_epochs``, then without the least forgotten, for good."""

    uses: ClassVar = frozenset({"class_balanced"})
    starts_whole: ClassVar = True
    rows: ClassVar = (
        MethodRow(
            name="example_two_phase",
            level="example",
            text="example 0.8, two-phase",
            settings={"sparsity": {"examples": {"method": "two_phase", "keep_ratio": 0.8}}},
            priority=53,
        ),
    )

    def updates(self, selector: "ExampleSelector") -> int:
        """Return 1."""
        return 1

    def revise(self, selector: "ExampleSelector", generator: torch.Generator) -> None:
        """Remove all that are to be removed at once."""
        selector.pool = selector.least_informative(selector.removed_count, generator)
        selector.in_play[selector.pool] = False
