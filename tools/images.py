"""Where `trivit run` and the demo take their images from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.tools.errors import ToolsError

Shape = tuple[int, int, int]


def load_images(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """Open a .npy file of uint8 images [N, C, H, W] (or [N, H, W] when C is 1), memory-mapped.

    Raises:
        ToolsError: not a .npy file, truncated, another type than uint8 or another shape than
            ``shape`` (C, H, W), or no image in it.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ToolsError(
            f"{path}: not a complete .npy file ({error}); write it with numpy.save"
        ) from error
    if not isinstance(images, np.ndarray):
        raise ToolsError(f"{path}: an archive of arrays; give a .npy file of one array")
    if images.dtype != np.uint8:
        raise ToolsError(f"{path}: images of type {images.dtype}; give uint8 pixels 0..255")
    if images.ndim == 3 and shape[0] == 1:
        images = images[:, None]
    check_shape(str(path), images, shape)
    if len(images) == 0:
        raise ToolsError(f"{path}: no image in it; give at least one")
    return images


def test_images(name: str, shape: Shape) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the test images [N, C, H, W] and labels [N] of the data set ``name``.

    Raises:
        ModelsError: unknown name, or the data set cannot be read.
        ToolsError: its images have another shape than ``shape`` (C, H, W).
    """
    from trivit.models.data import DataConfig, dataset_info, load_dataset

    dataset_info(name)  # refuses an unknown name before torch reads anything
    test = load_dataset(DataConfig(dataset=name)).test.in_memory()  # type: ignore[arg-type]
    pixels = test.pixels.numpy()
    check_shape(name, pixels, shape)
    return pixels, test.labels.numpy()


def check_shape(source: str, images: NDArray[np.uint8], shape: Shape) -> None:
    """Refuse images that are not [N, *shape].

    Raises:
        ToolsError: another shape; the message names ``source``.
    """
    if images.ndim != 4 or images.shape[1:] != shape:
        wanted, found = (" x ".join(map(str, s)) for s in (("N", *shape), images.shape))
        raise ToolsError(f"{source}: images of shape {found}; this bundle takes {wanted}")
