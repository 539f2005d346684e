"""How many images per second a set of images delivers to the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trivit.models.clock import Stopwatch
from trivit.models.data.dataset import ImageSource
from trivit.models.errors import ModelsError


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """A measurement.

    Attributes:
        images: how many were delivered in the timed region.
        seconds: that it took.
        images_per_second: their ratio.
    """

    images: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Delivered images in a second."""
        return self.images / self.seconds


def loading_throughput(
    source: ImageSource, batch_size: int, batches: int, *, warmup: int = 4, seed: int = 0
) -> Throughput:
    """Time ``source.stream`` alone, on batches in random order as a training asks for them.

    The first batches are not timed: threads start and the queue fills, and what the queue holds
    when the clock starts is about what it holds when it stops. Beyond one epoch, images repeat.

    Args:
        source: the images, on the device that they shall go to.
        batch_size: images per batch.
        batches: how many are timed.
        warmup: how many are delivered before.
        seed: of the order.

    Raises:
        ModelsError: fewer images than one batch, or no batch to time.
    """
    if batches < 1 or warmup < 1:
        raise ModelsError(f"{batches} timed and {warmup} other batches: use at least 1 of each")
    if not 1 <= batch_size <= len(source):
        raise ModelsError(f"a batch of {batch_size} is not within the {len(source)} images")
    device = source.labels.device
    stream = source.stream(_random_batches(len(source), batch_size, seed))
    for _ in range(warmup):
        next(stream)
    with Stopwatch(device) as watch:
        for _ in range(batches):
            next(stream)
    close = getattr(stream, "close", None)
    if close is not None:
        close()
    return Throughput(images=batches * batch_size, seconds=watch.seconds)


def _random_batches(count: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count // batch_size * batch_size].split(batch_size)
