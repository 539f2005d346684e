"""Cutting an image into patches (docs/numerics.md; Dosovitskiy et al. 2020)."""

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.tiles import ceil_div


def patchify(image: Int16, patch: int) -> Int16:
    """Return (1 + patches, padded channels·patch²) rows: row 0 zero, then the patches.

    ``image`` is (channels, height, width); patches come in raster order; columns are in
    (channel, y, x) order, padded with zeros to a multiple of 8.
    """
    channels, height, width = image.shape
    grid = image.reshape(channels, height // patch, patch, width // patch, patch)
    patches = grid.transpose(1, 3, 0, 2, 4).reshape(-1, channels * patch * patch)
    rows = np.zeros((1 + len(patches), ceil_div(patches.shape[1], 8) * 8), dtype=np.int16)
    rows[1:, : patches.shape[1]] = patches
    return rows
