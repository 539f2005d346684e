"""Real images at any size: Fashion-MNIST's test images, interpolated in numpy."""

import numpy as np
from numpy.typing import NDArray


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
