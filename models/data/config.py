"""Settings of the data section of an experiment."""

from dataclasses import dataclass
from typing import Literal

from trivit.models.errors import ModelsError

_MOST_PROCESSES = 256

DatasetName = Literal["fashion_mnist", "cifar10", "cifar100", "synthetic", "store"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images, how many of them, and how training batches are augmented.

    Attributes:
        dataset: name of the dataset; ``store`` is one that ``trivit data prepare`` has written.
        path: folder of the store.
        train_images: use only the first so many training images (``None``: all).
        test_images: use only the first so many test images (``None``: all).
        shift: training images move by up to so many pixels in each direction.
        flip: training images are mirrored left to right with probability 1/2.
        download: fetch the dataset when no local copy is found.
        workers: threads that read and decode the images of a store (``None``: one for each core,
            at most 16). The images and their order do not depend on it.
        processes: processes that do so instead (0: threads). ``None``: for a store of JPEG files on
            more than 4 cores, ``workers`` of them, by default one less than threads would be; else
            0. The images and their order do not depend on it.

    Raises:
        ModelsError: a count out of range, a negative shift, a path without a store or the reverse.
    """

    dataset: DatasetName = "fashion_mnist"
    path: str | None = None
    train_images: int | None = None
    test_images: int | None = None
    shift: int = 0
    flip: bool = False
    download: bool = True
    workers: int | None = None
    processes: int | None = None

    def __post_init__(self) -> None:
        for name in ("train_images", "test_images"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ModelsError(f"data.{name} is {count}: use at least 1 image")
        if self.workers is not None and self.workers < 1:
            raise ModelsError(f"data.workers is {self.workers}: use at least 1 thread, or null")
        if self.processes is not None and not 0 <= self.processes <= _MOST_PROCESSES:
            raise ModelsError(
                f"data.processes is {self.processes}: use 0 to {_MOST_PROCESSES}, or null"
            )
        if self.dataset == "store" and self.path is None:
            raise ModelsError("data.path is missing: name a folder that 'trivit data prepare' made")
        if self.dataset != "store" and self.path is not None:
            raise ModelsError(
                f"data.path is set: it goes with data.dataset=store, not {self.dataset}"
            )
        if self.shift < 0:
            raise ModelsError(f"data.shift is {self.shift}: use 0 or more pixels")
