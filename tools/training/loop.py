"""The training loop on a device: order of images, schedules, metrics, checkpoints.

Everything is a function of seed, step number and what the device returned, so a resumed run equals
one that was not interrupted, to the bit. Backends of the same limits of shifts take the same steps.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.models.data import DataConfig, Images, load_dataset
from trivit.models.data.registry import data_at
from trivit.models.file_lock import run_lock
from trivit.models.files import atomic_write
from trivit.models.progress import progress_bar
from trivit.tools.errors import ToolsError
from trivit.tools.training.devices import figures, open_backend
from trivit.tools.training.evaluation import Evaluations, LabelledImages, accuracy
from trivit.tools.training.export import write_weights
from trivit.tools.training.keep_schedule import KeepSchedule
from trivit.tools.training.learner import Learner
from trivit.tools.training.metrics import Metrics
from trivit.tools.training.presentations import Presentations
from trivit.tools.training.records import Records
from trivit.tools.training.settings import LoopSettings

CHECKPOINT, METRICS, WEIGHTS = "checkpoint.npz", "metrics.jsonl", "weights.safetensors"
EVALUATIONS, BEST, EXAMPLES = "evaluations.jsonl", "best.safetensors", "examples.jsonl"

__all__ = [
    "LabelledImages",
    "LoopSettings",
    "accuracy",
    "open_session",
    "run",
    "train",
    "train_with",
]


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
        HostError: no training bundle, labels that are no classes, a setting outside its range, no
            program of the keep ratio.
        ModelsError: a data set that cannot be read, or another process in ``out``.
        ToolsError: nothing to resume, a run in ``out`` that would be lost, a loss that diverges,
            or no gradients; ``out`` keeps the last checkpoint.
        OSError: ``out`` cannot be written.
    """
    bundle = TrainingBundle.load(path)
    KeepSchedule(bundle, settings)
    session = open_session(bundle, settings, backend)
    summary = train_with(session, bundle, data, out, settings, resume=resume)
    return {**summary, **figures(session.backend)}


