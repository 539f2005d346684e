"""Example level: train on the informative part of the dataset, and keep revising which part it is.

Tri-Level, "Sparsity in Training Examples" (remove-and-restore), and the baselines of its Tables 4
and 5. All draws come from the CPU, so that every device and every process takes the same.

Paper and released code differ in three things (``compat``). Examples that were never classified
correctly: see ``ranking``. The code looks for events in the first 30 presentations since an update
only, the paper names no limit. And what an update may restore: by the paper's appendix ("Shuffle
vs. Non-Shuffle") the newly removed examples join the pool first, so that some of them come back at
once; the code restores from those that were out of play before. That counts start afresh at each
update is the code's; the paper does not say.
"""

import torch
from torch import Tensor

from trivit.models.methods.examples.method import EXAMPLE_METHODS, ExampleConfig
from trivit.models.methods.examples.ranking import least_informative
from trivit.models.methods.examples.statistics import COUNTED_PRESENTATIONS, ExampleStatistics
from trivit.models.settings import Compat


class ExampleSelector:
    """Which training examples are in play, and when that changes.

    What steps record keeps its place in memory, so that a CUDA graph may write to it.
    """

    def __init__(
        self,
        config: ExampleConfig,
        count: int,
        seed: int,
        device: torch.device,
        compat: Compat = "paper",
        *,
        labels: Tensor | None = None,
        by_variance: bool = True,
        copies: bool = True,
    ) -> None:
        """Remove a random part of ``count`` examples, unless the method starts with all of them.

        Args:
            config: method, ratios and period.
            count: size of the full training set.
            seed: of all draws.
            device: where flags and statistics live.
            compat: how never learned examples rank, and what an update may restore.
            labels: classes (count,), for ``class_balanced``.
            by_variance: equal forgetting events are ordered by [CLS] variance, else at random.
            copies: a step may show an example several times (repeated augmentation).
        """
        self.config = config
        self.method = EXAMPLE_METHODS[config.method]
        self.compat = compat
        self.seed = seed
        self.count = count
        self.labels = labels if config.class_balanced else None
        self.by_variance = by_variance
        self.copies = copies
        self.removed_count = round(count * (1 - config.keep_ratio))
        self.update_count = min(round(count * config.update_ratio), self.removed_count)
        self.updates_done = 0
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        absent = 0 if self.method.starts_whole else self.removed_count
        # In the order in which examples came out of play: without shuffling, first out, first in.
        self.pool = order[:absent].to(device)
        self.in_play = torch.ones(count, dtype=torch.bool, device=device)
        self.in_play[self.pool] = False
        self.statistics = ExampleStatistics.zeros(count, device)

    @property
    def active(self) -> bool:
        """Whether training has to record statistics."""
        return self.removed_count > 0 and self.method.records

    @property
    def wants_variance(self) -> bool:
        """Whether the statistics need the [CLS] attention variance."""
        return self.active and self.method.by_variance and self.by_variance

    @property
    def wants_confidence(self) -> bool:
        """Whether the statistics need the probability of the right class."""
        return self.active and self.method.by_confidence

    @property
    def updates(self) -> int:
        """Updates of a whole training."""
        return 0 if self.update_count == 0 else self.method.updates(self)

    def examples(self) -> Tensor:
        """Return the indices of the examples in play, int64, ascending."""
        return torch.nonzero(self.in_play).squeeze(1)

    def record(
        self,
        indices_B: Tensor,
        correct_B: Tensor,
        variance_B: Tensor | None = None,
        confidence_B: Tensor | None = None,
    ) -> None:
        """Count the outcomes of one step, as ``ExampleStatistics.record``."""
        counted = COUNTED_PRESENTATIONS if self.compat == "code" else None
        self.statistics.record(
            indices_B, correct_B, variance_B, confidence_B, counted=counted, copies=self.copies
        )

    def start_epoch(self, epoch: int) -> bool:
        """Update if one is due before ``epoch`` (0-based) starts; return whether it was."""
        return self.removed_count > 0 and self.method.start_epoch(self, epoch)

    def update(self) -> None:
        """Revise which examples are in play, as the method does; start counting afresh."""
        self.updates_done += 1
        generator = torch.Generator().manual_seed(self.seed + self.updates_done)
        self.method.revise(self, generator)
        self.statistics.clear()

    def exchange(self, removed: Tensor, generator: torch.Generator) -> None:
        """Put ``removed`` into the pool and as many of the pool into play."""
        everything = torch.cat([self.pool, removed])
        eligible = len(everything) if self.compat == "paper" else len(self.pool)
        order = torch.arange(len(everything))
        if self.config.shuffle_restored:
            order[:eligible] = torch.randperm(eligible, generator=generator)
        everything = everything[order.to(everything.device)]
        self.in_play[removed] = False
        self.in_play[everything[: len(removed)]] = True
        self.pool = everything[len(removed) :]

    def least_informative(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the ``count`` examples that are to be removed first, by forgetting events.

        The draws of ``generator`` order equal ones where no variance does.
        """
        ties = None
        if not self.wants_variance:
            ties = torch.rand(self.count, generator=generator).to(self.in_play.device)
        return least_informative(
            self.statistics, self.in_play, count, self.compat, ties=ties, labels=self.labels
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state that an exact continuation needs."""
        return {
            "in_play": self.in_play,
            "pool": self.pool,
            "updates_done": torch.tensor(self.updates_done),
            **vars(self.statistics),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from ``state`` (see ``state_dict``), copied to this selector's device."""
        self.in_play.copy_(state["in_play"])
        self.pool = state["pool"].to(self.in_play.device)
        self.updates_done = int(state["updates_done"])
        for name, values in vars(self.statistics).items():
            values.copy_(state[name])
