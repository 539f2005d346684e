"""Keep-ratio warm-up: from 1 to the final ratio along a cosine (Tri-Level, "warm-up strategy")."""

import math

from trivit.models.sparsity.config import WarmupConfig


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
