"""Draw each epoch's examples by the variance of their predictions (Tri-Level, Table 4).

"Active Bias" (Chang, Learned-Miller and McCallum, 2017), SGD sampled by prediction variance.
"""

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.examples.method import EXAMPLE_METHODS, ExampleMethod
from trivit.models.methods.examples.statistics import ExampleStatistics

if TYPE_CHECKING:
    from trivit.models.methods.examples.selector import ExampleSelector


def active_bias_weights(statistics: ExampleStatistics) -> Tensor:
    """Return how likely each example is to be drawn, float64 (N,), not normalised.

    SGD sampled by prediction variance, from "Active Bias" (Chang, Learned-Miller and McCallum,
    2017, Eq. 4 and 5): the estimated deviation of the right class's probability over the
    presentations so far, plus its mean over the examples as smoothing. Examples seen less than
    twice get the mean.
    """
    seen = statistics.presentations.double()
    known = seen >= 2
    mean = statistics.confidence_sum / seen.clamp(min=1)
    spread = (statistics.confidence_square_sum - seen * mean.square()).clamp(min=0)
    variance = spread / (seen - 1).clamp(min=1)
    deviation = (variance + variance.square() / (seen - 1).clamp(min=1)).sqrt()
    average = (deviation * known).sum() / known.sum().clamp(min=1)
    weights = torch.where(known, deviation, average) + average
    return torch.where(average > 0, weights, torch.ones_like(weights))


@EXAMPLE_METHODS.register("active_bias")
class ActiveBias(ExampleMethod):
    """Everything for ``period_epochs``, then a part that is drawn anew for each epoch."""

    starts_whole: ClassVar = True
    by_confidence: ClassVar = True
    rows: ClassVar = (
        MethodRow(
            name="example_active_bias",
            level="example",
            text="example 0.8, active bias",
            settings={"sparsity": {"examples": {"method": "active_bias", "keep_ratio": 0.8}}},
            priority=55,
        ),
    )

    def updates(self, selector: "ExampleSelector") -> int:
        """Return 0: nothing is counted afresh."""
        return 0

    def start_epoch(self, selector: "ExampleSelector", epoch: int) -> bool:
        """Draw without replacement, by weight (Gumbel top-k)."""
        if epoch < selector.config.period_epochs:
            return False
        generator = torch.Generator().manual_seed(selector.seed + epoch)
        uniform = torch.rand(selector.count, generator=generator, dtype=torch.float64)
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        weights = active_bias_weights(selector.statistics)
        keys = weights.log() + gumbel.to(weights.device)
        chosen = torch.argsort(keys, descending=True, stable=True)
        selector.in_play.fill_(True)
        selector.in_play[chosen[selector.count - selector.removed_count :]] = False
        return True
