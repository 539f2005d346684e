"""Shifted images: what rotation, noise and blur do, and what they refuse."""

import math

import numpy as np
import pytest

from trivit.host.errors import HostError
from trivit.host.training.domain_shift import DomainShift, blurred, rotated

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 2, 9, 9)).astype(np.uint8)


def test_right_angles_turn_pixels_counterclockwise() -> None:
    for quarter in (1, -1, 2):
        turned = DomainShift("rotation", 90.0 * quarter).apply(IMAGES)
        assert np.array_equal(turned, np.rot90(IMAGES, quarter, (2, 3)))
    assert np.array_equal(DomainShift("rotation", 0).apply(IMAGES), IMAGES)
    wide = IMAGES[:, :, :5]
    assert np.array_equal(DomainShift("rotation", 180).apply(wide), wide[:, :, ::-1, ::-1])


def test_a_rotation_moves_a_spot_along_its_circle_and_leaves_black() -> None:
    image = np.zeros((1, 1, 41, 41), np.uint8)
    image[0, 0, 20, 35] = 200  # 15 pixels to the right of the middle
    turned = rotated(image, 30.0)[0, 0]
    row, column = (turned[..., None] * np.moveaxis(np.mgrid[:41, :41], 0, -1)).sum((0, 1))
    row, column = row / turned.sum() - 20, column / turned.sum() - 20
    assert math.degrees(math.atan2(-row, column)) == pytest.approx(30, abs=0.5)
    assert math.hypot(row, column) == pytest.approx(15, abs=0.2)
    white = rotated(np.full((1, 1, 20, 20), 255, np.uint8), 45.0)[0, 0]
    assert white[0, 0] == 0 and white[10, 10] == pytest.approx(255)


def test_noise_has_its_deviation_and_its_seed() -> None:
    grey = np.full((20, 1, 28, 28), 128, np.uint8)
    noisy = DomainShift("noise", 0.1).apply(grey, seed=4)
    assert abs((noisy.astype(float) - 128).std() - 25.5) < 0.5
    assert np.array_equal(noisy, DomainShift("noise", 0.1).apply(grey, seed=4))
    assert not np.array_equal(noisy, DomainShift("noise", 0.1).apply(grey, seed=5))
    assert np.array_equal(DomainShift("noise", 0).apply(grey), grey)


def test_blur_keeps_what_is_even_and_spreads_a_spot() -> None:
    even = np.full((1, 1, 12, 12), 77, np.uint8)
    assert np.array_equal(DomainShift("blur", 2.0).apply(even), even)
    spot = np.zeros((1, 1, 31, 31), np.uint8)
    spot[0, 0, 15, 15] = 255
    spread = blurred(spot, 2.0)[0, 0]
    assert spread.sum() == pytest.approx(255)
    rows = np.arange(31) - 15
    assert (spread.sum(1) * rows**2).sum() / 255 == pytest.approx(4.0, rel=0.03)
    assert np.array_equal(DomainShift("blur", 0).apply(IMAGES), IMAGES)


@pytest.mark.parametrize(
    ("kind", "amount", "words"),
    [
        ("shear", 1.0, "no shift 'shear': use one of rotation, noise, blur"),
        ("rotation", 200.0, "rotation 200: use degrees, -180 to 180"),
        ("noise", -0.1, "noise -0.1: use a standard deviation, with white 1, 0 to 1"),
        ("blur", math.nan, "blur nan: use a standard deviation in pixels, 0 to 16"),
    ],
)
def test_shifts_outside_their_range_are_refused(kind: str, amount: float, words: str) -> None:
    with pytest.raises(HostError, match=words):
        DomainShift(kind, amount)  # type: ignore[arg-type]
