"""Images to measure on: random ones, a .npy file, or a folder of photos (with Pillow)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.program import Preprocessing

_PHOTOS = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp")


def random_images(shape: Preprocessing, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return ``count`` images of even noise, (count, channels, height, width).

    Raises:
        HostError: fewer than one.
    """
    if count < 1:
        raise HostError(f"--random {count}: give at least 1 image")
    size = (count, shape.channels, shape.height, shape.width)
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def read_images(source: Path, shape: Preprocessing, count: int | None = None) -> NDArray[np.uint8]:
    """Return the first ``count`` images (None: all) of a .npy file or a folder of photos.

    A .npy file holds uint8 (N, channels, height, width). Photos are resized so that their shorter
    side fits, cut in the middle, and made grey for a program of one channel.

    Raises:
        HostError: nothing there, images of another shape, or photos without Pillow.
    """
    if source.is_dir():
        return _photos(source, shape, count)
    try:
        images = np.load(source, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise HostError(f"cannot read {source}: {error.strerror or error}") from error
    except ValueError as error:
        raise HostError(
            f"{source} is neither a folder of photos nor a complete .npy file of images"
        ) from error
    wanted = (shape.channels, shape.height, shape.width)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != wanted:
        raise HostError(
            f"{source} holds {images.dtype} of shape {images.shape}: the bundle takes uint8 of "
            f"(images, {', '.join(map(str, wanted))})"
        )
    if len(images) == 0:
        raise HostError(f"{source} holds no image: give at least one")
    return np.array(images[:count])


def _photos(folder: Path, shape: Preprocessing, count: int | None) -> NDArray[np.uint8]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PHOTOS)
    if not files:
        raise HostError(f"{folder} holds no photos ({', '.join(_PHOTOS)}): give another folder")
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise HostError(
            f"{folder}: reading photos needs Pillow: pip install pillow, or give a .npy file"
        ) from error
    views = []
    for path in files[:count]:
        try:
            with Image.open(path) as image:
                photo = ImageOps.exif_transpose(image).convert(
                    "L" if shape.channels == 1 else "RGB"
                )
                photo = ImageOps.fit(photo, (shape.width, shape.height), Image.Resampling.BICUBIC)
        except (OSError, ValueError) as error:
            raise HostError(f"{path} is no readable photo: take it out of the folder") from error
        pixels = np.asarray(photo, dtype=np.uint8)
        views.append(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    return np.stack(views)
