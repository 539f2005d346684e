"""The training loop on a device: order of images, learning rate, metrics, checkpoints.

Everything is a function of seed and step number, so a resumed run equals one that was not
interrupted, to the bit and on any backend.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.training import checkpoint
from trivit.host.training.backends import open_training_backend
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.models.data import DataConfig, load_dataset
from trivit.models.data.registry import data_at
from trivit.models.files import atomic_write
from trivit.models.progress import progress_bar
from trivit.tools.errors import ToolsError
from trivit.tools.training.export import write_weights
from trivit.tools.training.metrics import REPORT_EVERY, Metrics

ClipName = Literal["fused", "unfused"]
CHECKPOINT, METRICS, WEIGHTS = "checkpoint.npz", "metrics.jsonl", "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """What a run does; the learning rate rises in ``warmup_steps`` and falls as a cosine to 0.

    A step is an image; ``accumulate`` of them make an update. ``clip``: by the norm of the update
    before (fused), or by its own (unfused).
    """

    steps: int = 1000
    learning_rate: float = 0.005
    warmup_steps: int = 100
    momentum: float = 0.9
    weight_decay: float = 0.0
    beta2: float = 0.999
    epsilon: float = 1e-8
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    clip: ClipName = "fused"
    accumulate: int = 1
    stochastic: bool = True
    seed: int = 0
    largest_loss: float | None = None
    checkpoint_every: int = 1000
    test_images: int = 1000

    def __post_init__(self) -> None:
        """Check the settings that the loop itself reads.

        Raises:
            ToolsError: one is outside its range or lacks another, the last update would lack
                images, or a checkpoint would not stand at the end of a
                line of metrics, which judges the loss.
        """
        if not (math.isfinite(self.learning_rate) and self.learning_rate >= 0):
            raise ToolsError(f"--learning-rate {self.learning_rate:g}: use 0 or more")
        for name in ("clip_norm", "largest_loss"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ToolsError(f"--{name.replace('_', '-')} {value:g}: use more than 0")
        if self.clip == "unfused" and self.clip_norm is None:
            raise ToolsError("--clip unfused has no norm to clip to: give --clip-norm too")
        if self.accumulate > 1 and self.steps % self.accumulate:
            raise ToolsError(
                f"{self.steps} steps end within an update of --accumulate {self.accumulate} "
                f"images: use a multiple, such as --steps "
                f"{-(-self.steps // self.accumulate) * self.accumulate}"
            )
        if self.checkpoint_every % REPORT_EVERY:
            raise ToolsError(
                f"--checkpoint-every {self.checkpoint_every}: use a multiple of {REPORT_EVERY}, "
                "the steps after which the loss is judged"
            )

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        rest = max(self.steps - self.warmup_steps, 1)
        return (
            self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - self.warmup_steps) / rest))
        )

    def identity(self, bundle: TrainingBundle, data: str) -> dict[str, Any]:
        """Return what a resumed run must share with the one before."""
        free = ("checkpoint_every", "test_images", "largest_loss")
        settings = {name: value for name, value in asdict(self).items() if name not in free}
        optimizer = bundle.program.optimizer
        return {"optimizer": optimizer, "bundle": bundle.digest(), "data": data, **settings}


@dataclass(frozen=True)
class LabelledImages:
    """Images as the device gets them, (N, channels, height, width), and labels (N,)."""

    images: Int16
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


class _Order:
    """The number of the image of each step: an epoch is a permutation of its own."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._count, self._epoch = seed, count, -1
        self._places: NDArray[np.int64] = np.empty(0, np.int64)

    def __getitem__(self, step: int) -> int:
        epoch, place = divmod(step, self._count)
        if epoch != self._epoch:
            self._places = np.random.default_rng([self._seed, epoch]).permutation(self._count)
            self._epoch = epoch
        return int(self._places[place])


