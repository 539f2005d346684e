"""Stochastic depth: residual branches that a training step leaves out, image by image.

Huang et al., 2016, with DeiT's linear rule: the rate rises from 0 in the first block to
``drop_path`` in the last, both branches of a block have the same one, and what stays is scaled up
so that its expectation does not change.

Shape suffixes: R residual branches (two for each block: attention, MLP), B images.
"""

import torch
from torch import Tensor

from trivit.models.model_config import ModelConfig


def drop_rates(last: float, blocks: int) -> Tensor:
    """Return the rate of each residual branch of ``blocks`` blocks, float32 (R,).

    Args:
        last: rate of the last block.
        blocks: how many there are.
    """
    return torch.linspace(0.0, last, blocks).repeat_interleave(2)


def branch_scales(rates_R: Tensor, draws_RB: Tensor) -> Tensor:
    """Return what each branch of each image is multiplied by, (R, B): 0 or 1 / (1 - rate).

    Args:
        rates_R: from ``drop_rates``.
        draws_RB: uniform numbers from [0, 1).
    """
    rates_R1 = rates_R.unsqueeze(1)
    return (draws_RB >= rates_R1).to(rates_R.dtype) / (1.0 - rates_R1)


class StochasticDepth:
    """Draws for a whole batch, so that they can be drawn again and do not depend on its split."""

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self._branches = 2 * len(config.blocks) if config.drop_path > 0 else 0
        self._generator = torch.Generator(device)

    def start_epoch(self, seed: int) -> None:
        """Draw what follows from ``seed``."""
        self._generator.manual_seed(seed)

    def draws(self, batch: int, part: slice = slice(None)) -> Tensor | None:
        """Return uniform draws (R, B) for the images ``part`` of a batch; ``None`` at rate 0.

        They are drawn for the whole batch, so that processes that share one draw the same.
        """
        if self._branches == 0:
            return None
        device = self._generator.device
        draws = torch.rand(self._branches, batch, generator=self._generator, device=device)
        return draws[:, part]
