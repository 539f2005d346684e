"""What turns gradients into weights: clipping, AdamW, its saved state, the average of the weights.

What changes from step to step (learning rate, decay of the average) is set before a step, in
tensors where the weights are on a GPU: the update itself is then work of the device alone, which a
CUDA graph can replay.
"""

import copy
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trivit.models.experiment.config import TrainingConfig
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.training.distributed import all_mean
from trivit.models.training.flat_weights import FlatWeights, is_decayed

_STATE_KEYS = ("step", "exp_avg", "exp_avg_sq")


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW; only matrices decay, not biases, norms, [CLS] and positions (as timm)."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (decayed if is_decayed(name, parameter) else plain).append(parameter)
    return _adamw(decayed, plain, config)


def _adamw(
    decayed: list[nn.Parameter], plain: list[nn.Parameter], config: TrainingConfig
) -> torch.optim.AdamW:
    """Return AdamW. On CUDA steps can be captured.

    The learning rate is a tensor there, and the state has its place before the first step.
    """
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    parameters = [*decayed, *plain]
    device = parameters[0].device
    on_cuda = device.type == "cuda"
    rate = torch.tensor(config.learning_rate, device=device) if on_cuda else config.learning_rate
    optimizer = torch.optim.AdamW(
        groups, lr=rate, betas=(0.9, config.beta2), fused=True, capturable=on_cuda
    )
    # Steps that warm up are not captured; that is meant.
    optimizer._warned_capturable_if_run_uncaptured = True
    for parameter in parameters:
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

    def __init__(
        self, model: SparseTransformer, decay: float, flat: FlatWeights | None = None
    ) -> None:
        """Start from the weights.

        Args:
            model: whose they are.
            decay: the largest decay.
            flat: its weights, if they are in one buffer: so are the averages then.
        """
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.updates: int | None = 0
        self._decay = decay
        self._averages: list[Tensor] = list(self.model.parameters())
        self._weights: list[Tensor] = list(model.parameters())
        if flat is not None:
            self._averages = [flat.layout.flatten(self.model)]
            self._weights = [flat.values]
        # How much of the weights the next update takes in.
        self._share: float | Tensor = 0.0
        if self._weights[0].device.type == "cuda":
            self._share = torch.zeros((), device=self._weights[0].device)

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
            for average, weights in zip(self._averages, self._weights, strict=True):
                average.lerp_(weights, self._share)


class WeightUpdate:
    """From gradients to weights: clipping, AdamW and the average.

    Three ways. On a CPU in float32 each parameter is updated by itself. On CUDA, and in bfloat16,
    all are in one buffer (``FlatWeights``). In bfloat16 steps run, where they may, on copies of all
    that autocast would cast.

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
            copies: steps may run on bfloat16 copies: one process trains.
        """
        self.model = model
        self.runs = model
        self._flat: FlatWeights | None = None
        if precision == "bfloat16" or next(model.parameters()).device.type == "cuda":
            self._flat = FlatWeights(model, copies=copies and precision == "bfloat16")
            self.runs = self._flat.runs
            decayed, plain = self._flat.parameters
            self.optimizer = _adamw([decayed], [plain], config)
        else:
            self.optimizer = make_optimizer(model, config)
        decay = config.ema_decay
        self.average = None if decay is None else WeightAverage(model, decay, self._flat)
        self.learning_rate = config.learning_rate
        self._clip = config.gradient_clip
        self._exchanges = False

    def exchange_gradients(self) -> None:
        """Average the gradients over the processes from now on, in one exchange a step.

        In place of DDP, whose exchange beside the backward pass a CUDA graph would hold only under
        conditions of its own.

        Raises:
            RuntimeError: the weights are not in one buffer.
        """
        if self._flat is None:
            raise RuntimeError("gradients that are not in one buffer are exchanged by DDP")
        self._exchanges = True

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
        parameters = self.model.parameters()
        if self._flat is not None:
            self._flat.take_gradients()
            if self._exchanges:
                all_mean(self._flat.gradients)
            parameters = iter(self._flat.parameters)
        _update(self.optimizer, parameters, self._clip)
        self.clear_gradients()
        if self.average is not None:
            self.average.update()
        self.refresh()

    def clear_gradients(self) -> None:
        """Forget the gradients of ``runs``."""
        self.runs.zero_grad(set_to_none=True)

    def refresh(self) -> None:
        """Let ``runs`` have the weights of ``model``, after something else has set them."""
        if self._flat is not None:
            self._flat.write_copies()

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimizer's state as ``optimizer/PARAMETER/KEY`` tensors, to be read."""
        return {
            # One count of steps may serve many parameters, and a file holds no tensor twice.
            name: value.clone() if value.dim() == 0 else value
            for name, value in self._state().items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy tensors from ``tensors`` back, and let ``runs`` have the weights of ``model``.

        Raises:
            KeyError, RuntimeError: one is missing or has another shape.
        """
        for name, value in self._state().items():
            if tensors[name].shape != value.shape:
                raise RuntimeError(f"{name} has shape {tuple(tensors[name].shape)}")
            value.copy_(tensors[name])
        self.refresh()

    def held_bytes(self) -> int:
        """Return the size of weights, copies, optimizer state and gradients that are kept."""
        held = [*self.model.parameters(), *self.runs.parameters(), *self._state().values()]
        if self._flat is not None:
            held += [p.grad for p in self._flat.parameters if p.grad is not None]
        return _bytes(held)

    def _state(self) -> dict[str, Tensor]:
        """Return the optimizer's state by name: the tensors themselves, or views of them."""
        entries = self.optimizer.state
        if self._flat is None:
            by_key = {
                key: {name: entries[p][key] for name, p in self.model.named_parameters()}
                for key in _STATE_KEYS
            }
        else:
            parts = [entries[parameter] for parameter in self._flat.parameters]
            by_key = {
                key: self._flat.layout.parts_by_name([part[key] for part in parts])
                for key in _STATE_KEYS
            }
        return {
            f"optimizer/{name}/{key}": value
            for key, values in by_key.items()
            for name, value in values.items()
        }


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
        _update(self.optimizer, self.runs.parameters(), self._clip)
        self.runs.zero_grad(set_to_none=True)

    def held_bytes(self) -> int:
        """Return the size of the parameters and of the optimizer's state."""
        state = [value for entry in self.optimizer.state.values() for value in entry.values()]
        return _bytes([*self.runs.parameters(), *state])


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Return the size of the tensors' storages, each counted once."""
    storages = [tensor.untyped_storage() for tensor in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _update(
    optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], clip: float | None
) -> None:
    """Clip the gradients of the optimizer's ``parameters``, and make its step."""
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
