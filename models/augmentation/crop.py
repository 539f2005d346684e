"""Random regions of images: Inception's crop, as torchvision and timm draw it."""

import math
from typing import NamedTuple

import numpy as np

_ATTEMPTS = 10


class Regions(NamedTuple):
    """Whole pixels of a region of each image, int64 (B,) each."""

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray


def draw_regions(
    rng: np.random.Generator,
    count: int,
    size: tuple[int, int],
    scale: tuple[float, ...],
    ratio: tuple[float, ...],
) -> Regions:
    """Draw a region for each of ``count`` images.

    Area and logarithm of width / height are uniform; of ten attempts the first that fits counts.
    When none does, the region is the largest central one with an allowed shape.

    Args:
        rng: source of the draws.
        count: images.
        size: height and width of the images.
        scale: smallest and largest area, as parts of the image.
        ratio: smallest and largest width / height.
    """
    height, width = size
    smallest, largest = scale
    area = height * width * rng.uniform(smallest, largest, (count, _ATTEMPTS))
    shape = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), (count, _ATTEMPTS)))
    widths = np.rint(np.sqrt(area * shape)).astype(np.int64)
    heights = np.rint(np.sqrt(area / shape)).astype(np.int64)
    place = rng.random((2, count))
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.argmax(axis=1)
    each = np.arange(count)
    chosen_height, chosen_width = heights[each, first], widths[each, first]
    top = np.floor(place[0] * (height - chosen_height + 1)).astype(np.int64)
    left = np.floor(place[1] * (width - chosen_width + 1)).astype(np.int64)
    # The largest central region whose shape is allowed.
    whole = width / height
    fallback_width = min(width, round(height * ratio[1])) if whole > ratio[1] else width
    fallback_height = min(height, round(width / ratio[0])) if whole < ratio[0] else height
    found = fits.any(axis=1)
    return Regions(
        np.where(found, top, (height - fallback_height) // 2),
        np.where(found, left, (width - fallback_width) // 2),
        np.where(found, chosen_height, fallback_height),
        np.where(found, chosen_width, fallback_width),
    )
