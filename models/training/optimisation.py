"""What turns gradients into weights: AdamW, its saved state, and the average of the weights."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trivit.models.experiment.config import TrainingConfig
from trivit.models.layers.sparse_transformer import SparseTransformer

_NOT_DECAYED = ("cls_token", "pos_embed", "relative_position_bias_table")


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW; only matrices decay, not biases, norms, [CLS] and positions (as timm)."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        exempt = parameter.dim() <= 1 or name.endswith(_NOT_DECAYED)
        (plain if exempt else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2), fused=True)


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str]
) -> dict[str, Tensor]:
    """Return the optimizer's state as ``optimizer/PARAMETER/KEY`` tensors."""
    return {
        f"optimizer/{names[parameter]}/{key}": value
        for parameter, entry in optimizer.state.items()
        for key, value in entry.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str], tensors: dict[str, Tensor]
) -> None:
    """Put tensors from ``optimizer_tensors`` back, on the devices of their parameters."""
    for parameter, name in names.items():
        prefix = f"optimizer/{name}/"
        optimizer.state[parameter] = {
            key.removeprefix(prefix): value.to(parameter.device)
            for key, value in tensors.items()
            if key.startswith(prefix)
        }


def warmed_up_decay(decay: float, updates: int) -> float:
    """Return the decay of the update after ``updates`` others: min(decay, (1 + n) / (10 + n)).

    The rule of TensorFlow's ``ExponentialMovingAverage(num_updates=n)``. A short run averages about
    the last tenth of its steps, and DeiT's 0.99996 holds from step 225,000 on, in the first third
    of its 300 epochs. The warm-up of timm's ``ModelEmaV3``, 1 - (1 + n)^(-2/3), would reach 0.99996
    only after four million steps, so that the recipe's average would never be the published one.
    """
    return min(decay, (1 + updates) / (10 + updates))


class WeightAverage:
    """A second model whose weights follow those of the first.

    After every step ``average = decay * average + (1 - decay) * weights``, with a decay that warms
    up. It starts from the initial weights, as DeiT's does. Nothing waits for the device.

    Attributes:
        model: the averages.
        updates: updates so far; ``None``: the decay is constant, as in runs from before it warmed
            up, so that they end as they began.
    """

    def __init__(self, model: SparseTransformer, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.updates: int | None = 0
        self._decay = decay
        self._averages: list[Tensor] = list(self.model.parameters())
        self._weights: list[Tensor] = list(model.parameters())

    def restart(self) -> None:
        """Take the weights as they are, as if no step had been made."""
        self.updates = 0
        with torch.no_grad():
            for average, weights in zip(self._averages, self._weights, strict=True):
                average.copy_(weights)

    def update(self) -> None:
        """Take in the weights after an optimizer step."""
        decay = self._decay
        if self.updates is not None:
            decay = warmed_up_decay(decay, self.updates)
            self.updates += 1
        with torch.no_grad():
            torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
