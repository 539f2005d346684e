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
from trivit.models.data.store.check import check_store
from trivit.models.data.store.index import LABELS, NAMES, StoreIndex
from trivit.models.data.store.prefetch import ProcessFetcher, ThreadFetcher, prefetched
from trivit.models.data.store.processes import DecodingProcesses
from trivit.models.decoding.stored_pixels import StoredPixels
from trivit.models.errors import ModelsError

_MOST_WORKERS = 16
_CORES_FOR_THREADS = 4
_COPIED_AT_ONCE = 512


def default_workers() -> int:
    """Return how many threads read by default: one for each core that this process may use.

    Processes that torchrun started on this machine share its cores.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(len(os.sched_getaffinity(0)) // processes, _MOST_WORKERS))


def default_processes(image_format: str, workers: int | None = None) -> int:
    """Return how many processes decode by default; 0: threads do.

    Only JPEG files are worth processes: Python's lock, which threads wait for, is held while a file
    is opened and its pixels are taken over, and not while pixels are copied. They are as many as
    ``workers``, or leave a core to what trains.
    """
    cores = default_workers()
    if image_format != "jpeg" or cores <= _CORES_FOR_THREADS:
        return 0
    return workers or cores - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredImages:
    """An `ImageSource` on disk, read through the page cache by background threads or processes.

    Attributes:
        folder: one part of a store.
        index: of the store.
        rows: which stored images these are, int64 (B,).
        labels: int64 (B,), on the device.
        device: where `stream` yields.
        workers: threads that read and decode, where there are no processes.
        processes: that read and decode; the parts of a store share them.
    """

    folder: Path
    index: StoreIndex
    rows: NDArray[np.int64]
    labels: Tensor
    device: torch.device
    workers: int
    processes: DecodingProcesses

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

        Threads or processes read and decode the next batches meanwhile. Threads end with the
        iterator, also when it is closed early; processes wait for the next one, and end with these
        images or with this process.

        Raises:
            ModelsError: a stored JPEG cannot be decoded, or a process has ended.
        """
        rows = (self.rows[indices.cpu().numpy()] for indices in batches)
        source = self._by_processes if self.processes.count else self._by_threads
        return source(rows)

    def _by_threads(self, rows: Iterator[NDArray[np.int64]]) -> Iterator[Tensor]:
        pixels, pinned = self.pixels, self.device.type == "cuda"
        with ThreadPoolExecutor(self.workers, "trivit-images") as pool:
            fetcher = ThreadFetcher(pool, pixels.read, self.workers, pixels.shape, pinned)
            yield from prefetched(fetcher, rows, self.device, channels_last=pixels.jpeg)

    def _by_processes(self, rows: Iterator[NDArray[np.int64]]) -> Iterator[Tensor]:
        pixels, pinned = self.pixels, self.device.type == "cuda"
        fetcher = ProcessFetcher(self.processes, pixels, pinned)
        try:
            yield from prefetched(fetcher, rows, self.device, channels_last=pixels.jpeg)
        finally:
            fetcher.close()

    @property
    def fingerprint(self) -> str:
        """Changes when anything in the store does."""
        return self.index.fingerprint

    @cached_property
    def pixels(self) -> StoredPixels:
        """What reads them, by their rows in the store."""
        index = self.index
        if index.image_format == "jpeg":
            return StoredPixels(self.folder, True, (index.height, index.width, index.channels))
        return StoredPixels(self.folder, False, (index.channels, index.height, index.width))


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
    processes = DecodingProcesses(default_processes(index.image_format, workers))
    return index.info, _open_part(Path(folder), index, part, workers, processes)


def load_store(config: DataConfig) -> ImageDataset:
    """Open both parts of the store ``config.path``.

    Raises:
        ModelsError: no store, one that changed since it was prepared, or a part is missing.
    """
    folder = Path(str(config.path)).expanduser()
    index = check_store(folder)
    count = config.processes
    if count is None:
        count = default_processes(index.image_format, config.workers)
    processes = DecodingProcesses(count)
    train, test = (
        _open_part(folder, index, part, config.workers, processes) for part in ("train", "test")
    )
    return ImageDataset(index.info, train, test)


def _open_part(
    folder: Path, index: StoreIndex, part: str, workers: int | None, processes: DecodingProcesses
) -> StoredImages:
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
        processes=processes,
    )
