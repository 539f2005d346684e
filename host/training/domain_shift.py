"""Images of a shifted domain: rotated, noisy or blurred. Needs numpy alone, as a board has it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError

Pixels = NDArray[np.uint8]
ShiftKind = Literal["rotation", "noise", "blur"]
#: What the amount of each is, and its range.
_AMOUNTS: dict[ShiftKind, tuple[str, float, float]] = {
    "rotation": ("degrees", -180.0, 180.0),
    "noise": ("a standard deviation, with white 1", 0.0, 1.0),
    "blur": ("a standard deviation in pixels", 0.0, 16.0),
}
#: A Gaussian ends at this many deviations.
_REACH = 3.0


@dataclass(frozen=True)
class DomainShift:
    """A change of images that keeps what they show.

    Attributes:
        kind: rotation (counterclockwise, bilinear, black where nothing was), noise (Gaussian, each
            pixel and channel), blur (Gaussian; the border goes on outside).
        amount: degrees, deviation with white 1, or deviation in pixels.

    Raises:
        HostError: an unknown kind, or an amount outside its range.
    """

    kind: ShiftKind
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in _AMOUNTS:
            raise HostError(f"no shift '{self.kind}': use one of {', '.join(_AMOUNTS)}")
        what, low, high = _AMOUNTS[self.kind]
        if not low <= self.amount <= high:
            raise HostError(f"{self.kind} {self.amount:g}: use {what}, {low:g} to {high:g}")

    def apply(self, pixels: Pixels, seed: int = 0) -> Pixels:
        """Return shifted images.

        Args:
            pixels: uint8 (N, channels, height, width).
            seed: of noise; the same images and seed give the same result.
        """
        shifts: dict[ShiftKind, Callable[[Pixels], NDArray[np.float64]]] = {
            "rotation": lambda images: rotated(images, self.amount),
            "noise": lambda images: noisy(images, self.amount, seed),
            "blur": lambda images: blurred(images, self.amount),
        }
        real = shifts[self.kind](pixels)
        return np.clip(np.rint(real), 0, 255).astype(np.uint8)


def rotated(pixels: Pixels, degrees: float) -> NDArray[np.float64]:
    """Return images turned about their middle, counterclockwise."""
    *_, height, width = pixels.shape
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    # Where each pixel of the result comes from; rows count downwards.
    row = sin * x + cos * y + (height - 1) / 2
    column = cos * x - sin * y + (width - 1) / 2
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    result = np.zeros(pixels.shape, np.float64)
    for down in (0, 1):
        for right in (0, 1):
            r, c = top + down, left + right
            share = (1 - np.abs(row - r)) * (1 - np.abs(column - c))
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            share = np.where(inside, share, 0.0)
            result += share * pixels[..., r.clip(0, height - 1), c.clip(0, width - 1)]
    return result


def noisy(pixels: Pixels, deviation: float, seed: int) -> NDArray[np.float64]:
    """Return images with Gaussian noise of this deviation, white being 1."""
    draws = np.random.default_rng(seed).normal(0, 255 * deviation, pixels.shape)
    return pixels + draws


def blurred(pixels: Pixels, deviation: float) -> NDArray[np.float64]:
    """Return images behind a Gaussian of this deviation in pixels."""
    real = pixels.astype(np.float64)
    if deviation == 0:
        return real
    reach = max(1, math.ceil(_REACH * deviation))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    weights /= weights.sum()
    for axis in (2, 3):
        size = pixels.shape[axis]
        real = sum(
            weight * real.take((np.arange(size) + offset).clip(0, size - 1), axis)
            for offset, weight in zip(offsets, weights, strict=True)
        )
    return real
