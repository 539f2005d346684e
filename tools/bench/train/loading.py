"""How fast an experiment's images arrive, beside how fast the steps take them."""

import itertools
from pathlib import Path
from typing import Any

import torch

from trivit.models.augmentation.batches import epoch_batches
from trivit.models.clock import Stopwatch
from trivit.models.data import load_dataset
from trivit.models.data.throughput import loading_throughput
from trivit.models.experiment.config_files import load_config
from trivit.models.training.device import choose_device
from trivit.tools.errors import ToolsError

_SEED = 0
_WARMUP = 3


def measure_loading(
    experiment: Path, device_name: str, batch_size: int, batches: int = 40
) -> dict[str, Any]:
    """Return images/s of reading alone, and of whole batches as a training takes them.

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
    )
    for _ in range(_WARMUP):
        next(stream)
    with Stopwatch(device) as watch:
        for _ in itertools.islice(stream, timed):
            pass
    return {
        "experiment": str(experiment),
        "dataset": dataset.info.name,
        "batches": timed,
        "reading_images_per_second": reading.images_per_second,
        "batches_images_per_second": timed * batch_size / watch.seconds,
    }
