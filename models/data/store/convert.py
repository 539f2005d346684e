"""One image of a source to the bytes that a store keeps."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trivit.models.data.sources import RawImage, SourcePart
from trivit.models.data.store.check import raw_digest
from trivit.models.decoding.decode import CorruptImageError, as_rgb, central_square, open_image
from trivit.models.errors import ModelsError

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = 3

DECODING = 2
"""Version of the rules by which a file becomes pixels: 2 turns photos upright, lays transparent
ones over white and reads 16 bits."""


class DifferentSizeError(ModelsError):
    """Images differ in size and none was chosen: the preparation cannot be continued."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """How images are kept.

    Attributes:
        image_format: ``uint8`` or ``jpeg``.
        height: in pixels.
        width: in pixels.
        resize: bring images of another size to this one; otherwise they are refused.
        quality: of JPEG files that have to be written anew.
    """

    image_format: str
    height: int
    width: int
    resize: bool
    quality: int


@dataclass(frozen=True)
class Converted:
    """An image as it is stored.

    Attributes:
        data: pixels (C, H, W) or a JPEG file; empty for a corrupt image.
        counts: how often each value occurs in each channel, int64 (3, 256).
        source_digest: SHA-256 of the image in its source.
        problem: why it is corrupt.
    """

    data: bytes
    counts: NDArray[np.int64] | None
    source_digest: bytes
    problem: str | None = None


def as_image(raw: RawImage) -> "Image":
    """Return the image that a source gave as bytes or as pixels.

    Raises:
        CorruptImageError: it cannot be decoded.
    """
    from PIL import Image

    return open_image(raw) if isinstance(raw, bytes) else Image.fromarray(raw)


def convert(source: SourcePart, index: int, target: Target) -> Converted:
    """Return image ``index`` as a store with ``target`` keeps it.

    A JPEG file that is in colour and has the size already is kept as it is.

    Raises:
        DifferentSizeError: it has another size, and resizing was not asked for.
    """
    digest = raw_digest(b"")
    try:
        raw = source.read(index)
        digest = raw_digest(raw)
        image = as_image(raw)
        rgb = as_rgb(image)
    except (OSError, CorruptImageError) as error:
        return Converted(b"", None, digest, " ".join(str(error).split()) or "unreadable")
    fits = image.size == (target.width, target.height)
    if not fits and not target.resize:
        raise DifferentSizeError(
            f"{source.where}: {source.names[index]} is {image.size[0]} x {image.size[1]} pixels "
            f"and the first image {target.width} x {target.height}: bring all to one with --size"
        )
    keep = fits and (image.format, image.mode) == ("JPEG", "RGB")
    if not fits:
        rgb = central_square(rgb, target.width)
    if target.image_format == "uint8":
        data = np.asarray(rgb).transpose(2, 0, 1).tobytes()
    elif keep and isinstance(raw, bytes):
        data = raw
    else:
        buffer = io.BytesIO()
        rgb.save(buffer, "JPEG", quality=target.quality)
        data = buffer.getvalue()
        rgb = open_image(data)
    counts = np.array(rgb.histogram(), dtype=np.int64).reshape(CHANNELS, 256)
    return Converted(data, counts, digest)
