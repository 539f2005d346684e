"""Compressed images to pixels.

Whatever a file holds becomes 8-bit RGB as people see it: turned as its EXIF orientation says, and
transparent pixels over white.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif"),
    *(".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
"""What the names of images end in, in lower case."""

_WHITE = (255, 255, 255)
_HAS_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_GREY_16_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_CONVERTED = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "RGBX", *_HAS_ALPHA)


class CorruptImageError(Exception):
    """An image that cannot be decoded; the message is the reason."""


def is_image_name(name: str) -> bool:
    """Whether a file is an image by its name."""
    return name.lower().endswith(EXTENSIONS)


def load_image(data: bytes) -> "Image.Image":
    """Return the image as the file has it: neither turned nor converted.

    Raises:
        CorruptImageError: truncated, damaged, no image, or several in one file.
    """
    # Pillow takes a while to import; a run on another kind of dataset does not need it.
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise nearly anything
        reason = "no image" if "identify" in str(error) else str(error) or type(error).__name__
        raise CorruptImageError(reason) from None
    # Cameras put previews behind the photo (MPO); elsewhere none of the frames is the image.
    if frames > 1 and image.format != "MPO":
        raise CorruptImageError(f"{frames} frames in one file: save each as a file of its own")
    return image


def open_image(data: bytes) -> "Image.Image":
    """Return the image upright, in its own mode; ``.format`` is that of a file that was upright.

    Raises:
        CorruptImageError: as `load_image`.
    """
    from PIL import ExifTags, ImageOps

    image = load_image(data)
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image
        return ImageOps.exif_transpose(image)
    except Exception:  # photos with damaged EXIF data are shown as they are everywhere
        return image


def as_rgb(image: "Image.Image") -> "Image.Image":
    """Return the image in mode RGB, 8 bits: of 16 the upper ones, transparent pixels over white.

    Raises:
        CorruptImageError: pixels whose range or colours are not defined, such as floats.
    """
    from PIL import Image

    deep_grey = image.mode in _GREY_16_BITS or (image.mode, image.format) == ("I", "PPM")
    if image.mode not in _CONVERTED and not deep_grey:
        raise CorruptImageError(f"pixels of mode {image.mode}: save it with 8 or 16 bits in RGB")
    if deep_grey:
        grey = np.asarray(image) >> 8  # as Pillow takes 16 bits in colour
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            grey = np.where(np.asarray(image) == transparent, 255, grey)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in _HAS_ALPHA or "transparency" in image.info:
        upper = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*_WHITE, 255))
        return Image.alpha_composite(ground, upper).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels, uint8 (height, width, 3), of a compressed image as people see it.

    Raises:
        CorruptImageError: truncated, damaged, no image, several in one file, or a kind of pixels
            without a defined range.
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
