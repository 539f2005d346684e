"""Images of a store as a training reads them.

Shape suffixes: B images, C channels, H height, W width.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images
from trivit.models.data.decode import CorruptImageError, as_rgb, load_image
from trivit.models.data.store.check import check_store
from trivit.models.data.store.index import IMAGES, LABELS, NAMES, OFFSETS, StoreIndex
from trivit.models.data.store.prefetch import prefetched
from trivit.models.errors import ModelsError

_MOST_WORKERS = 16
_COPIED_AT_ONCE = 512


def default_workers() -> int:
    """Return how many threads read by default: one for each core that this process may use.

    Processes that torchrun started on this machine share its cores.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(len(os.sched_getaffinity(0)) // processes, _MOST_WORKERS))


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredImages:
    """An `ImageSource` on disk, read through the page cache by background threads.

    Attributes:
        folder: one part of a store.
        index: of the store.
        rows: which stored images these are, int64 (B,).
        labels: int64 (B,), on the device.
        device: where `stream` yields.
        workers: threads that read and decode.
    """

    folder: Path
    index: StoreIndex
    rows: NDArray[np.int64]
    labels: Tensor
    device: torch.device
    workers: int

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, count: int | None) -> "StoredImages":
        """Return the first ``count`` images; all of them when ``count`` is ``None``."""
        if count is None:
            return self
        return replace(self, rows=self.rows[:count], labels=self.labels[:count])

    def to(self, device: torch.device) -> "StoredImages":
        """Return the same images; `labels` and the batches of `stream` are on ``device``."""
        return replace(self, labels=self.labels.to(device), device=torch.device(device))

    def names(self) -> list[str]:
        """Return each image's name in the source that the store was prepared from."""
        lines = (self.folder / NAMES).read_text("utf-8", "surrogateescape").split("\n")
        return [lines[row] for row in self.rows]

    def in_memory(self) -> Images:
        """Return the same images with all pixels in memory, on the device."""
        index = self.index
        shape = (len(self), index.channels, index.height, index.width)
        pixels = torch.empty(shape, dtype=torch.uint8, device=self.device)
        done = 0
        for batch in self.stream(torch.arange(len(self)).split(_COPIED_AT_ONCE)):
            pixels[done : done + len(batch)] = batch
            done += len(batch)
        return Images(pixels, self.labels)

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the pixels of each batch of indices, as `ImageSource.stream`.

        Threads read and decode the next batches meanwhile. They end with the iterator, also when it
        is closed early.

        Raises:
            ModelsError: a stored JPEG cannot be decoded.
        """
        jpeg = self.index.image_format == "jpeg"
        with ThreadPoolExecutor(self.workers, "trivit-images") as pool:
            yield from prefetched(
                pool=pool,
                batches=batches,
                fetch=self._decode if jpeg else self._copy,
                slices=self.workers,
                shape=self._stored_shape,
                device=self.device,
                channels_last=jpeg,
            )

    @property
    def fingerprint(self) -> str:
        """Changes when anything in the store does."""
        return self.index.fingerprint

    @property
    def _stored_shape(self) -> tuple[int, int, int]:
        """Shape of an image as a worker hands it over: JPEG decoders give (H, W, C)."""
        channels, height, width = self.index.channels, self.index.height, self.index.width
        if self.index.image_format == "jpeg":
            return height, width, channels
        return channels, height, width

    def _copy(self, indices: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        np.take(self._pixels, self.rows[indices], axis=0, out=out, mode="clip")

    def _decode(self, indices: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        for place, row in enumerate(self.rows[indices]):
            start, end = self._offsets[row], self._offsets[row + 1]
            try:
                # Upright since it was prepared, so its EXIF data do not matter.
                out[place] = np.asarray(as_rgb(load_image(self._bytes[start:end].tobytes())))
            except (CorruptImageError, ValueError) as error:
                raise ModelsError(
                    f"{self.folder / IMAGES}: image {row} cannot be decoded ({error}): "
                    "check the store with 'trivit data verify'"
                ) from None

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        return self._bytes.reshape(-1, *self._stored_shape)

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.memmap(self.folder / IMAGES, dtype=np.uint8, mode="r")

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.fromfile(self.folder / OFFSETS, dtype="<i8").astype(np.int64)


def load_part(
    folder: Path | str, part: str, workers: int | None = None
) -> tuple[DatasetInfo, StoredImages]:
    """Open the ``train`` or ``test`` images of a store, on the CPU, and their description.

    Their order is a fixed random one: class by class as sources have them, a cut to the first
    images would hold one class only.

    Args:
        folder: the store.
        part: ``train`` or ``test``.
        workers: threads that read and decode (``None``: `default_workers`).

    Raises:
        ModelsError: no store, one that changed since it was prepared, or it has no such part.
    """
    index = check_store(Path(folder))
    return index.info, _open_part(Path(folder), index, part, workers)


def load_store(config: DataConfig) -> ImageDataset:
    """Open both parts of the store ``config.path``.

    Raises:
        ModelsError: no store, one that changed since it was prepared, or a part is missing.
    """
    folder = Path(str(config.path)).expanduser()
    index = check_store(folder)
    train, test = (_open_part(folder, index, part, config.workers) for part in ("train", "test"))
    return ImageDataset(index.info, train, test)


def _open_part(folder: Path, index: StoreIndex, part: str, workers: int | None) -> StoredImages:
    if part not in index.parts:
        raise ModelsError(
            f"{folder} has no {part} images: prepare it with a source of them "
            "('trivit data prepare TRAIN --test TEST')"
        )
    labels = np.fromfile(folder / part / LABELS, dtype="<i8").astype(np.int64)
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(len(labels), generator=generator).numpy()
    return StoredImages(
        folder=folder / part,
        index=index,
        rows=rows,
        labels=torch.from_numpy(labels[rows]),
        device=torch.device("cpu"),
        workers=workers or default_workers(),
    )
