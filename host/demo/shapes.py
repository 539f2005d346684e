"""Drawn shapes of five classes, and a small model that has learned them on the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.training.bundle import TrainingBundle

#: Written by ``python -m trivit.tools.training.shapes`` from the training programs there are now.
BUNDLE = Path(__file__).with_name("shapes.trivit")
CLASSES = ("bar", "cross", "corner", "ring", "disc")
SIDE = 16


def load_shapes_bundle() -> TrainingBundle:
    """Return the training program of the small model, whose start has learned upright shapes.

    Raises:
        HostError: it is missing, or of another trivit than this package.
    """
    try:
        return TrainingBundle.load(BUNDLE)
    except HostError as error:
        raise HostError(
            f"{error}; a checkout writes this file by `python -m trivit.tools.training.shapes`, "
            "elsewhere install trivit-host again"
        ) from error


def draw_shapes(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return uint8 images (N, 1, 16, 16) and labels (N,): grey shapes at random places, noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), count)
    middle = random.uniform(6, SIDE - 7, (2, count, 1, 1))
    radius = random.uniform(4, 5.5, (count, 1, 1))
    y, x = np.mgrid[:SIDE, :SIDE][:, None] - middle
    y, x, thin = y / radius, x / radius, 0.2
    near = (np.abs(x) < 1) & (np.abs(y) < 1)
    lying, standing = near & (np.abs(y) < thin), near & (np.abs(x) < thin)
    round_ = np.hypot(x, y)
    corner = near & ((np.abs(x + 0.8) < thin) | (np.abs(y - 0.8) < thin))
    ring = (round_ < 1) & (round_ > 0.6)
    shapes = np.stack([lying, lying | standing, corner, ring, round_ < 0.9])
    chosen = shapes[labels, np.arange(count)]
    light = random.uniform(100, 220, (count, 1, 1))
    pixels = chosen * light + random.normal(20, 12, (count, SIDE, SIDE))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)[:, None], labels
