"""Patch sampling schedule: train on a share of each image's patches that changes with the step.

PSS, "Training with a Patch Sampling Schedule". Released code and paper differ in three things
(``compat``). The code's linear and cyclic schedules move the *drop* ratio to half a step below the
end and round it, so that the first level lasts half as long as the others; the paper's figure shows
a step function, here with levels of equal length. The code for DeiT ends its schedules 10 epochs
before the training ends and drops nothing from there on; the paper does not say so. The code ranks
patches after the position embedding was added, the paper's Algorithm 1 before.

Shape suffixes: B batch, N patch tokens, D width, K kept patch tokens.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trivit.models.sparsity.config import Compat, PatchOrder, PatchScheduleConfig
from trivit.models.sparsity.tokens import select_tokens

# Keeps a step that lies on the border of two levels on the later one, whatever the float error.
_BORDER = 1e-9


class PatchSampling(NamedTuple):
    """How a forward pass samples patches; at ``keep_ratio`` 1 it does nothing.

    Attributes:
        keep_ratio: share of the tokens that stay, [CLS] included if there is one.
        order: ``l1`` or ``l2`` keep the patches of the largest norm, ``random`` any.
        compat: ``paper`` ranks the patch embeddings, ``code`` what enters the first block.
    """

    keep_ratio: float = 1.0
    order: PatchOrder = "l1"
    compat: Compat = "paper"


def sampled_patches(num_patches: int, keep_ratio: float, prefix: int = 1) -> int:
    """Return how many patches stay: ``round(keep_ratio * tokens)`` without [CLS], at least 1.

    The tokens include [CLS], which always stays: of 197, the ratio 0.2 keeps 39, 38 of them
    patches. Paper and code agree on that. Without [CLS] (``prefix`` 0) only patches count.
    """
    return max(1, round(keep_ratio * (prefix + num_patches)) - prefix)


def patch_scores(patches_BND: Tensor, order: PatchOrder) -> Tensor:
    """Return what patches are ranked by, (B, N) without gradient (PSS, "Patch Sampling Functions").

    ``random`` draws from the global generator of the tokens' device. Norms are summed in float32 at
    least, whatever the tokens are: in bfloat16 most of the order would be ties.
    """
    with torch.no_grad():
        if order == "random":
            return torch.rand(patches_BND.shape[:2], device=patches_BND.device)
        wide = torch.promote_types(patches_BND.dtype, torch.float32)
        return torch.linalg.vector_norm(patches_BND, ord=int(order[1]), dim=-1, dtype=wide)


def sample_patches(scores_BN: Tensor, keep_ratio: float, prefix: int = 1) -> Tensor:
    """Return the indices (B, K), int64 and ascending, of the highest scores of each image."""
    return select_tokens(scores_BN, sampled_patches(scores_BN.shape[1], keep_ratio, prefix))


def scheduled_keep_ratio(config: PatchScheduleConfig, epoch: float, epochs: int) -> float:
    """Return the keep ratio at ``epoch``, which advances by fractions with every step.

    Args:
        config: the schedule.
        epoch: at least 0 and below ``epochs``.
        epochs: length of the training.
    """
    if config.schedule == "none":
        return 1.0
    if config.schedule == "fixed":
        return config.keep_ratio
    epochs_scheduled = epochs - config.cooldown
    if config.schedule == "cyclic" and epoch >= epochs_scheduled:
        return 1.0
    if config.schedule == "cyclic" or (config.schedule == "list" and config.cycle_epochs):
        cycle = config.cycle_epochs or 1.0
        progress = (epoch % cycle) / cycle
    else:
        progress = min(1.0, epoch / epochs_scheduled) if epochs_scheduled > 0 else 1.0
    if config.schedule == "list":
        return config.ratios[min(_stage(progress, len(config.ratios)), len(config.ratios) - 1)]
    if config.schedule == "cyclic":
        progress = 1.0 - abs(2.0 * progress - 1.0)
    elif config.schedule == "cosine":
        progress = 0.5 * (1.0 - math.cos(math.pi * progress))
    return _level(config, progress)


def _level(config: PatchScheduleConfig, progress: float) -> float:
    """Return the ratio on the way from ``start`` to ``end``, a multiple of 1 / ``steps``."""
    steps, start, end = config.steps, config.start, config.end
    if steps is None:
        return start + (end - start) * progress
    if config.compat == "code":
        direction = 1.0 if end >= start else -1.0
        beyond = end + direction * 0.5 / steps
        level = math.floor((start + (beyond - start) * progress) * steps + 0.5 + _BORDER)
        low, high = sorted((round(start * steps), round(end * steps)))
        return min(max(level, low), high) / steps
    first, last = round(start * steps), round(end * steps)
    count = abs(last - first) + 1
    stage = min(_stage(progress, count), count - 1)
    return (first + (stage if last >= first else -stage)) / steps


def _stage(progress: float, count: int) -> int:
    return math.floor(progress * count + _BORDER)


class PatchSampler:
    """Says how a step samples patches, and draws random orders that can be drawn again."""

    def __init__(self, config: PatchScheduleConfig, device: torch.device) -> None:
        self.config = config
        self._generator = torch.Generator(device)

    def start_epoch(self, seed: int) -> None:
        """Draw the random orders of an epoch from ``seed``."""
        self._generator.manual_seed(seed)

    def sampling(self, keep_ratio: float) -> PatchSampling:
        """Return the configured sampling at ``keep_ratio``."""
        return PatchSampling(keep_ratio, self.config.order, self.config.compat)

    def random_scores(
        self, keep_ratio: float, batch: int, patches: int, part: slice = slice(None)
    ) -> Tensor | None:
        """Return the scores of a random order for the images ``part`` of a batch, else ``None``.

        They are drawn for the whole batch, so that processes that share one draw the same.
        """
        if self.config.order != "random" or keep_ratio == 1:
            return None
        device = self._generator.device
        return torch.rand(batch, patches, generator=self._generator, device=device)[part]
