"""Which training examples matter least, from their statistics."""

import torch
from torch import Tensor

from trivit.models.methods.examples.statistics import COUNTED_PRESENTATIONS, ExampleStatistics
from trivit.models.settings import Compat


def least_informative(
    statistics: ExampleStatistics,
    in_play: Tensor,
    count: int,
    compat: Compat,
    *,
    ties: Tensor | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """Return up to ``count`` example indices, least informative first.

    Ordered by forgetting events, then mean [CLS] attention variance, then index, all ascending
    (Tri-Level, "Attention Aware Example Selector"). Never learned examples are the most
    informative (``paper``, after Toneva et al.) or count as many events as presentations are
    counted (``code``). Only examples in play and seen since the last update are candidates.

    Args:
        statistics: of the full set, N examples.
        in_play: bool (N,).
        count: how many to return.
        compat: see above.
        ties: what orders equal events instead of the variance, (N,).
        labels: classes (N,); take the same percentage of each (Tri-Level, "Class Balance vs.
            Class Imbalance").
    """
    candidates = torch.nonzero(in_play & (statistics.presentations > 0)).squeeze(1)
    if ties is None:
        second = statistics.variance_sum[candidates] / statistics.presentations[candidates]
    else:
        second = ties[candidates]
    never = COUNTED_PRESENTATIONS if compat == "code" else torch.iinfo(torch.int32).max
    events = statistics.forgotten[candidates].masked_fill(~statistics.learned[candidates], never)
    by_second = torch.argsort(second, stable=True)
    ranked = candidates[by_second[torch.argsort(events[by_second], stable=True)]]
    if labels is not None:
        return _balanced(ranked, labels[ranked], count)
    return ranked[:count]


def _balanced(ranked: Tensor, classes: Tensor, count: int) -> Tensor:
    """Return the first examples of each class, in their order: the same part of each class."""
    if len(ranked) == 0:
        return ranked
    sizes = torch.bincount(classes)
    exact = sizes.double() * (min(count, len(ranked)) / len(ranked))
    quota = exact.floor().long()
    # Largest remainders first, so that the quotas sum to the count.
    missing = min(count, len(ranked)) - int(quota.sum())
    quota[torch.argsort(exact - quota, descending=True, stable=True)[:missing]] += 1
    by_class = torch.argsort(classes, stable=True)
    starts = sizes.cumsum(0) - sizes
    rank = torch.empty_like(by_class)
    rank[by_class] = torch.arange(len(ranked), device=ranked.device) - starts[classes[by_class]]
    return ranked[rank < quota[classes]]
