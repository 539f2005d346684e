"""The view of a stored image that evaluation takes.

Shape suffixes: B images, C channels, H height, W width, S the model's image size.
"""

import numpy as np
from torch import Tensor

from trivit.models.augmentation.resample import resample, resize_weights

CROP_SHARE = 0.875
"""The model's image size as a share of the resized shorter side, as DeiT evaluates: 224 of 256."""


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
            np.zeros(1), np.full(1, side), side, round(side * factor), "bicubic", pixels_BCHW.device
        )[:, part]
        for side, part in ((height, tops), (width, lefts))
    )
    return resample(pixels_BCHW, rows, columns)


def _central(length: int, size: int) -> slice:
    first = round((length - size) / 2)
    return slice(first, first + size)
