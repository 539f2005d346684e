"""The steps of an epoch: schedules, random streams and batches, in one process or several.

Every step seeds its own random streams, so that a run that continues in the middle of an epoch
draws what the uninterrupted one drew without storing generator states.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from trivit.models.augmentation.batches import Batch, epoch_batches
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
from trivit.models.training.compilation import compiled, shapes_to_compile
from trivit.models.training.device import autocast
from trivit.models.training.distributed import part_of_batch, shared_forward, world
from trivit.models.training.run_state import RunState
from trivit.models.training.step import training_step, variance_correction


class TrainingLoop:
    """Trains a ``RunState``, step by step."""

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
        self._shared: dict[KeepRatios, KeepRatios] = {}
        if config.training.compile:
            self._shared = shapes_to_compile(config, len(images))
        self.shapes = sorted(set(self._shared.values()), reverse=True)
        self._patches = PatchSampler(config.patch_schedule, state.device)
        self._depth = StochasticDepth(config.model, state.device)
        self._clock = StepClock(state.device, state.step_seconds)
        self._forward: Callable[..., Any] = state.model.forward_details

    def connect(self) -> None:
        """Join the processes' models; compile all shapes, if asked for. All processes call it."""
        self._forward = shared_forward(self.state.model, self.state.device)
        if not self.shapes:
            return
        self._forward = compiled(self._forward, len(self.shapes))
        vit, device = self.config.model, self.state.device
        count = self.part.stop - self.part.start
        shape = (count, vit.in_channels, vit.image_size, vit.image_size)
        images = torch.zeros(shape, device=device)
        examples = self.state.examples
        block = self.config.sparsity.variance_block if examples.wants_variance else None
        self.state.model.train()
        for ratios in self.shapes:
            drawn = self._apply(ratios, epoch=0, index=0)
            with autocast(self.precision, device):
                logits = self._forward(
                    images,
                    variance_block=block,
                    variance_correction=variance_correction(self.config),
                    **drawn,
                ).logits
            logits.float().sum().backward()
            self.state.optimizer.zero_grad(set_to_none=True)

    def steps(self, epoch: int) -> int:
        """Return the steps of ``epoch`` (0-based)."""
        return steps_in_epoch(self.config, len(self.images), epoch)

    def steps_until(self, epoch: int) -> int:
        """Return the steps before ``epoch`` (0-based) starts."""
        return sum(map(self.steps, range(epoch)))

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield this process's part of the batches of ``epoch`` from ``first_step`` on."""
        seed = derive_seed(self.config.seed, "order", epoch)
        return self._batches(seed, self.part, first_step)

    def sample_batch(self) -> Batch:
        """Return a whole batch that looks like those of training."""
        return next(self._batches(derive_seed(self.config.seed, "timing"), slice(None), 0))

    def _batches(self, seed: int, part: slice, first_step: int) -> Iterator[Batch]:
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
        processes = world().size
        state.model.train()
        self._clock.start()
        for index in range(progress.step, end):
            batch = next(batches)
            rate = learning_rate(self.config.training, epoch * steps + index, steps)
            for group in state.optimizer.param_groups:
                group["lr"] = rate
            # Schedules count in epochs: a method that shortens one does not shift what comes later.
            ratios = keep_ratios(self.config, epoch + index / steps)
            drawn = self._apply(ratios, epoch, index)
            self._clock.mark("data")
            result = training_step(
                state.model,
                state.optimizer,
                batch,
                self.config,
                self.precision,
                state.examples,
                forward=self._forward,
                shared=processes > 1,
                average=state.average,
                clock=self._clock,
                **drawn,
            )
            loss = result.loss.double() / processes
            progress.sums += torch.stack([loss, result.correct.double()])
            progress.patch_ratio += ratios.patch
            progress.step = index + 1
            advance()
            self._clock.mark("bookkeeping")
        self._clock.finish()

    def _apply(self, ratios: KeepRatios, epoch: int, index: int) -> dict[str, Any]:
        """Set the ratios of a step; return what is drawn for its forward pass.

        Compiled, the model gets the ratios whose graph they share: the same numbers of tokens.
        """
        ratios = self._shared.get(ratios, ratios)
        model, seed = self.state.model, self.config.seed
        model.set_keep_ratios(token=ratios.token, attention=ratios.attention)
        model.set_patch_sampling(self._patches.sampling(ratios.patch))
        self._patches.start_epoch(derive_seed(seed, "patches", epoch, index))
        self._depth.start_epoch(derive_seed(seed, "depth", epoch, index))
        batch, patches = self.config.training.batch_size, self.config.model.num_patches
        return {
            "patch_scores_BN": self._patches.random_scores(ratios.patch, batch, patches, self.part),
            "depth_draws_RB": self._depth.draws(batch, self.part),
        }


def use_final_ratios(model: SparseTransformer) -> None:
    """Let ``model`` compute what a finished run computes: final keep ratios, all patches."""
    vit = model.config
    model.set_keep_ratios(token=vit.token_keep_ratio, attention=vit.attention_keep_ratio)
    model.set_patch_sampling(PatchSampling())
