"""Keep-ratio warm-up: from 1 to the final ratio along a cosine (Tri-Level, "warm-up strategy")."""

import math
from dataclasses import dataclass

from trivit.models.errors import ModelsError


@dataclass(frozen=True, kw_only=True)
class WarmupConfig:
    """Keep-ratio warm-up of tokens and connections (Tri-Level, "warm-up strategy").

    Attributes:
        start_epoch: the ratio is 1 before; fractions are allowed.
        end_epoch: the final ratio holds from here on.
        steps: quantize the descent to so many values, so that few tensor shapes occur
            (``None``: a new value every step, as published).

    Raises:
        ModelsError: the epochs do not rise, or ``steps`` is below 1.
    """

    start_epoch: float = 10.0
    end_epoch: float = 110.0
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_epoch <= self.end_epoch:
            raise ModelsError(
                f"sparsity.warmup runs from epoch {self.start_epoch} to {self.end_epoch}: "
                "use 0 <= start_epoch <= end_epoch"
            )
        if self.steps is not None and self.steps < 1:
            raise ModelsError(f"sparsity.warmup.steps is {self.steps}: use 1 or more, or null")


def warmup_keep_ratio(final_ratio: float, epoch: float, warmup: WarmupConfig) -> float:
    """Return the keep ratio in force at ``epoch``, which advances by fractions with every step.

    It is 1 before ``start_epoch``, ``final_ratio`` from ``end_epoch`` on, and follows half a cosine
    between them. With ``warmup.steps`` the descent is a staircase of that many equal stages, each
    at the cosine's value in its middle, so that at most ``steps`` + 2 ratios occur.
    """
    if epoch < warmup.start_epoch:
        return 1.0
    if epoch >= warmup.end_epoch:
        return final_ratio
    progress = (epoch - warmup.start_epoch) / (warmup.end_epoch - warmup.start_epoch)
    if warmup.steps is not None:
        progress = (math.floor(progress * warmup.steps) + 0.5) / warmup.steps
    return final_ratio + (1.0 - final_ratio) * 0.5 * (1.0 + math.cos(math.pi * progress))
