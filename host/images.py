"""Turn uint8 images into the kernel's input region and its output region into tensors."""

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle, OutputInfo
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH


def preprocess(bundle: Bundle, images: NDArray[np.uint8]) -> Int16:
    """Return (B, input_words·8) int16 from uint8 images (B, channels, height, width).

    Raises:
        HostError: images of another shape or type.
    """
    p = bundle.preprocessing
    expected = (p.channels, p.height, p.width)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        kind = getattr(images, "dtype", type(images).__name__)
        raise HostError(
            f"images are {kind}: give uint8 of shape (batch, {', '.join(map(str, expected))})"
        )
    if images.ndim != 4 or images.shape[1:] != expected:
        raise HostError(
            f"images have shape {images.shape}: the program takes (batch, "
            f"{', '.join(map(str, expected))})"
        )
    pixels = p.lut[np.arange(p.channels)[None, :, None, None], images]
    regions = np.zeros((len(images), bundle.input_words * TILE_DEPTH), dtype=np.int16)
    regions[:, : pixels[0].size if len(images) else 0] = pixels.reshape(len(images), -1)
    return regions


def extract(output: OutputInfo, regions: Int16) -> Int16:
    """Return (B, rows, columns) of one output from (B, output_words·8) output regions."""
    start = output.offset * TILE_DEPTH
    size = output.rows * output.words * TILE_DEPTH
    block = regions[:, start : start + size].reshape(len(regions), output.rows, -1)
    return block[:, :, : output.columns]
