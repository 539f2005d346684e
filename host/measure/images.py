"""Images to measure on: random ones, a .npy file, or a folder of photos (with Pillow)."""

from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.demo.images import Unreadable, folder_images
from trivit.host.errors import HostError


def random_images(bundle: Bundle, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return ``count`` images of even noise, (count, channels, height, width).

    Raises:
        HostError: fewer than one.
    """
    if count < 1:
        raise HostError(f"--random {count}: give at least 1 image")
    shape = bundle.preprocessing
    size = (count, shape.channels, shape.height, shape.width)
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def read_images(source: Path, bundle: Bundle, count: int | None = None) -> NDArray[np.uint8]:
    """Return the first ``count`` images (None: all) of a .npy file or a folder of photos.

    A .npy file holds uint8 (N, channels, height, width). Photos are cut as the demo does it.

    Raises:
        HostError: nothing there, images of another shape, or photos without Pillow.
    """
    if source.is_dir():
        return _photos(source, bundle, count)
    try:
        images = np.load(source, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise HostError(f"cannot read {source}: {error.strerror or error}") from error
    except ValueError as error:
        raise HostError(
            f"{source} is neither a folder of photos nor a complete .npy file of images"
        ) from error
    shape = bundle.preprocessing
    wanted = (shape.channels, shape.height, shape.width)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != wanted:
        raise HostError(
            f"{source} holds {images.dtype} of shape {images.shape}: the bundle takes uint8 of "
            f"(images, {', '.join(map(str, wanted))})"
        )
    if len(images) == 0:
        raise HostError(f"{source} holds no image: give at least one")
    return np.array(images[:count])


def _photos(folder: Path, bundle: Bundle, count: int | None) -> NDArray[np.uint8]:
    views = []
    for found in islice(folder_images(folder, bundle), count):
        if isinstance(found, Unreadable):
            raise HostError(
                f"{folder / found.name} holds no image ({found.reason}): take it out of the folder"
            )
        views.append(found.pixels)
    return np.stack(views)
