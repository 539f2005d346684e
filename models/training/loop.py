"""The steps of an epoch: schedules, random streams and batches, in one process or several.

Every step seeds its own random streams, so that a run that continues in the middle of an epoch
draws what the uninterrupted one drew without storing generator states.
"""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch

from trivit.models.augmentation.batches import Batch, epoch_batches
from trivit.models.augmentation.waiting import WaitingClock
from trivit.models.clock import StepClock
from trivit.models.data import DatasetInfo, ImageSource
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import (
    derive_seed,
    keep_ratios,
    learning_rate,
    steps_in_epoch,
)
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.layers.stochastic_depth import StochasticDepth
from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.methods.patches.schedule import PatchSampler
from trivit.models.topology import KeepRatios
from trivit.models.training.compilation import compiled, too_many, training_shapes
from trivit.models.training.distributed import any_process, part_of_batch, shared_forward, world
from trivit.models.training.graphs import (
    Recorder,
    StepGraphs,
    StepInputs,
    recorder_for,
    unchanged,
    why_not_recorded,
)
from trivit.models.training.run_state import RunState
from trivit.models.training.step import training_step


class TrainingLoop:
    """Trains a ``RunState``, step by step.

    Attributes:
        recorder: of CUDA graphs; ``None``: the kernels of a step are launched one by one.
        notes: lines for the user: why they are, where graphs are asked for.
        cuda_graphs: how many shapes are recorded.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        state: RunState,
        images: ImageSource,
        info: DatasetInfo,
        precision: str,
    ) -> None:
        """Check that the steps can be made.

        Args:
            config: the experiment.
            state: what is trained.
            images: the training set, on the device.
            info: its description.
            precision: of the forward pass.

        Raises:
            ModelsError: the processes cannot share the batches, or the schedules visit too many
                shapes to compile.
        """
        self.config = config
        self.state = state
        self.images = images
        self.info = info
        self.precision = precision
        self.part = part_of_batch(config.training.batch_size)
        if config.augmentation.mixes and (self.part.stop - self.part.start) % 2:
            raise ModelsError(
                f"each process's part of training.batch_size is {self.part.stop - self.part.start}:"
                " mixup and cutmix mix pairs of images, choose an even number"
            )
        self.notes: list[str] = []
        self.recorder = recorder_for(config.training.cuda_graphs, state.device)
        self._shapes: dict[KeepRatios, KeepRatios] = {}
        if config.training.compile or self.recorder is not None:
            self._shapes = training_shapes(config, len(images))
        complaint = too_many(len(set(self._shapes.values())))
        if config.training.compile and complaint:
            raise ModelsError(f"training.compile is true and {complaint}")
        if complaint:
            self._launch_kernels(complaint)
        if self.recorder is not None and world().size > 1:
            self.notes.append(
                "graphs that hold the exchange among processes have run nowhere yet: set "
                "training.cuda_graphs to false if steps hang"
            )
        self._graphs: StepGraphs | None = None
        self.cuda_graphs = 0
        self._patches = PatchSampler(config.patch_schedule, state.device)
        self._depth = StochasticDepth(config.model, state.device)
        self._clock = StepClock(state.device, state.step_seconds)
        self._waiting = WaitingClock(state.device)
        self._forward: Callable[..., Any] = state.weights.runs.forward_details

    @property
    def compiled_shapes(self) -> int:
        """How many shapes are compiled."""
        return len(set(self._shapes.values())) if self.config.training.compile else 0

    def _launch_kernels(self, reason: str) -> None:
        """Do not replay steps as graphs; note why, where that was the intention."""
        if self.recorder is not None:
            self.notes.append(f"training.cuda_graphs is true and steps run without: {reason}")
        self.recorder = None

    def connect(self) -> None:
        """Join the processes' models; compile and record all shapes, if asked for.

        All processes call it. Nothing that the run depends on changes.
        """
        state = self.state
        if self.recorder is None:
            self._forward = shared_forward(state.weights.runs, state.device)
        elif world().size > 1:
            state.weights.exchange_gradients()
        if not self.config.training.compile and self.recorder is None:
            return
        if self.config.training.compile:
            self._forward = compiled(self._forward, self.compiled_shapes)
        state.weights.runs.train()
        sample = next(self.batches(0))
        with unchanged(state.changed_by_steps()):
            self._graphs = self._prepared(sample)
        state.weights.clear_gradients()
        state.weights.refresh()

    def _prepared(self, sample: Batch) -> StepGraphs | None:
        """Do a step of each shape, which compiles it, and record all of them."""
        shapes = sorted(set(self._shapes.values()), reverse=True)
        if self.recorder is None:
            for ratios in shapes:
                self._work(self._inputs(sample, ratios, 0, 0))
            return None
        graphs = StepGraphs(self.recorder, self._work)
        # All before the first recording: no memory of graphs is in their way.
        for ratios in shapes:
            graphs.warm_up(self._inputs(sample, ratios, 0, 0))
        gc.collect()
        reason: str | None = None
        try:
            for ratios in shapes:
                graphs.record(ratios, self._inputs(sample, ratios, 0, 0))
        except RuntimeError as error:
            reason = why_not_recorded(error)
        if any_process(reason is not None):
            self._launch_kernels(reason or "recording failed in another process")
            return None
        self.cuda_graphs = len(shapes)
        return graphs

    def release(self) -> Recorder | None:
        """Give the memory of graphs back, as no step follows; return what records others."""
        self._graphs = None
        return recorder_for(self.recorder is not None, self.state.device)

    def steps(self, epoch: int) -> int:
        """Return the steps of ``epoch`` (0-based)."""
        return steps_in_epoch(self.config, len(self.images), epoch)

    def steps_until(self, epoch: int) -> int:
        """Return the steps before ``epoch`` (0-based) starts."""
        return sum(map(self.steps, range(epoch)))

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield this process's part of the batches of ``epoch`` from ``first_step`` on."""
        seed = derive_seed(self.config.seed, "order", epoch)
        self._waiting = WaitingClock(self.state.device)
        return self._batches(seed, self.part, first_step, self._waiting)

    def sample_batch(self) -> Batch:
        """Return a whole batch that looks like those of training."""
        return next(self._batches(derive_seed(self.config.seed, "timing"), slice(None), 0))

    def _batches(
        self, seed: int, part: slice, first_step: int, clock: WaitingClock | None = None
    ) -> Iterator[Batch]:
        vit = self.config.model
        return epoch_batches(
            self.images,
            self.info,
            self.config.data,
            self.state.examples.examples(),
            self.config.training.batch_size,
            seed,
            part,
            augmentation=self.config.augmentation,
            image_size=vit.image_size,
            num_classes=vit.num_classes,
            first_step=first_step,
            dtype=torch.bfloat16 if self.precision == "bfloat16" else torch.float32,
            clock=clock,
        )

    def update_examples(self) -> None:
        """Revise which examples are in play, where that is due before the epoch."""
        self._clock.start()
        self.state.epoch.updated = self.state.examples.start_epoch(self.state.epochs_done)
        self._clock.mark("bookkeeping")

    def run(self, batches: Iterator[Batch], end: int, advance: Callable[[], None]) -> None:
        """Train on ``batches`` from the epoch's present step up to ``end``.

        Args:
            batches: from ``batches``, at the present step.
            end: first step that is not made.
            advance: called after each step.
        """
        state, progress = self.state, self.state.epoch
        epoch, steps = state.epochs_done, self.steps(state.epochs_done)
        state.weights.runs.train()
        before = state.step_seconds["data"]
        self._clock.start()
        for index in range(progress.step, end):
            batch = next(batches)
            rate = learning_rate(self.config.training, epoch * steps + index, steps)
            state.weights.begin_step(rate)
            # Schedules count in epochs: a method that shortens one does not shift what comes later.
            ratios = keep_ratios(self.config, epoch + index / steps)
            inputs = self._inputs(batch, ratios, epoch, index)
            self._clock.mark("data")
            if self._graphs is None:
                self._work(inputs, self._clock)
            else:
                self._graphs.run(self._shapes[ratios], inputs)
                self._clock.mark("step")
            progress.patch_ratio += ratios.patch
            progress.step = index + 1
            advance()
            self._clock.mark("bookkeeping")
        self._clock.finish()
        for cause, seconds in self._waiting.causes(state.step_seconds["data"] - before).items():
            progress.waits[cause] = progress.waits.get(cause, 0.0) + seconds

    def _work(self, inputs: StepInputs, clock: StepClock | None = None) -> None:
        """Do a step's work: of the device alone, and in place, so that it can be replayed."""
        processes = world().size
        result = training_step(
            self.state.weights,
            self._forward,
            inputs.batch,
            self.config,
            self.precision,
            self.state.examples,
            shared=processes > 1,
            clock=clock,
            **inputs.drawn,
        )
        loss = result.loss.double() / processes
        self.state.epoch.sums += torch.stack([loss, result.correct.double()])

    def _inputs(self, batch: Batch, ratios: KeepRatios, epoch: int, index: int) -> StepInputs:
        """Set the ratios of a step; return its batch and what is drawn for its forward pass.

        Where shapes are prepared, the model gets the ratios that stand for these.
        """
        ratios = self._shapes.get(ratios, ratios)
        model, seed = self.state.weights.runs, self.config.seed
        model.set_keep_ratios(token=ratios.token, attention=ratios.attention)
        model.set_patch_sampling(self._patches.sampling(ratios.patch))
        self._patches.start_epoch(derive_seed(seed, "patches", epoch, index))
        self._depth.start_epoch(derive_seed(seed, "depth", epoch, index))
        size, patches = self.config.training.batch_size, self.config.model.num_patches
        drawn = {
            "patch_scores_BN": self._patches.random_scores(ratios.patch, size, patches, self.part),
            "depth_draws_RB": self._depth.draws(size, self.part),
        }
        return StepInputs(batch, drawn)


def use_final_ratios(model: SparseTransformer) -> None:
    """Let ``model`` compute what a finished run computes: final keep ratios, all patches."""
    vit = model.config
    model.set_keep_ratios(token=vit.token_keep_ratio, attention=vit.attention_keep_ratio)
    model.set_patch_sampling(PatchSampling())
