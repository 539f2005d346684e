"""The view of a stored image that evaluation takes.

Shape suffixes: B images, C channels, H height, W width, S the model's image size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.resample import resample, resize_weights
from trivit.models.data.dataset import ImageDataset, Images, ImageSource

CROP_SHARE = 0.875
"""The model's image size as a share of the resized shorter side, as DeiT evaluates: 224 of 256."""

_READ_AT_ONCE = 500


def evaluation_view(pixels_BCHW: Tensor, image_size: int) -> Tensor:
    """Return uint8 images (B, C, S, S): the shorter side resized to S / 0.875, the centre cut out.

    Images that already have the model's size are returned as they are; those whose shorter side
    already is S / 0.875 are only cut. Resizing is bicubic with antialiasing.

    Args:
        pixels_BCHW: uint8 images.
        image_size: the model's image size S.
    """
    height, width = pixels_BCHW.shape[-2:]
    if (height, width) == (image_size, image_size):
        return pixels_BCHW
    shorter = round(image_size / CROP_SHARE)
    factor = shorter / min(height, width)
    tops = _central(round(height * factor), image_size)
    lefts = _central(round(width * factor), image_size)
    if factor == 1:
        return pixels_BCHW[:, :, tops, lefts]
    rows, columns = (
        resize_weights(
            np.zeros(1),
            np.full(1, side),
            side,
            round(side * factor),
            "bicubic",
            pixels_BCHW.device,
            part=part,
        )
        for side, part in ((height, tops), (width, lefts))
    )
    return resample(pixels_BCHW, rows, columns)


def _central(length: int, size: int) -> slice:
    first = round((length - size) / 2)
    return slice(first, first + size)


@dataclass(frozen=True)
class EvaluatedImages:
    """An `ImageSource` whose images are the evaluation view of another one's."""

    source: ImageSource
    image_size: int

    @property
    def labels(self) -> Tensor:
        """Labels of the source."""
        return self.source.labels

    def __len__(self) -> int:
        return len(self.source)

    def first(self, count: int | None) -> "EvaluatedImages":
        """Return the view of the first ``count`` images; of all when ``count`` is ``None``."""
        return EvaluatedImages(self.source.first(count), self.image_size)

    def to(self, device: torch.device) -> "EvaluatedImages":
        """Return the view of the same images on ``device``."""
        return EvaluatedImages(self.source.to(device), self.image_size)

    def in_memory(self) -> Images:
        """Return the view of all images, on the device; stored images are read in batches."""
        batches = torch.arange(len(self)).split(_READ_AT_ONCE)
        return Images(torch.cat(list(self.stream(batches))), self.labels)

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the view of each batch, as `ImageSource.stream`."""
        for pixels in self.source.stream(batches):
            yield evaluation_view(pixels, self.image_size)


def evaluated(dataset: ImageDataset, image_size: int) -> ImageDataset:
    """Return the dataset as a model with ``image_size`` sees it in evaluation, described so.

    A dataset whose images have that size already is returned as it is.
    """
    info = dataset.info
    if (info.height, info.width) == (image_size, image_size):
        return dataset
    return ImageDataset(
        replace(info, height=image_size, width=image_size),
        EvaluatedImages(dataset.train, image_size),
        EvaluatedImages(dataset.test, image_size),
    )
