"""How fast an experiment's images arrive, beside how fast the steps take them."""

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trivit.models.augmentation import Augmenter
from trivit.models.augmentation.batches import epoch_batches
from trivit.models.clock import Stopwatch
from trivit.models.data import load_dataset
from trivit.models.data.store import StoredImages
from trivit.models.data.store.images import default_workers
from trivit.models.data.throughput import loading_throughput
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config
from trivit.models.training.device import choose_device, chosen_precision
from trivit.tools.errors import ToolsError

_SEED = 0
_WARMUP = 3
_FEWEST = 4
_EACH = 256  # images that one thread reads and decodes


def measure_loading(
    experiment: Path, device_name: str, batch_size: int, batches: int = 40
) -> dict[str, Any]:
    """Return images/s of reading alone, of augmentation alone, and of both as a training has them.

    Of a store also by number of processes, and the processor time that an image takes.

    Args:
        experiment: YAML file; its data, augmentation and image size are used.
        device_name: where the images go, as ``training.device``.
        batch_size: images per batch.
        batches: how many are timed; fewer if an epoch has fewer.

    Raises:
        ModelsError: the experiment is refused, or its data set cannot be read.
        ToolsError: an epoch is too short to time.
    """
    config = load_config(experiment)
    device = choose_device(device_name)
    dataset = load_dataset(config.data)
    train = dataset.train.to(device)
    timed = min(batches, len(train) // batch_size - _WARMUP)
    if timed < 1:
        raise ToolsError(
            f"{experiment} has {len(train)} training images: a batch of {batch_size} and its "
            f"warm-up need {(_WARMUP + 1) * batch_size}"
        )
    reading = loading_throughput(train, batch_size, timed, warmup=_WARMUP, seed=_SEED)
    half = chosen_precision(config.training, device) == "bfloat16"
    dtype = torch.bfloat16 if half else torch.float32
    stream = epoch_batches(
        train,
        dataset.info,
        config.data,
        torch.arange(len(train)),
        batch_size,
        _SEED,
        augmentation=config.augmentation,
        image_size=config.model.image_size,
        num_classes=config.model.num_classes,
        dtype=dtype,
    )
    for _ in range(_WARMUP):
        next(stream)
    with Stopwatch(device) as watch:
        for _ in itertools.islice(stream, timed):
            pass
    pixels = next(train.stream([torch.arange(batch_size)]))
    augmenter = Augmenter(
        config.augmentation, dataset.info, config.model.image_size, config.model.num_classes, dtype
    )
    labels = train.labels[:batch_size]
    augmenter(pixels, labels, _SEED)
    with Stopwatch(device) as augmenting:
        for step in range(min(timed, 8)):
            augmenter(pixels, labels, step)
    return {
        "experiment": str(experiment),
        "dataset": dataset.info.name,
        "batches": timed,
        "reading_images_per_second": reading.images_per_second,
        "augmentation_images_per_second": min(timed, 8) * batch_size / augmenting.seconds,
        "batches_images_per_second": timed * batch_size / watch.seconds,
        "store": _measure_store(config, train, batch_size, timed),
    }


def _measure_store(
    config: ExperimentConfig, train: object, batch_size: int, timed: int
) -> dict[str, Any] | None:
    """Return what reading from a store costs; ``None`` of images in memory."""
    if not isinstance(train, StoredImages):
        return None
    cores = default_workers()
    sweep = []
    for count in (0, *(n for n in (1, 2, 4, 8, 16) if n <= cores)):
        images = load_dataset(replace(config.data, processes=count)).train.to(train.device)
        some = min(timed, max(_FEWEST, 4 * (count or cores)))
        found = loading_throughput(images, batch_size, some, warmup=_WARMUP, seed=_SEED)
        sweep.append({"processes": count, "images_per_second": found.images_per_second})
    return {
        "format": train.index.image_format,
        "threads": train.workers,
        "processes": train.processes.count,
        "cores": cores,
        "by_processes": sweep,
        **_cost_of_an_image(train),
    }


def _cost_of_an_image(train: StoredImages) -> dict[str, float]:
    """Return the microseconds of one thread's processor time that reading and decoding take."""
    rows = train.rows[:_EACH]
    pixels = train.pixels
    out = np.empty((len(rows), *pixels.shape), dtype=np.uint8)
    pixels.read(rows, out)  # into the page cache
    started = time.thread_time()
    for row in rows:
        pixels.stored(row)
    read = time.thread_time()
    pixels.read(rows, out)
    both = time.thread_time() - read
    reading = read - started
    decoding = max(0.0, both - reading) if pixels.jpeg else 0.0
    return {"reading_us": 1e6 * reading / len(rows), "decoding_us": 1e6 * decoding / len(rows)}
