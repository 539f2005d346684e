"""Random erasing: rectangles of some images become normal noise, pixel by pixel.

Shape suffixes: E erased images, C channels, H height, W width.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.upload import upload

_ATTEMPTS = 10
_LOWEST_RATIO = 0.3


class Rectangles(NamedTuple):
    """What is erased in a batch.

    Attributes:
        which: positions of the images in the batch, int64 (E,), rising.
        corners: first row, first column, end row, end column, int64 (E, 4).
    """

    which: np.ndarray
    corners: np.ndarray


def draw_rectangles(
    rng: np.random.Generator,
    count: int,
    size: tuple[int, int],
    probability: float,
    area: tuple[float, ...],
) -> Rectangles:
    """Draw which of ``count`` images of ``size`` (height, width) lose which rectangle.

    The area is uniform, height / width uniform in its logarithm from 0.3 to 1 / 0.3; of ten
    attempts the first that fits counts, else the image stays whole.
    """
    height, width = size
    smallest, largest = area
    chosen = rng.random(count) < probability
    pixels = height * width * rng.uniform(smallest, largest, (count, _ATTEMPTS))
    bound = -math.log(_LOWEST_RATIO)
    shape = np.exp(rng.uniform(-bound, bound, (count, _ATTEMPTS)))
    heights = np.rint(np.sqrt(pixels * shape)).astype(np.int64)
    widths = np.rint(np.sqrt(pixels / shape)).astype(np.int64)
    place = rng.random((2, count))
    fits = (heights < height) & (widths < width)
    first = fits.argmax(axis=1)
    each = np.arange(count)
    high, wide = heights[each, first], widths[each, first]
    top = np.floor(place[0] * (height - high + 1)).astype(np.int64)
    left = np.floor(place[1] * (width - wide + 1)).astype(np.int64)
    which = np.flatnonzero(chosen & fits.any(axis=1))
    return Rectangles(which, np.stack([top, left, top + high, left + wide], axis=1)[which])


def erase(
    images_BCHW: Tensor, rectangles: Rectangles, generator: torch.Generator, part: slice
) -> Tensor:
    """Return the normalised images with rectangles of noise; overwrites ``images_BCHW``.

    Args:
        images_BCHW: the images ``part`` of the batch that the rectangles were drawn for.
        rectangles: what to erase in the whole batch.
        generator: of the noise, on the images' device; drawn for all erased images of the batch.
        part: which images of the batch these are.
    """
    height, width = images_BCHW.shape[-2:]
    device = images_BCHW.device
    noise_ECHW = torch.randn(
        (len(rectangles.which), *images_BCHW.shape[1:]), device=device, generator=generator
    )
    low = part.start or 0
    first, end = np.searchsorted(rectangles.which, [low, low + len(images_BCHW)])
    if first == end:
        return images_BCHW
    which_E = upload(rectangles.which[first:end] - low, device)
    top, left, bottom, right = (
        upload(rectangles.corners[first:end].T, device).view(4, -1, 1, 1, 1).unbind(0)
    )
    row_H1 = torch.arange(height, device=device).view(-1, 1)
    column_W = torch.arange(width, device=device)
    inside = (row_H1 >= top) & (row_H1 < bottom) & (column_W >= left) & (column_W < right)
    images_BCHW[which_E] = torch.where(inside, noise_ECHW[first:end], images_BCHW[which_E])
    return images_BCHW
