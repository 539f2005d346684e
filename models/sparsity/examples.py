"""Example level: train on the informative part of the dataset, and keep revising which part it is.

Tri-Level, "Sparsity in Training Examples" (attention aware example selector, remove-and-restore).
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from trivit.models.sparsity.config import ExampleConfig

# What the released code counts for an example that was never classified correctly.
_NEVER_LEARNED_COUNT = 30


@dataclass
class ExampleStatistics:
    """What is known of each training example since the last update; N = the full training set.

    Attributes:
        presentations: times seen, int32 (N,).
        forgotten: forgetting events: misclassified after a correct presentation, int32 (N,).
        learned: classified correctly at least once, bool (N,).
        was_correct: outcome of the latest presentation, bool (N,).
        variance_sum: sum of the [CLS] attention variances, float64 (N,).
    """

    presentations: Tensor
    forgotten: Tensor
    learned: Tensor
    was_correct: Tensor
    variance_sum: Tensor

    @classmethod
    def zeros(cls, count: int, device: torch.device) -> "ExampleStatistics":
        """Return empty statistics of ``count`` examples."""
        return cls(
            presentations=torch.zeros(count, dtype=torch.int32, device=device),
            forgotten=torch.zeros(count, dtype=torch.int32, device=device),
            learned=torch.zeros(count, dtype=torch.bool, device=device),
            was_correct=torch.zeros(count, dtype=torch.bool, device=device),
            variance_sum=torch.zeros(count, dtype=torch.float64, device=device),
        )

    def record(self, indices_B: Tensor, correct_B: Tensor, variance_B: Tensor) -> None:
        """Count one presentation of distinct examples, without waiting for the device.

        Args:
            indices_B: positions in the full training set.
            correct_B: bool, the prediction was right.
            variance_B: [CLS] attention variance.
        """
        was_correct_B = self.was_correct[indices_B]
        self.presentations[indices_B] += 1
        self.forgotten[indices_B] += (was_correct_B & ~correct_B).int()
        self.learned[indices_B] |= correct_B
        self.was_correct[indices_B] = correct_B
        self.variance_sum[indices_B] += variance_B.double()


def least_informative(
    statistics: ExampleStatistics,
    in_play: Tensor,
    count: int,
    compat: Literal["paper", "code"],
) -> Tensor:
    """Return up to ``count`` example indices, least informative first.

    Ordered by forgetting events, then mean [CLS] attention variance, then index, all ascending.
    Never learned examples are the most informative (``paper``, after Toneva et al.) or count 30
    events (``code``). Only examples in play and seen since the last update are candidates.
    """
    candidates = torch.nonzero(in_play & (statistics.presentations > 0)).squeeze(1)
    mean_variance = statistics.variance_sum[candidates] / statistics.presentations[candidates]
    never = _NEVER_LEARNED_COUNT if compat == "code" else torch.iinfo(torch.int32).max
    events = statistics.forgotten[candidates].masked_fill(~statistics.learned[candidates], never)
    by_variance = torch.argsort(mean_variance, stable=True)
    order = by_variance[torch.argsort(events[by_variance], stable=True)]
    return candidates[order[:count]]


class ExampleSelector:
    """Remove-and-restore: which training examples are in play, and when that changes."""

    def __init__(
        self,
        config: ExampleConfig,
        count: int,
        seed: int,
        device: torch.device,
        compat: Literal["paper", "code"] = "paper",
    ) -> None:
        """Remove a random part of ``count`` examples before training starts."""
        self.config = config
        self.compat = compat
        self.seed = seed
        self.count = count
        self.removed_count = round(count * (1 - config.keep_ratio))
        self.update_count = min(round(count * config.update_ratio), self.removed_count)
        self.updates_done = 0
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        self.in_play = torch.ones(count, dtype=torch.bool, device=device)
        self.in_play[order[: self.removed_count].to(device)] = False
        self.statistics = ExampleStatistics.zeros(count, device)

    @property
    def active(self) -> bool:
        """Whether any example is out of play, so that statistics are needed."""
        return self.removed_count > 0

    @property
    def updates(self) -> int:
        """Updates of a whole training.

        By default enough to cover the removed examples and one more: the paper's 3 for 10 %
        removed and 5 for 20 %, at 5 % an update.
        """
        if self.update_count == 0:
            return 0
        if self.config.updates is not None:
            return self.config.updates
        return math.ceil(self.removed_count / self.update_count) + 1

    def examples(self) -> Tensor:
        """Return the indices of the examples in play, int64, ascending."""
        return torch.nonzero(self.in_play).squeeze(1)

    def start_epoch(self, epoch: int) -> bool:
        """Update if one is due before ``epoch`` (0-based) starts; return whether it was."""
        due = self.config.period_epochs * (self.updates_done + 1)
        if epoch < due or self.updates_done >= self.updates:
            return False
        self.update()
        return True

    def update(self) -> None:
        """Remove the least informative examples, restore as many others, start counting afresh.

        The restored ones come from a shuffled pool of those that were out of play before.
        """
        removed = least_informative(self.statistics, self.in_play, self.update_count, self.compat)
        pool = torch.nonzero(~self.in_play).squeeze(1)
        self.updates_done += 1
        generator = torch.Generator().manual_seed(self.seed + self.updates_done)
        shuffled = pool[torch.randperm(len(pool), generator=generator).to(pool.device)]
        self.in_play[shuffled[: len(removed)]] = True
        self.in_play[removed] = False
        self.statistics = ExampleStatistics.zeros(self.count, self.in_play.device)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that an exact continuation needs: tensors and ``updates_done``."""
        return {
            "in_play": self.in_play,
            "updates_done": torch.tensor(self.updates_done),
            **vars(self.statistics),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from ``state`` (see ``state_dict``), moved to this selector's device."""
        device = self.in_play.device
        self.in_play = state["in_play"].to(device)
        self.updates_done = int(state["updates_done"])
        self.statistics = ExampleStatistics(
            **{name: state[name].to(device) for name in vars(self.statistics)}
        )
