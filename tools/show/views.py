"""Images of a run's data set as its model sees them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trivit.models.augmentation.evaluation import evaluation_view
from trivit.models.data import ImageSource, load_dataset
from trivit.models.runs.images import check_unchanged, fingerprint
from trivit.models.training import LoadedRun
from trivit.models.training.device import choose_device
from trivit.tools.errors import ToolsError


class View(NamedTuple):
    """Some images.

    Attributes:
        pixels: uint8 (B, C, side, side), of the model's side.
        images: the same, normalised, float32.
        labels: int64 (B,).
    """

    pixels: Tensor
    images: Tensor
    labels: Tensor


def to_device(run: LoadedRun) -> LoadedRun:
    """Return the run with its model where it was trained.

    Raises:
        ModelsError: the run's device is not there.
    """
    run.model.to(choose_device(run.config.training.device))
    return run


def test_views(run: LoadedRun, count: int | None, batch_size: int = 250) -> Iterator[View]:
    """Yield the first ``count`` test images (``None``: all), in batches on the model's device.

    Raises:
        ModelsError: the data set is missing or damaged.
        ToolsError: it has fewer images.
    """
    test = load_dataset(run.config.data).test
    if count is not None and count > len(test):
        raise ToolsError(f"--images {count}: the test set has {len(test)} of them")
    yield from _views(run, test, torch.arange(count or len(test)).split(batch_size))


def train_view(run: LoadedRun, indices: Tensor, trained_on: dict[str, Any]) -> View:
    """Return the training images ``indices``, int64 on the CPU, without augmentation.

    Args:
        run: the run.
        indices: places in its training set.
        trained_on: fingerprint of its images: in others, the places hold other images.

    Raises:
        ModelsError: the data set is missing, damaged, or not the one of the training.
    """
    dataset = load_dataset(run.config.data)
    check_unchanged(trained_on, fingerprint(dataset))
    return next(iter(_views(run, dataset.train, (indices,))))


def _views(run: LoadedRun, source: ImageSource, batches: tuple[Tensor, ...]) -> Iterator[View]:
    source = source.to(next(run.model.parameters()).device)
    labels = source.labels.cpu()
    for indices, stored in zip(batches, source.stream(batches), strict=True):
        pixels = evaluation_view(stored, run.config.model.image_size)
        yield View(pixels, run.info.normalise(pixels), labels[indices])
