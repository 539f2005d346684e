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

import math

import torch
from torch import Tensor

from trivit.models.sparsity.config import STARTS_WHOLE, Compat, ExampleConfig
from trivit.models.sparsity.ranking import active_bias_weights, least_informative
from trivit.models.sparsity.statistics import COUNTED_PRESENTATIONS, ExampleStatistics


def examples_in_play(config: ExampleConfig, count: int, epoch: int) -> int:
    """Return how many of ``count`` examples ``epoch`` (0-based) trains on."""
    if config.method in STARTS_WHOLE and epoch < config.period_epochs:
        return count
    return count - round(count * (1 - config.keep_ratio))


class ExampleSelector:
    """Which training examples are in play, and when that changes."""

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
        """
        self.config = config
        self.compat = compat
        self.seed = seed
        self.count = count
        self.labels = labels if config.class_balanced else None
        self.by_variance = by_variance
        self.removed_count = round(count * (1 - config.keep_ratio))
        self.update_count = min(round(count * config.update_ratio), self.removed_count)
        self.updates_done = 0
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        absent = 0 if config.method in STARTS_WHOLE else self.removed_count
        # In the order in which examples came out of play: without shuffling, first out, first in.
        self.pool = order[:absent].to(device)
        self.in_play = torch.ones(count, dtype=torch.bool, device=device)
        self.in_play[self.pool] = False
        self.statistics = ExampleStatistics.zeros(count, device)

    @property
    def active(self) -> bool:
        """Whether training has to record statistics."""
        return self.removed_count > 0 and self.config.method not in ("random", "fixed")

    @property
    def wants_variance(self) -> bool:
        """Whether the statistics need the [CLS] attention variance."""
        return self.active and self.config.method == "online" and self.by_variance

    @property
    def wants_confidence(self) -> bool:
        """Whether the statistics need the probability of the right class."""
        return self.active and self.config.method == "active_bias"

    @property
    def updates(self) -> int:
        """Updates of a whole training.

        By default enough to cover the removed examples and one more: the paper's 3 for 10 %
        removed and 5 for 20 %, at 5 % an update. ``active_bias`` draws anew at every epoch.
        """
        if self.update_count == 0 or self.config.method in ("fixed", "active_bias"):
            return 0
        if self.config.method == "two_phase":
            return 1
        if self.config.updates is not None:
            return self.config.updates
        return math.ceil(self.removed_count / self.update_count) + 1

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
        self.statistics.record(indices_B, correct_B, variance_B, confidence_B, counted=counted)

    def start_epoch(self, epoch: int) -> bool:
        """Update if one is due before ``epoch`` (0-based) starts; return whether it was."""
        if self.config.method == "active_bias":
            if epoch < self.config.period_epochs or not self.active:
                return False
            self._draw(epoch)
            return True
        due = self.config.period_epochs * (self.updates_done + 1)
        if epoch < due or self.updates_done >= self.updates:
            return False
        self.update()
        return True

    def update(self) -> None:
        """Remove examples, restore as many from the pool, start counting afresh.

        In ``two_phase`` all that are to be removed go at once, and none come back.
        """
        self.updates_done += 1
        generator = torch.Generator().manual_seed(self.seed + self.updates_done)
        if self.config.method == "two_phase":
            self.pool = self._lowest(self.removed_count, generator)
            self.in_play[self.pool] = False
        else:
            self._exchange(self._lowest(self.update_count, generator), generator)
        self.statistics = ExampleStatistics.zeros(self.count, self.in_play.device)

    def _exchange(self, removed: Tensor, generator: torch.Generator) -> None:
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

    def _lowest(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the examples to remove."""
        if self.config.method == "random":
            present = self.examples()
            drawn = torch.randperm(len(present), generator=generator)[:count]
            return present[drawn.to(present.device)]
        ties = None
        if self.config.method == "two_phase" or not self.by_variance:
            ties = torch.rand(self.count, generator=generator).to(self.in_play.device)
        return least_informative(
            self.statistics, self.in_play, count, self.compat, ties=ties, labels=self.labels
        )

    def _draw(self, epoch: int) -> None:
        """Draw the examples of an epoch without replacement, by their weights (Gumbel top-k)."""
        generator = torch.Generator().manual_seed(self.seed + epoch)
        uniform = torch.rand(self.count, generator=generator, dtype=torch.float64)
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        keys = active_bias_weights(self.statistics).log() + gumbel.to(self.in_play.device)
        chosen = torch.argsort(keys, descending=True, stable=True)
        self.in_play.fill_(True)
        self.in_play[chosen[self.count - self.removed_count :]] = False

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state that an exact continuation needs."""
        return {
            "in_play": self.in_play,
            "pool": self.pool,
            "updates_done": torch.tensor(self.updates_done),
            **vars(self.statistics),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from ``state`` (see ``state_dict``), moved to this selector's device."""
        device = self.in_play.device
        self.in_play = state["in_play"].to(device)
        self.pool = state["pool"].to(device)
        self.updates_done = int(state["updates_done"])
        self.statistics = ExampleStatistics(
            **{name: state[name].to(device) for name in vars(self.statistics)}
        )