def train_with(
    session: Learner,
    bundle: TrainingBundle,
    data: str,
    out: Path,
    settings: LoopSettings,
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """Train who starts where ``bundle`` does; otherwise as :func:`train`."""
    final = KeepSchedule(bundle, settings).final
    dataset = load_dataset(data_at(DataConfig(), data))
    training = _labelled(bundle, dataset.train.first(settings.train_images).in_memory())
    test = None
    if settings.test_images:
        test = _labelled(bundle, dataset.test.first(settings.test_images).in_memory())
    figures = run(session, bundle, training, settings, data, out, resume, test)
    if test is not None and "test_top1" not in figures:
        figures["test_images"] = len(test)
        figures["test_top1"] = accuracy(session, test, final.name)
    return figures


def open_session(
    bundle: TrainingBundle, settings: LoopSettings, backend: str = "emulator"
) -> TrainingSession:
    """Return a session at the start of a run with all programs of a bundle.

    Raises:
        HostError: a setting outside its range, or a backend that cannot start.
        ToolsError: what the accelerator cannot train.
    """
    return TrainingSession(
        bundle.program,
        bundle.masters,
        open_backend(backend, bundle),
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
        fixed_exponents=settings.fixed_exponents,
        others=bundle.programs[1:],
    )


def _labelled(bundle: TrainingBundle, images: Images) -> LabelledImages:
    pixels, labels = images.pixels.numpy(), images.labels.numpy().astype(np.int64)
    return LabelledImages(bundle.images(pixels), labels)


def run(
    session: Learner,
    bundle: TrainingBundle,
    training: LabelledImages,
    settings: LoopSettings,
    data: str,
    out: Path,
    resume: bool = False,
    test: LabelledImages | None = None,
) -> dict[str, Any]:
    """Take the steps that are left; arguments, results and errors as for :func:`train`.

    ``test``: images to evaluate on within the run, where the settings ask for this.
    """
    for images in (training, test):
        _check_labels(images, len(bundle.class_names))
    settings = settings.over(len(training))
    if resume and not (out / CHECKPOINT).is_file():
        raise ToolsError(f"{out} has no {CHECKPOINT} to go on from: leave out --resume")
    if not resume and (out / CHECKPOINT).exists():
        raise ToolsError(f"{out} holds a run: go on with --resume, or name another --out")
    with run_lock(out):
        return _Run(session, bundle, training, settings, data, out, test).take(resume)


def _check_labels(images: LabelledImages | None, classes: int) -> None:
    labels = np.empty(0, np.int64) if images is None else images.labels
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        target_row(int(wrong[0]), classes)


class _Run:
    """The parts of a run and the files that it writes."""

    def __init__(
        self,
        session: Learner,
        bundle: TrainingBundle,
        training: LabelledImages,
        settings: LoopSettings,
        data: str,
        out: Path,
        test: LabelledImages | None,
    ) -> None:
        self.session, self.training, self.settings, self.out = session, training, settings, out
        classes = len(bundle.class_names)
        self.identity = settings.identity(bundle, data)
        self.keep = KeepSchedule(bundle, settings)
        self.metrics = Metrics(out / METRICS, classes, settings.largest_loss)
        self.updates = Records(out / EXAMPLES)
        self.order = Presentations(
            settings.seed,
            training.labels,
            settings.examples,
            settings.compat,
            session.returns_class_attention,
            self.updates,
        )
        self.target = [
            target_row(label, classes, settings.label_smoothing) for label in range(classes)
        ]
        self.evaluations: Evaluations | None = None
        self.records = [self.metrics.records, self.updates]
        if test is not None and settings.evaluates:
            lines = Records(out / EVALUATIONS)
            self.evaluations = Evaluations(lines, out / BEST, test, self.keep.final.name)
            self.records.append(lines)

    def take(self, resume: bool) -> dict[str, Any]:
        """Take the steps that are left."""
        session, settings = self.session, self.settings
        if resume:
            more = session.restore(self.out / CHECKPOINT, self.identity)
            self.order.restore(more)
        self._tidy()
        for records in self.records:
            records.keep(session.steps)
        if resume:
            write_weights(self.out / WEIGHTS, session)
        else:
            session.use(self.keep.program(0.0).name)
            first = self.order[0]
            label = int(self.training.labels[first])
            session.find_exponents(self.training.images[first], self.target[label])
            self._save()
        begun, started = session.steps, time.perf_counter()
        with progress_bar("steps", settings.steps - begun) as advance:
            while session.steps < settings.steps:
                self._step()
                advance(1)
        seconds = time.perf_counter() - started
        return {
            "steps": session.steps,
            "epochs": round(self._epoch(session.steps), 3),
            "keep": f"{session.program.token_keep_ratio:g}",
            **self.metrics.losses(),
            **({} if self.evaluations is None else self.evaluations.figures()),
            "steps_per_second": round((session.steps - begun) / max(seconds, 1e-9), 2),
            "weights": str(self.out / WEIGHTS),
        }

    def _step(self) -> None:
        session, settings, step = self.session, self.settings, self.session.steps
        number = self.order[step]
        label = int(self.training.labels[number])
        epoch = self._epoch(step)
        session.use(self.keep.program(epoch).name)
        rate = settings.rate(step)
        result = session.step(self.training.images[number], self.target[label], rate)
        self.order.record(number, label, result)
        self.metrics.add(
            session.steps,
            result,
            label,
            {
                "epoch": int(epoch),
                "rate": rate,
                "keep": session.program.token_keep_ratio,
                "examples": self.order.in_play,
            },
        )
        last = session.steps == settings.steps
        if self.evaluations is not None and (last or self._evaluation_is_due()):
            self.evaluations.evaluate(session, self._epoch(session.steps))
        if session.steps % settings.checkpoint_every == 0 or last:
            self._save()

    def _epoch(self, step: int) -> float:
        epoch, place = self.order.epochs.place(step)
        return epoch + place / self.order.epochs.length(epoch)

    def _evaluation_is_due(self) -> bool:
        steps, every = self.session.steps, self.settings.evaluate_every
        if every is not None:
            return steps % every == 0
        epoch, place = self.order.epochs.place(steps)
        every = self.settings.evaluate_every_epochs
        return every is not None and place == 0 and epoch % every == 0

    def _save(self) -> None:
        for records in self.records:
            records.flush()
        with atomic_write(self.out / CHECKPOINT) as temporary:
            data = self.session.to_bytes(self.identity, self.order.state())
            temporary.write_bytes(data)
        write_weights(self.out / WEIGHTS, self.session)

    def _tidy(self) -> None:
        """Remove what a killed run left half-written."""
        for name in (CHECKPOINT, METRICS, WEIGHTS, EVALUATIONS, BEST, EXAMPLES):
            for left in self.out.glob(f".{name}.*"):
                left.unlink(missing_ok=True)
