"""Photos from files and folders, as a model sees images in evaluation."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.tools.errors import ToolsError

Shape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Photos:
    """Photos that could be read, and all that could not.

    Attributes:
        files: of each image.
        pixels: uint8 [N, C, H, W].
        unreadable: files that hold no readable image, with the reason.
        left_out: entries of folders that are no photos by their name, or links and devices.
        notes: what was done to the photos, for people.
    """

    files: tuple[Path, ...]
    pixels: NDArray[np.uint8]
    unreadable: tuple[tuple[Path, str], ...]
    left_out: tuple[Path, ...]
    notes: tuple[str, ...]


def find_photos(sources: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the photos that files and folders name, and what is left out of the folders.

    A file that is named itself is taken whatever it is called; of a folder those that end like an
    image, in all its subfolders, sorted.
    """
    from trivit.models.decoding.decode import EXTENSIONS

    photos: list[Path] = []
    left_out: list[Path] = []
    for source in sources:
        if not source.is_dir():
            photos.append(source)
            continue
        for folder, subfolders, names in os.walk(source):
            subfolders.sort()
            left_out += [Path(folder, n) for n in subfolders if Path(folder, n).is_symlink()]
            for path in (Path(folder, name) for name in sorted(names)):
                taken = path.suffix.lower() in EXTENSIONS and path.is_file()
                (photos if taken else left_out).append(path)
    return photos, left_out


def load_photos(
    found: Sequence[Path],
    shape: Shape,
    left_out: Sequence[Path] = (),
    advance: Callable[[int], None] = lambda steps: None,
) -> Photos:
    """Read photos as ``trivit evaluate`` sees the images of a store.

    Each is decoded to RGB, turned as its EXIF orientation says, resized and cut by
    `evaluation_view`; for a model of one channel made grey first (ITU-R 601).

    Args:
        found: files.
        shape: of the model's images (C, H, W).
        left_out: what `find_photos` left out.
        advance: called after each photo.

    Raises:
        ToolsError: no photo can be read, or the model takes neither grey nor RGB squares.
    """
    channels, height, width = shape
    if channels not in (1, 3) or height != width:
        wanted = " x ".join(map(str, shape))
        raise ToolsError(f"this bundle takes images of {wanted}: give them as a .npy file")
    views: list[NDArray[np.uint8]] = []
    files: list[Path] = []
    unreadable: list[tuple[Path, str]] = []
    resized = greyed = 0
    for path in found:
        try:
            pixels_HWC = _read(path)
        except _UnreadableError as error:
            unreadable.append((path, str(error)))
        else:
            files.append(path)
            resized += pixels_HWC.shape[:2] != (height, width)
            if channels == 1:
                pixels_HWC, coloured = _grey(pixels_HWC)
                greyed += coloured
            views.append(_view(pixels_HWC, height))
        advance(1)
    if not views:
        path, reason = unreadable[0]
        raise ToolsError(f"none of {len(found)} photos can be read: {path} ({reason})")
    notes = []
    if resized:
        notes.append(f"{resized} of {len(views)} photos resized and cut to {height} x {width}")
    if greyed:
        notes.append(f"{greyed} of {len(views)} photos made grey, as the model takes one channel")
    return Photos(
        files=tuple(files),
        pixels=np.stack(views),
        unreadable=tuple(unreadable),
        left_out=tuple(left_out),
        notes=tuple(notes),
    )


class _UnreadableError(Exception):
    """The message is the reason."""


def _read(path: Path) -> NDArray[np.uint8]:
    from trivit.models.decoding.decode import CorruptImageError, decode

    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise _UnreadableError((error.strerror or str(error)).lower()) from None
    except CorruptImageError as error:
        raise _UnreadableError(str(error)) from None


def _grey(pixels_HW3: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Return the luma (H, W, 1), and whether there was any colour."""
    from PIL import Image

    luma = np.asarray(Image.fromarray(pixels_HW3).convert("L"))[:, :, None]
    return luma, bool((pixels_HW3 != luma).any())


def _view(pixels_HWC: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import torch

    from trivit.models.augmentation.evaluation import evaluation_view

    pixels = torch.from_numpy(np.array(pixels_HWC.transpose(2, 0, 1), order="C"))
    return evaluation_view(pixels[None], side)[0].numpy()
