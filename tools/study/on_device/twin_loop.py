"""The loop of `trivit train-on-device` around a float32 twin: same images, targets and rates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import target_row
from trivit.models.data import DataConfig, data_at, load_dataset
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.files import atomic_write
from trivit.models.progress import progress_bar
from trivit.tools.errors import ToolsError
from trivit.tools.study.on_device.twin import FloatTwin
from trivit.tools.training.export import master_weights
from trivit.tools.training.loop import (
    CHECKPOINT,
    METRICS,
    LabelledImages,
    LoopSettings,
    Order,
    labelled_images,
)
from trivit.tools.training.metrics import Metrics


def train_twin(
    path: Path,
    config: ViTConfig,
    data: str,
    out: Path,
    settings: LoopSettings,
    token_keep_ratio: float,
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """Train the float32 twin of the training bundle at ``path`` into the folder ``out``.

    Arguments, results and errors as for :func:`~trivit.tools.training.loop.train`; beside them

    Args:
        config: sizes of the bundle's model.
        token_keep_ratio: of the bundle's program.

    Raises:
        ToolsError: clipping, which the twin does not have.
    """
    if settings.clip_norm is not None:
        raise ToolsError("the float32 twin does not clip: leave out clip_norm")
    bundle = TrainingBundle.load(path)
    twin = FloatTwin(
        config,
        master_weights(bundle),
        bundle.program.by_name["image"].frac,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        token_keep_ratio=token_keep_ratio,
    )
    dataset = load_dataset(data_at(DataConfig(), data))
    training = labelled_images(bundle, dataset.train.in_memory())
    figures = run_twin(twin, bundle, training, settings, data, out, resume)
    if settings.test_images:
        test = labelled_images(bundle, dataset.test.first(settings.test_images).in_memory())
        figures["test_images"] = len(test)
        figures["test_top1"] = twin_accuracy(twin, test)
    return figures


def run_twin(
    twin: FloatTwin,
    bundle: TrainingBundle,
    training: LabelledImages,
    settings: LoopSettings,
    data: str,
    out: Path,
    resume: bool = False,
) -> dict[str, Any]:
    """Take the steps that are left; as :func:`~trivit.tools.training.loop.run`."""
    classes = len(bundle.class_names)
    identity = {**settings.identity(bundle, data), "number": "float32"}
    order = Order(settings.seed, len(training))
    target = [target_row(label, classes, settings.label_smoothing) for label in range(classes)]
    metrics = Metrics(out / METRICS, classes, settings.largest_loss)
    if resume:
        twin.restore(out / CHECKPOINT, identity)
    metrics.keep(twin.steps)
    begun, started = twin.steps, time.perf_counter()
    with progress_bar("steps", settings.steps - begun) as advance:
        while twin.steps < settings.steps:
            number = order[twin.steps]
            label = int(training.labels[number])
            rate = settings.rate(twin.steps)
            result = twin.step(training.images[number], target[label], rate)
            metrics.add(twin.steps, result, label)
            if twin.steps % settings.checkpoint_every == 0 or twin.steps == settings.steps:
                with atomic_write(out / CHECKPOINT) as temporary:
                    temporary.write_bytes(twin.to_bytes(identity))
            advance(1)
    seconds = time.perf_counter() - started
    return {
        "steps": twin.steps,
        **metrics.losses(),
        "steps_per_second": round((twin.steps - begun) / max(seconds, 1e-9), 2),
    }


def twin_accuracy(twin: FloatTwin, test: LabelledImages) -> float:
    """Return the percentage of images whose largest logit is their label's."""
    return 100.0 * float((twin.predictions(test.images) == test.labels).mean())
