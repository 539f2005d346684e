"""Keep ratios of a training step, in one place for the trainer and for accounting."""

from typing import NamedTuple

from trivit.models.sparsity.patches import scheduled_keep_ratio
from trivit.models.sparsity.schedule import warmup_keep_ratio
from trivit.models.training.config import ExperimentConfig


class KeepRatios(NamedTuple):
    """Ratios in force at a step: of the selectors' tokens and connections, and of the patches."""

    token: float
    attention: float
    patch: float


def keep_ratios(config: ExperimentConfig, epoch: float) -> KeepRatios:
    """Return the ratios at ``epoch``, which advances by fractions with every step."""
    vit, warmup = config.model.vit, config.sparsity.warmup
    return KeepRatios(
        token=warmup_keep_ratio(vit.token_keep_ratio, epoch, warmup),
        attention=warmup_keep_ratio(vit.attention_keep_ratio, epoch, warmup),
        patch=scheduled_keep_ratio(config.patch_schedule, epoch, config.training.epochs),
    )
