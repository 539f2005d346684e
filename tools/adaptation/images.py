"""The images of an adaptation: few to learn from, and two test sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.new_head import classifier, new_head
from trivit.models.data import DataConfig, ImageDataset, load_dataset
from trivit.models.data.registry import data_at
from trivit.tools.adaptation.settings import (
    AdaptationSettings,
    OtherClasses,
    Shift,
    name_of,
)
from trivit.tools.errors import ToolsError

#: Noise of the test images: the same whatever the seed of a training.
_TEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Pixels:
    """uint8 images (N, channels, height, width) and their labels (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What a model is adapted to.

    Attributes:
        name: of the shift.
        bundle: program of all updates, with a classifier of the domain's classes.
        original: the same with the classifier that the model was trained with.
        test: images of the shifted domain.
        original_test: images of the domain that the model was trained on.
    """

    name: str
    shift: Shift
    bundle: TrainingBundle
    original: TrainingBundle
    dataset: ImageDataset
    test: Pixels
    original_test: Pixels
    settings: AdaptationSettings

    @property
    def own_head(self) -> tuple[str, ...]:
        """Tensors of the original classifier, which a session of other classes does not have."""
        if self.bundle.class_names == self.original.class_names:
            return ()
        program = self.original.program
        head = classifier(program).operands
        return tuple(head[name].tensor for name in ("dst", "b", "bias") if name in head)

    def start(self, seed: int) -> TrainingBundle:
        """Return where a training with this seed starts: a new classifier is drawn from it."""
        if isinstance(self.shift, OtherClasses):
            return new_head(self.original, self.bundle.class_names, seed)
        return self.bundle

    def training(self, seed: int) -> Pixels:
        """Return the labelled images of a training with this seed."""
        count = len(self.dataset.train)
        order = np.random.default_rng([seed, 0xADA]).permutation(count)
        images = read(self.dataset.train, order[: self.settings.images])
        return shifted(images, self.shift, seed)


def open_domain(
    shift: Shift, bundle: TrainingBundle, dataset: ImageDataset, settings: AdaptationSettings
) -> Domain:
    """Return the domain of a shift of ``dataset``, the images that the model was trained on.

    Raises:
        ModelsError: other classes that cannot be read.
        HostError: images of another shape, or fewer than two classes.
        ToolsError: fewer training images than are asked for.
    """
    original_test = read(dataset.test, spread(len(dataset.test), settings.test_images))
    if isinstance(shift, OtherClasses):
        other = load_dataset(data_at(DataConfig(), shift.data))
        test = read(other.test, spread(len(other.test), settings.test_images))
        adapted = new_head(bundle, other.info.class_names)
    else:
        other, adapted = dataset, bundle
        test = shifted(original_test, shift, _TEST_SEED)
    name = name_of(shift)
    available = len(other.train)
    if settings.images > available:
        raise ToolsError(f"--images {settings.images}: {other.info.name} has {available} to train")
    for images in (test, original_test):
        adapted.images(images.pixels[:1])
    return Domain(
        name=name,
        shift=shift,
        bundle=adapted,
        original=bundle,
        dataset=other,
        test=test,
        original_test=original_test,
        settings=settings,
    )


def shifted(images: Pixels, shift: Shift, seed: int) -> Pixels:
    """Return images of the shifted domain."""
    if isinstance(shift, OtherClasses):
        return images
    return Pixels(shift.apply(images.pixels, seed), images.labels)


def read(source: Any, numbers: NDArray[np.int64]) -> Pixels:
    """Return the images of these numbers, of a set in memory or of a store."""
    index = torch.from_numpy(np.ascontiguousarray(numbers))
    pixels = torch.cat([batch.cpu() for batch in source.stream(index.split(256))])
    labels = source.labels.cpu().index_select(0, index)
    return Pixels(pixels.numpy(), labels.numpy().astype(np.int64))


def spread(available: int, wanted: int) -> NDArray[np.int64]:
    """Return the numbers of at most ``wanted`` images, evenly spread: a store may be sorted."""
    return np.linspace(0, available - 1, min(wanted, available)).round().astype(np.int64)
