"""Sets of images and what everybody needs to know about them.

Shape suffixes: B images, C channels, H height, W width.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """Shape, normalisation and class names.

    ``mean`` and ``std`` are per channel and belong to pixels / 255.
    """

    name: str
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]

    def normalise(self, images_BCHW: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return ``(v / 255 - mean) / std`` of uint8 pixels, on their device, in ``dtype``."""
        mean = _per_channel(self.mean, dtype, images_BCHW.device)
        std = _per_channel(self.std, dtype, images_BCHW.device)
        return (images_BCHW.to(dtype) / 255 - mean) / std


@lru_cache(maxsize=64)
def _per_channel(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    # Kept on the device: copying it there for every batch would wait for the device every time.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device).view(1, -1, 1, 1)


class ImageSource(Protocol):
    """A set of labelled images that all have one size, wherever their pixels are kept."""

    @property
    def labels(self) -> Tensor:
        """Labels, int64 (B,), on the device that `stream` yields to."""

    def __len__(self) -> int: ...

    def first(self, count: int | None) -> "ImageSource":
        """Return the first ``count`` images; all of them when ``count`` is ``None``."""

    def to(self, device: torch.device) -> "ImageSource":
        """Return the same images; `labels` and the batches of `stream` are on ``device``."""

    def in_memory(self) -> "Images":
        """Return the same images with all pixels in memory, on the device: for small sets."""

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the pixels, uint8 (B, C, H, W) on the device, of each batch, in order.

        Args:
            batches: indices into this set, int64 (B,) on the CPU. They are read ahead of what is
                yielded, so that images can be fetched while the device works.
        """


@dataclass(frozen=True)
class Images:
    """An `ImageSource` in memory: pixels, uint8 (B, C, H, W), and labels, int64 (B,)."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int | None) -> "Images":
        """Return the first ``count`` images; all of them when ``count`` is ``None``."""
        return self if count is None else Images(self.pixels[:count], self.labels[:count])

    def to(self, device: torch.device) -> "Images":
        """Return the same images on ``device``."""
        return Images(self.pixels.to(device), self.labels.to(device))

    def in_memory(self) -> "Images":
        """Return these very images."""
        return self

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the pixels of each batch of indices, as `ImageSource.stream`."""
        device = self.pixels.device
        for indices in batches:
            if device.type == "cuda" and not indices.is_cuda:
                # From ordinary memory the copy would wait for the device.
                indices = indices.pin_memory().to(device, non_blocking=True)
            yield self.pixels.index_select(0, indices)


@dataclass(frozen=True)
class ImageDataset:
    """Training and test images of one dataset."""

    info: DatasetInfo
    train: ImageSource
    test: ImageSource
