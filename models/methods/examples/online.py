"""Remove the least informative examples and restore others (Tri-Level, "Online Example Filtering").

And ``random``, the baseline of Tri-Level's Table 4 that removes as often and as many, but any.
"""

import math
from typing import TYPE_CHECKING, ClassVar

import torch

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.examples.method import EXAMPLE_METHODS, ExampleMethod

if TYPE_CHECKING:
    from trivit.models.methods.examples.selector import ExampleSelector


@EXAMPLE_METHODS.register("online")
class Online(ExampleMethod):
    """Orders by forgetting events, then by [CLS] variance; what was removed comes back later."""

    uses: ClassVar = frozenset({"updates", "class_balanced"})
    by_variance: ClassVar = True
    rows: ClassVar = (
        MethodRow(
            name="example_online",
            level="example",
            text="example 0.8, online",
            settings={"sparsity": {"examples": {"method": "online", "keep_ratio": 0.8}}},
            priority=3,
        ),
    )

    def updates(self, selector: "ExampleSelector") -> int:
        """Return the number of updates: by default enough to cover the removed, and one more.

        These are the paper's 3 for 10 % removed and 5 for 20 %, at 5 % an update.
        """
        if selector.config.updates is not None:
            return selector.config.updates
        return math.ceil(selector.removed_count / selector.update_count) + 1

    def revise(self, selector: "ExampleSelector", generator: torch.Generator) -> None:
        """Remove the least informative, restore as many."""
        removed = selector.least_informative(selector.update_count, generator)
        selector.exchange(removed, generator)


@EXAMPLE_METHODS.register("random")
class Random(Online):
    """Removes any examples, as many and as often as ``online``."""

    uses: ClassVar = frozenset({"updates"})
    by_variance: ClassVar = False
    records: ClassVar = False
    rows: ClassVar = (
        MethodRow(
            name="example_random",
            level="example",
            text="example 0.8, random",
            settings={"sparsity": {"examples": {"method": "random", "keep_ratio": 0.8}}},
            priority=3,
        ),
    )

    def revise(self, selector: "ExampleSelector", generator: torch.Generator) -> None:
        """Remove any, restore as many."""
        present = selector.examples()
        drawn = torch.randperm(len(present), generator=generator)[: selector.update_count]
        selector.exchange(present[drawn.to(present.device)], generator)
