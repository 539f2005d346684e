"""Exponential moving average of a model's weights, on their device."""

import copy

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from trivit.models.vision_transformer import VisionTransformer


class WeightAverage:
    """A second model whose weights follow those of the first.

    After every step ``average = decay * average + (1 - decay) * weights``. It starts from the
    initial weights, as DeiT's does. Nothing waits for the device.
    """

    def __init__(self, model: VisionTransformer, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._averages: list[Tensor | torch.nn.Parameter] = list(self.model.parameters())
        self._weights: list[Tensor | torch.nn.Parameter] = list(model.parameters())
        self._combine = get_ema_multi_avg_fn(decay)

    def restart(self) -> None:
        """Take the weights as they are, as if no step had been made."""
        with torch.no_grad():
            for average, weights in zip(self._averages, self._weights, strict=True):
                average.copy_(weights)

    def update(self) -> None:
        """Take in the weights after an optimizer step."""
        self._combine(self._averages, self._weights, 1)
