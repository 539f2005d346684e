"""Settings of the data section of an experiment."""

from dataclasses import dataclass
from typing import Literal

from trivit.models.errors import ModelsError

DatasetName = Literal["fashion_mnist", "cifar10", "synthetic"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images, how many of them, and how training batches are augmented.

    Attributes:
        dataset: name of the dataset.
        train_images: use only the first so many training images (``None``: all).
        test_images: use only the first so many test images (``None``: all).
        shift: training images move by up to so many pixels in each direction.
        flip: training images are mirrored left to right with probability 1/2.
        download: fetch the dataset when no local copy is found.

    Raises:
        ModelsError: a count below 1 or a negative shift.
    """

    dataset: DatasetName = "fashion_mnist"
    train_images: int | None = None
    test_images: int | None = None
    shift: int = 0
    flip: bool = False
    download: bool = True

    def __post_init__(self) -> None:
        for name in ("train_images", "test_images"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ModelsError(f"data.{name} is {count}: use at least 1 image")
        if self.shift < 0:
            raise ModelsError(f"data.shift is {self.shift}: use 0 or more pixels")
