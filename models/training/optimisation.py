"""What turns gradients into weights: clipping, AdamW, its saved state, the average of the weights.

What changes from step to step (learning rate, decay of the average) is set before a step, in
tensors where the weights are on a GPU: the update itself is then work of the device alone, which a
CUDA graph can replay.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trivit.models.experiment.config import TrainingConfig
from trivit.models.layers.sparse_transformer import SparseTransformer

_NOT_DECAYED = ("cls_token", "pos_embed", "relative_position_bias_table")


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW; only matrices decay, not biases, norms, [CLS] and positions (as timm).

    On CUDA the learning rate is a tensor, and the state has its place before the first step, so
    that steps can be captured.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        exempt = parameter.dim() <= 1 or name.endswith(_NOT_DECAYED)
        (plain if exempt else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    device = next(model.parameters()).device
    on_cuda = device.type == "cuda"
    rate = torch.tensor(config.learning_rate, device=device) if on_cuda else config.learning_rate
    optimizer = torch.optim.AdamW(
        groups, lr=rate, betas=(0.9, config.beta2), fused=True, capturable=on_cuda
    )
    for parameter in [*decayed, *plain]:
        optimizer.state[parameter] = {
            "step": torch.zeros((), device=device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use this rate from the next step on; nothing waits for the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


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
    """Copy tensors from ``optimizer_tensors`` back into the state.

    Raises:
        KeyError, RuntimeError: one is missing or has another shape.
    """
    for name, value in optimizer_tensors(optimizer, names).items():
        value.copy_(tensors[name])


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
        device = self._weights[0].device
        # How much of the weights the next update takes in.
        self._share: float | Tensor = torch.zeros((), device=device)
        if device.type != "cuda":
            self._share = 0.0

    def restart(self) -> None:
        """Take the weights as they are, as if no step had been made."""
        self.updates = 0
        with torch.no_grad():
            for average, weights in zip(self._averages, self._weights, strict=True):
                average.copy_(weights)

    def begin_step(self) -> None:
        """Count an update and set the decay that it has."""
        decay = self._decay
        if self.updates is not None:
            decay = warmed_up_decay(decay, self.updates)
            self.updates += 1
        if isinstance(self._share, Tensor):
            self._share.fill_(1 - decay)
        else:
            self._share = 1 - decay

    def update(self) -> None:
        """Take in the weights after an optimizer step; ``begin_step`` came before."""
        with torch.no_grad():
            if isinstance(self._share, Tensor):
                shares = [self._share] * len(self._weights)
                torch._foreach_lerp_(self._averages, self._weights, shares)
            else:
                torch._foreach_lerp_(self._averages, self._weights, self._share)


class WeightUpdate:
    """From gradients to weights: clipping, AdamW and the average.

    Attributes:
        model: the float32 weights, which are saved and evaluated.
        runs: the model that steps run forward and backward.
        average: of the weights; ``None``: none is kept.
        optimizer: of the weights. Its state is changed in place, never replaced.
        learning_rate: of the latest step.
    """

    def __init__(
        self, model: SparseTransformer, config: TrainingConfig, *, precision: str, copies: bool
    ) -> None:
        """Prepare updates of ``model``, which is on its device.

        Args:
            model: what is trained.
            config: how.
            precision: of the forward pass, ``float32`` or ``bfloat16``.
            copies: steps may run on copies of the weights.
        """
        self.model = model
        self.runs = model
        decay = config.ema_decay
        self.average = None if decay is None else WeightAverage(model, decay)
        self.optimizer = make_optimizer(model, config)
        self.learning_rate = config.learning_rate
        self._clip = config.gradient_clip

    def begin_step(self, learning_rate: float) -> None:
        """Set what changes from step to step. Nothing waits for the device.

        A replayed CUDA graph holds ``apply`` but not this.
        """
        self.learning_rate = learning_rate
        set_learning_rate(self.optimizer, learning_rate)
        if self.average is not None:
            self.average.begin_step()

    def apply(self) -> None:
        """Update the weights from the gradients of ``runs``, and clear these. Device work alone."""
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._clip)
        self.optimizer.step()
        self.clear_gradients()
        if self.average is not None:
            self.average.update()

    def clear_gradients(self) -> None:
        """Forget the gradients of ``runs``."""
        self.runs.zero_grad(set_to_none=True)

    def refresh(self) -> None:
        """Let ``runs`` have the weights of ``model``, after something else has set them."""

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimizer's state as ``optimizer/PARAMETER/KEY`` tensors."""
        return optimizer_tensors(self.optimizer, self._names())

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Copy the tensors of ``tensors`` back.

        Raises:
            KeyError, RuntimeError: one is missing or has another shape.
        """
        restore_optimizer(self.optimizer, self._names(), tensors)

    def _names(self) -> dict[Tensor, str]:
        return {parameter: name for name, parameter in self.model.named_parameters()}


class PlainUpdate:
    """Clipping and AdamW for any module, parameter by parameter, at a constant rate.

    Attributes:
        runs: the module.
        optimizer: of its parameters.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig) -> None:
        self.runs = module
        self.optimizer = make_optimizer(module, config)
        self._clip = config.gradient_clip

    def apply(self) -> None:
        """Update the parameters from their gradients, and clear these."""
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self.runs.parameters(), self._clip)
        self.optimizer.step()
        self.runs.zero_grad(set_to_none=True)
