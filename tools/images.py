"""Images that the tools run and measure on: files, data sets, and real ones at any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.tools.errors import ToolsError
from trivit.tools.photos import Photos, Shape, find_photos, load_photos


@dataclass(frozen=True, kw_only=True)
class GivenImages:
    """Images to run a bundle on: uint8 [N, C, H, W].

    ``labels`` [N] come with data sets and stores, ``photos`` with photos; ``notes`` say what people
    should know about either.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    photos: Photos | None = None
    notes: tuple[str, ...] = ()


def open_images(
    sources: Sequence[str], shape: Shape, class_names: Sequence[str], count: int | None = None
) -> GivenImages:
    """Open what ``--images`` names: a .npy file, a data set, a store, or photos and their folders.

    Args:
        sources: one of them, or several photos and folders of photos.
        shape: of an image (C, H, W).
        class_names: of the bundle.
        count: take only the first so many (``None``: all).

    Raises:
        ModelsError: a data set or store that cannot be read.
        ToolsError: nothing of that name, or images that do not fit the bundle.
    """
    kinds = [_kind(source) for source in sources]
    if set(kinds) == {"photos"}:
        from trivit.models.progress import progress_bar

        found, left_out = find_photos([Path(source).expanduser() for source in sources])
        if not found:
            raise ToolsError(
                f"{', '.join(sources)}: neither a store of 'trivit data prepare' nor a folder of "
                f"photos ({len(left_out)} other files)"
            )
        with progress_bar("photos", len(found[:count])) as advance:
            photos = load_photos(found[:count], shape, left_out, advance)
        return GivenImages(pixels=photos.pixels, photos=photos, notes=photos.notes)
    if len(sources) > 1:
        other = next(s for s, kind in zip(sources, kinds, strict=True) if kind != "photos")
        raise ToolsError(f"--images {other} holds no photos: give it alone")
    if kinds == ["array"]:
        return GivenImages(pixels=load_images(Path(sources[0]).expanduser(), shape)[:count])
    return test_images(sources[0], shape, class_names, count)


def _kind(source: str) -> str:
    """Say whether ``source`` is an array, photos, or a data set or store."""
    path = Path(source).expanduser()
    if path.suffix == ".npy" and not path.is_dir():
        return "array"
    if path.is_dir():
        from trivit.models.data.store.index import INDEX

        return "store" if (path / INDEX).is_file() else "photos"
    return "photos" if path.exists() or path.suffix else "data set"


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
    check_shape(str(path), images.shape[1:], shape)
    if len(images) == 0:
        raise ToolsError(f"{path}: no image in it; give at least one")
    return images


def test_images(
    source: str, shape: Shape, class_names: Sequence[str], count: int | None = None
) -> GivenImages:
    """Return test images and labels of a data set or a store, as evaluation sees them.

    Stored images of another size are resized and cut as `evaluation_view` does it.

    Args:
        source: name of a data set, or folder of ``trivit data prepare``.
        shape: of an image (C, H, W).
        class_names: of the bundle, by number.
        count: take only the first so many (``None``: all).

    Raises:
        ModelsError: no such data set or store, it cannot be read, or it has other classes.
        ToolsError: it has other channels, or images in memory have another shape.
    """
    from trivit.models.augmentation.evaluation import EvaluatedImages
    from trivit.models.data import load_test_images
    from trivit.models.data.class_names import check_same_classes

    info, images = load_test_images(source)
    fits = info.channels == shape[0] and shape[1] == shape[2]
    stored = Path(source).expanduser().is_dir()
    if not (stored and fits):
        check_shape(source, (info.channels, info.height, info.width), shape)
    remedy = "choose a set of the same classes"
    check_same_classes(source, info.class_names, "this bundle", class_names, remedy)
    images = images.first(count)
    if stored:
        images = EvaluatedImages(images, shape[1])
    found = images.in_memory()
    return GivenImages(pixels=found.pixels.numpy(), labels=found.labels.numpy())


def check_shape(source: str, found: tuple[int, ...], shape: Shape) -> None:
    """Refuse images of shape ``found`` that are not of ``shape`` (C, H, W).

    Raises:
        ToolsError: another shape; the message names ``source``.
    """
    if found != shape:
        wanted, given = (" x ".join(map(str, s)) for s in (shape, found))
        raise ToolsError(f"{source}: images of shape {given}; this bundle takes {wanted}")


def real_images(count: int, channels: int, side: int) -> NDArray[np.uint8]:
    """Return ``count`` test images of Fashion-MNIST as uint8 [count, channels, side, side].

    Raises:
        ModelsError: the data set cannot be read.
    """
    from trivit.models.data import DataConfig, load_dataset

    images = load_dataset(DataConfig(dataset="fashion_mnist")).test.first(count)
    pixels = images.in_memory().pixels.numpy()
    return np.repeat(resize(pixels[:, :1], side), channels, axis=1)


def resize(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return images [B, C, H, W] interpolated linearly to [B, C, side, side]."""
    values = images.astype(np.float64)
    for axis in (2, 3):
        size = values.shape[axis]
        place = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
        low = np.minimum(place.astype(int), max(size - 2, 0))
        high = np.minimum(low + 1, size - 1)
        weight = (place - low).reshape([-1 if a == axis else 1 for a in range(4)])
        values = values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight
    return np.rint(values).astype(np.uint8)
