"""Compressed images to pixels."""

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = (".jpg", ".jpeg", ".png")


class CorruptImageError(Exception):
    """An image that cannot be decoded; the message is the reason."""


def open_image(data: bytes) -> "Image.Image":
    """Return the decoded image, in its own mode; ``.format`` is that of the file.

    Raises:
        CorruptImageError: truncated, damaged or no image.
    """
    # Pillow takes a while to import; a run on another kind of dataset does not need it.
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (
        OSError,
        SyntaxError,  # Pillow's name for a broken PNG
        ValueError,
        EOFError,
        IndexError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        reason = "no image" if "identify" in str(error) else str(error) or type(error).__name__
        raise CorruptImageError(reason) from None
    return image


def as_rgb(image: "Image.Image") -> "Image.Image":
    """Return the image in mode RGB."""
    return image if image.mode == "RGB" else image.convert("RGB")


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels, uint8 (height, width, 3), of a compressed image.

    Raises:
        CorruptImageError: truncated, damaged or no image.
    """
    return np.asarray(as_rgb(open_image(data)))


def central_square(image: "Image.Image", size: int) -> "Image.Image":
    """Return the largest central square, resized (bicubic, antialiased) to ``size`` x ``size``."""
    from PIL import Image

    if image.size == (size, size):
        return image
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)
