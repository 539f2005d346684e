"""All that changes while a run goes on, and that a resumed one needs back."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trivit.models.data import ImageSource
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import derive_seed
from trivit.models.families import build_model
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.runs.checkpoint import Checkpoint
from trivit.models.training.device import chosen_precision, use_attention
from trivit.models.training.distributed import world
from trivit.models.training.optimisation import WeightUpdate

#: Into which the time of a training step is split. A step that is replayed as one CUDA graph is
#: ``step`` in place of ``forward``, ``backward``, ``optimizer`` and most of ``bookkeeping``.
STEP_PARTS = ("data", "forward", "backward", "optimizer", "step", "bookkeeping")

_EXAMPLES, _SUMS = "examples/", "epoch/sums"


@dataclass
class EpochProgress:
    """How far the epoch under way is, and what its record needs.

    Attributes:
        step: steps done.
        updated: whether the example level was updated before the epoch.
        sums: of the steps' losses and of the images classified correctly, float64 (2,), on the
            device; this process's share of them. The same tensor throughout the run.
        patch_ratio: sum of the steps' patch keep ratios.
        seconds: time so far, by part.
        waits: seconds that steps waited for batches, by cause; since this process started.
    """

    sums: Tensor
    step: int = 0
    updated: bool = False
    patch_ratio: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)


class RunState:
    """Weights, their average, the optimizer, the example level, and how far the run is.

    Attributes:
        model: the weights.
        average: of the weights; ``None``: none is kept.
        weights: what updates both.
        epochs_done: epochs completed.
        epoch: progress of the epoch under way.
        images_seen: in completed epochs.
        accuracies: of the latest evaluation, in percent, by name.
        initial_weights: where they came from, and which were taken; ``None``: drawn at random.
        seconds: of the run, by part.
        step_seconds: of the training steps, by part.
    """

    def __init__(
        self, config: ExperimentConfig, train_images: ImageSource, device: torch.device
    ) -> None:
        torch.manual_seed(derive_seed(config.seed, "model"))
        self.device = device
        self.model = build_model(config.model).to(device)
        use_attention(self.model, config.training, device)
        self.weights = WeightUpdate(
            self.model,
            config.training,
            precision=chosen_precision(config.training, device),
            copies=world().size == 1,
        )
        self.average = self.weights.average
        self.examples = ExampleSelector(
            config.sparsity.examples,
            len(train_images),
            derive_seed(config.seed, "examples"),
            device,
            config.sparsity.compat,
            labels=train_images.labels,
            by_variance=config.sparsity.variance_block is not None,
            copies=config.augmentation.repeats > 1,
        )
        self.epochs_done = 0
        self.epoch = EpochProgress(torch.zeros(2, dtype=torch.float64, device=device))
        self.images_seen = 0
        self.accuracies: dict[str, float] = {}
        self.initial_weights: dict[str, str] | None = None
        self.seconds: dict[str, float] = {}
        self.step_seconds = dict.fromkeys(STEP_PARTS, 0.0)

    def checkpoint(self, dataset: dict[str, Any], sums: Tensor) -> Checkpoint:
        """Return what a continuation needs.

        Args:
            dataset: the fingerprint of the images.
            sums: those of the epoch under way, over all processes.
        """
        epoch = self.epoch
        state = {
            "epoch": self.epochs_done,
            "step": epoch.step,
            "examples_updated": epoch.updated,
            "patch_ratio_sum": epoch.patch_ratio,
            "epoch_seconds": dict(epoch.seconds),
            "images_seen": self.images_seen,
            "accuracies": dict(self.accuracies),
            "seconds": dict(self.seconds),
            "step_seconds": dict(self.step_seconds),
            "average_updates": None if self.average is None else self.average.updates,
            "initial_weights": self.initial_weights,
            "dataset": dataset,
            "torch": torch.__version__,
        }
        tensors = {
            **self.weights.tensors(),
            **{_EXAMPLES + name: value for name, value in self.examples.state_dict().items()},
            _SUMS: sums,
        }
        average = {} if self.average is None else self.average.model.state_dict()
        return Checkpoint(state, self.model.state_dict(), tensors, average)

    def changed_by_steps(self) -> list[Tensor]:
        """Return the tensors that a step changes, all of them in place."""
        models = [self.model] if self.average is None else [self.model, self.average.model]
        states = self.weights.optimizer.state.values()
        return [
            *(value for model in models for value in model.parameters()),
            *(value for state in states for value in state.values()),
            *vars(self.examples.statistics).values(),
            self.epoch.sums,
        ]

    def start_epoch(self) -> None:
        """Begin the next epoch; its sums stay where they are."""
        self.epoch = EpochProgress(self.epoch.sums.zero_())

    def is_finite(self) -> Tensor:
        """Return whether weights, average and optimizer state are finite, bool on the device."""
        models = [self.model] if self.average is None else [self.model, self.average.model]
        tensors: list[Tensor] = [p.detach() for model in models for p in model.parameters()]
        tensors += self.weights.tensors().values()
        return torch.stack([t.isfinite().all().to(self.device) for t in tensors]).all()

    def restore(self, checkpoint: Checkpoint, *, first: bool) -> None:
        """Continue from ``checkpoint``.

        Args:
            checkpoint: of a run with the same configuration.
            first: this is the first process: the sums of the epoch under way are its.

        Raises:
            KeyError, RuntimeError: the checkpoint is of another model or run.
        """
        state, tensors = checkpoint.state, checkpoint.training
        self.model.load_state_dict(checkpoint.model)
        if self.average is not None:
            self.average.model.load_state_dict(checkpoint.average)
            # Missing before the decay warmed up: such a run keeps its constant one.
            self.average.updates = state.get("average_updates")
        self.weights.restore(tensors)
        self.examples.load_state_dict(
            {
                name.removeprefix(_EXAMPLES): value
                for name, value in tensors.items()
                if name.startswith(_EXAMPLES)
            }
        )
        self.epochs_done = int(state["epoch"])
        self.start_epoch()
        epoch = self.epoch
        epoch.step = int(state["step"])
        epoch.updated = bool(state["examples_updated"])
        epoch.patch_ratio = float(state["patch_ratio_sum"])
        epoch.seconds = dict(state["epoch_seconds"])
        if first:
            epoch.sums.copy_(tensors[_SUMS])
        self.images_seen = int(state["images_seen"])
        self.accuracies = dict(state["accuracies"])
        self.initial_weights = state.get("initial_weights")
        self.seconds.update(state["seconds"])
        self.step_seconds.update(state["step_seconds"])
