"""Warps against Pillow and against a sampler of one pixel at a time."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from trivit.models.augmentation.geometry import rotate, shear_x, shear_y, translate, warp

from .images import from_pillow, make_images, mean_difference, to_pillow, worst

IMAGES = make_images(6, 3, 40, 40, seed=3)
FILL = torch.tensor([124, 116, 104], dtype=torch.uint8)
AMOUNTS = np.array([-0.3, -0.12, 0.0, 0.07, 0.21, 0.3])


def upper(matrix: np.ndarray) -> Tensor:
    return torch.from_numpy(matrix[:, :2]).float()


def transformed(image: Tensor, *coefficients: float) -> Tensor:
    moved = to_pillow(image).transform(
        (40, 40), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR,
        fillcolor=tuple(FILL.tolist()),
    )  # fmt: skip
    return from_pillow(moved)


@pytest.mark.parametrize(
    ("matrices", "coefficients"),
    [
        (shear_x(AMOUNTS), lambda a: (1, a, 0, 0, 1, 0)),
        (shear_y(AMOUNTS), lambda a: (1, 0, 0, a, 1, 0)),
        (translate(40 * AMOUNTS, 0 * AMOUNTS), lambda a: (1, 0, 40 * a, 0, 1, 0)),
        (translate(0 * AMOUNTS, 40 * AMOUNTS), lambda a: (1, 0, 0, 0, 1, 40 * a)),
    ],
    ids=["shear_x", "shear_y", "translate_x", "translate_y"],
)
def test_affine_operations_are_pillows(matrices: np.ndarray, coefficients) -> None:
    results = warp(IMAGES, upper(matrices), FILL, "bilinear")
    expected = [transformed(i, *coefficients(a)) for i, a in zip(IMAGES, AMOUNTS, strict=True)]
    # Pillow truncates where warp rounds.
    assert worst(results, torch.stack(expected)) <= 1


def test_rotation_is_pillows() -> None:
    degrees = 100 * AMOUNTS
    results = warp(IMAGES, upper(rotate(degrees, 40, 40)), FILL, "bilinear")
    expected = [
        from_pillow(
            to_pillow(image).rotate(
                angle, Image.Resampling.BILINEAR, fillcolor=tuple(FILL.tolist())
            )
        )
        for image, angle in zip(IMAGES, degrees, strict=True)
    ]
    differs = (results.int() - torch.stack(expected).int()).abs().amax(dim=1) > 1
    # A border pixel may fall on either side of the image's edge.
    assert differs.float().mean() < 1e-3


def test_bicubic_against_one_pixel_at_a_time() -> None:
    matrices = rotate(np.array([17.0]), 40, 40)
    (result,) = warp(IMAGES[:1], upper(matrices), FILL, "bicubic")
    image = IMAGES[0].double().numpy()

    def cubic(x: float) -> float:
        x, a = abs(x), -0.75
        if x < 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0

    for row, column in [(0, 0), (3, 30), (20, 20), (7, 11), (33, 25), (39, 2)]:
        x, y, _ = matrices[0] @ [column + 0.5, row + 0.5, 1.0]
        if not (0 <= x < 40 and 0 <= y < 40):
            assert torch.equal(result[:, row, column], FILL)
            continue
        value = np.zeros(3)
        for j in range(math.floor(y - 0.5) - 1, math.floor(y - 0.5) + 3):
            for i in range(math.floor(x - 0.5) - 1, math.floor(x - 0.5) + 3):
                weight = cubic(y - 0.5 - j) * cubic(x - 0.5 - i)
                value += weight * image[:, min(max(j, 0), 39), min(max(i, 0), 39)]
        assert np.abs(result[:, row, column].numpy() - np.clip(value, 0, 255)).max() <= 0.51


def test_composed_warps_do_both() -> None:
    first, second = rotate(np.full(6, 9.0), 40, 40), shear_x(AMOUNTS)
    one_by_one = warp(warp(IMAGES, upper(first), FILL, "bilinear"), upper(second), FILL, "bilinear")
    at_once = warp(IMAGES, upper(first @ second), FILL, "bilinear")
    inner = (slice(None), slice(None), slice(12, 28), slice(12, 28))
    wrong_order = warp(IMAGES, upper(second @ first), FILL, "bilinear")
    assert mean_difference(at_once[inner], one_by_one[inner]) < 2.5
    assert mean_difference(wrong_order[inner], one_by_one[inner]) > 1.5 * mean_difference(
        at_once[inner], one_by_one[inner]
    )


def test_the_identity_changes_nothing_and_oblong_images_keep_their_shape() -> None:
    images = make_images(2, 1, 20, 33)
    still = torch.eye(3)[:2].expand(2, 2, 3)
    assert torch.equal(warp(images, still, FILL[:1], "bilinear"), images)
    turned = warp(images, upper(rotate(np.full(2, 180.0), 20, 33)), FILL[:1], "bilinear")
    assert worst(turned, images.flip(2, 3)) <= 1
