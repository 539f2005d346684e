"""Rows of one part of a store into an array, for threads and processes alike.

Shape suffixes: B images, C channels, H height, W width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.models.decoding.decode import CorruptImageError, as_rgb, load_image
from trivit.models.errors import ModelsError

IMAGES, OFFSETS = "images.bin", "offsets.bin"


def _never() -> bool:
    return False


@dataclass(frozen=True)
class StoredPixels:
    """The images of one part of a store, read through the page cache.

    Attributes:
        folder: the part's.
        jpeg: whether they are JPEG files; else uint8 pixels (C, H, W).
        shape: of an image as `read` writes it: (H, W, C) of JPEG files, else (C, H, W).
    """

    folder: Path
    jpeg: bool
    shape: tuple[int, int, int]

    def read(
        self,
        rows_B: NDArray[np.int64],
        out: NDArray[np.uint8],
        cancelled: Callable[[], bool] = _never,
    ) -> None:
        """Write the images ``rows_B`` into ``out``, uint8 (B, *shape).

        Args:
            rows_B: places in the store.
            out: where they go.
            cancelled: asked before each JPEG; once it says so, the rest is left out.

        Raises:
            ModelsError: a stored JPEG cannot be decoded.
        """
        if not self.jpeg:
            np.take(self._pixels, rows_B, axis=0, out=out, mode="clip")
            return
        for place, row in enumerate(rows_B):
            if cancelled():
                return
            try:
                # Upright since it was prepared, so its EXIF data do not matter.
                out[place] = np.asarray(as_rgb(load_image(self.stored(row))))
            except (CorruptImageError, ValueError) as error:
                raise ModelsError(
                    f"{self.folder / IMAGES}: image {row} cannot be decoded ({error}): "
                    "check the store with 'trivit data verify'"
                ) from None

    def stored(self, row: int) -> bytes:
        """Return an image as the store has it: a JPEG file, or pixels."""
        if self.jpeg:
            return self._bytes[self._offsets[row] : self._offsets[row + 1]].tobytes()
        return self._pixels[row].tobytes()

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        return self._bytes.reshape(-1, *self.shape)

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.memmap(self.folder / IMAGES, dtype=np.uint8, mode="r")

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.fromfile(self.folder / OFFSETS, dtype="<i8").astype(np.int64)