def train(
    path: Path | str,
    data: str,
    out: Path,
    settings: LoopSettings,
    *,
    backend: str = "emulator",
    resume: bool = False,
) -> dict[str, Any]:
    """Train the bundle at ``path``; write checkpoint, weights and metrics into ``out``.

    Args:
        path: file of `trivit compile --training`.
        data: name of a data set, or a store.
        out: folder of the run.
        settings: of the run.
        backend: who executes the ops.
        resume: go on from the checkpoint in ``out``.

    Returns:
        Losses at the start and at the end, accuracy on the test images, steps per second.

    Raises:
        HostError: no training bundle, labels that are no classes, a setting outside its range.
        ModelsError: a data set that cannot be read.
        ToolsError: nothing to resume, a run in ``out`` that would be lost, a loss that diverges,
            or no gradients; ``out`` keeps the last checkpoint.
        OSError: ``out`` cannot be written.
    """
    bundle = TrainingBundle.load(path)
    dataset = load_dataset(data_at(DataConfig(), data))
    training = _labelled(bundle, dataset.train.in_memory())
    session = TrainingSession(
        bundle.program,
        bundle.masters,
        open_training_backend(backend),
        UpdateSettings(
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            stochastic=settings.stochastic,
            beta2=settings.beta2,
            epsilon=settings.epsilon,
        ),
        seed=settings.seed,
        clip_norm=settings.clip_norm,
        clip_fused=settings.clip == "fused",
        accumulate=settings.accumulate,
    )
    figures = run(session, bundle, training, settings, data, out, resume)
    if settings.test_images:
        test = _labelled(bundle, dataset.test.first(settings.test_images).in_memory())
        figures["test_images"] = len(test)
        figures["test_top1"] = accuracy(session, test)
    return figures


def _labelled(bundle: TrainingBundle, images: Any) -> LabelledImages:
    pixels, labels = images.pixels.numpy(), images.labels.numpy().astype(np.int64)
    return LabelledImages(bundle.images(pixels), labels)


def run(
    session: TrainingSession,
    bundle: TrainingBundle,
    training: LabelledImages,
    settings: LoopSettings,
    data: str,
    out: Path,
    resume: bool = False,
) -> dict[str, Any]:
    """Take the steps that are left; arguments, results and errors as for :func:`train`."""
    classes = len(bundle.class_names)
    identity = settings.identity(bundle, data)
    order = _Order(settings.seed, len(training))
    target = [target_row(label, classes, settings.label_smoothing) for label in range(classes)]
    wrong = training.labels[(training.labels < 0) | (training.labels >= classes)]
    if len(wrong):
        target_row(int(wrong[0]), classes)
    saved = out / CHECKPOINT
    metrics = Metrics(out / METRICS, classes, settings.largest_loss)
    if resume:
        if not saved.is_file():
            raise ToolsError(f"{out} has no {CHECKPOINT} to go on from: leave out --resume")
        checkpoint.restore(saved, session, identity)
        write_weights(out / WEIGHTS, session)
    elif saved.exists():
        raise ToolsError(f"{out} holds a run: go on with --resume, or name another --out")
    else:
        first = order[0]
        session.find_exponents(training.images[first], target[training.labels[first]])
        _save(out, session, identity)
    metrics.keep(session.steps)
    begun, started = session.steps, time.perf_counter()
    with progress_bar("steps", settings.steps - begun) as advance:
        while session.steps < settings.steps:
            number = order[session.steps]
            label = int(training.labels[number])
            result = session.step(
                training.images[number], target[label], settings.rate(session.steps)
            )
            metrics.add(session.steps, result, label)
            if session.steps % settings.checkpoint_every == 0 or session.steps == settings.steps:
                _save(out, session, identity)
            advance(1)
    seconds = time.perf_counter() - started
    return {
        "steps": session.steps,
        **metrics.losses(),
        "steps_per_second": round((session.steps - begun) / max(seconds, 1e-9), 2),
        "weights": str(out / WEIGHTS),
    }


def accuracy(session: TrainingSession, test: LabelledImages) -> float:
    """Return the percentage of images whose largest logit is their label's."""
    right = sum(
        int(session.logits(image).argmax()) == label
        for image, label in zip(test.images, test.labels, strict=True)
    )
    return 100.0 * right / len(test)


def _save(out: Path, session: TrainingSession, identity: dict[str, Any]) -> None:
    with atomic_write(out / CHECKPOINT) as temporary:
        temporary.write_bytes(checkpoint.to_bytes(session, identity))
    write_weights(out / WEIGHTS, session)
