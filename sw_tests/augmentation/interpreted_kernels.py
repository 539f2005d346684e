"""The Triton kernels do what the operations do, under Triton's interpreter (`test_kernels.py`).

The interpreter takes 10 ms for each function of each program, so images here are tiny.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trivit.models.augmentation import AugmentationConfig, Augmenter
from trivit.models.augmentation.draws import draw
from trivit.models.augmentation.geometry import identity
from trivit.models.augmentation.kernels import crop as crop_module
from trivit.models.augmentation.kernels.batch import _layers
from trivit.models.augmentation.kernels.crop import crop
from trivit.models.augmentation.kernels.finish import finish
from trivit.models.augmentation.kernels.policy import apply_layer
from trivit.models.augmentation.mixing import Mixing, mix_images
from trivit.models.augmentation.plan import Op, Plan, carry_out
from trivit.models.augmentation.resample import resample, resize_weights
from trivit.models.data import DatasetInfo

from .images import COLOUR, GRAY, make_images, worst

CPU = torch.device("cpu")
FILL = torch.tensor([120, 110, 100], dtype=torch.uint8)
ARGUMENTS = {
    Op.POSTERIZE: 3,
    Op.SOLARIZE: 100,
    Op.SOLARIZE_ADD: 60,
    Op.COLOR: 1.7,
    Op.CONTRAST: 0.4,
    Op.BRIGHTNESS: 1.6,
    Op.SHARPNESS: 1.8,
}


@pytest.fixture(autouse=True)
def few_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop_module, "_ROWS", 32)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_the_crop_is_that_of_the_matrices(interpolation: Any) -> None:
    pixels = make_images(2, 2, 24, 20)
    top, high = np.array([0.0, 5.0]), np.array([24.0, 6.0])  # one shrinks, one grows
    left, wide = np.array([2.0, 3.0]), np.array([17.0, 9.0])
    mirrored = np.array([False, True])
    regions = np.stack([top, high, left, wide, mirrored], axis=1).astype(np.float32)
    made = crop(pixels, torch.from_numpy(regions), 12, interpolation)
    rows = resize_weights(top, high, 24, 12, interpolation, CPU)
    columns = resize_weights(left, wide, 20, 12, interpolation, CPU, mirrored)
    expected = resample(pixels, rows, columns)
    # Lines between the two passes are float16, as the matrices' products are on CUDA.
    assert worst(made, expected) <= 1
    assert (made != expected).float().mean() < 0.05


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_each_operation_gives_the_same(interpolation: Any) -> None:
    ops = [op for op in Op if op != Op.BLUR]
    pixels = make_images(len(ops), 3, 16, 16)
    pixels[ops.index(Op.AUTOCONTRAST), 1] = 77  # of one value: it stays
    matrices = identity(len(ops), 1)
    matrices[ops.index(Op.WARP), 0, :2] = [[0.9, 0.2, 1.3], [-0.2, 0.9, 2.1]]
    arguments = np.array([[ARGUMENTS.get(op, 0.0)] for op in ops])
    plan = Plan(np.array(ops)[:, None], arguments, matrices)
    expected = carry_out(plan, pixels.clone(), FILL, interpolation)
    (layer,) = _layers(plan)
    count = len(ops)
    op, argument, matrix = torch.from_numpy(layer).split([count, count, 6 * count])
    made = apply_layer(pixels, op, argument, matrix.view(-1, 6), FILL, interpolation)
    for number, name in enumerate(ops):
        if name == Op.WARP:  # its sums are in another order
            assert worst(made[number], expected[number]) <= 1
            assert (made[number] != expected[number]).float().mean() < 0.01
        else:
            assert torch.equal(made[number], expected[number]), name
    assert not torch.equal(made, pixels)


def test_gray_images_have_operations_too() -> None:
    ops = [Op.COLOR, Op.CONTRAST, Op.GRAYSCALE, Op.EQUALIZE]
    pixels = make_images(len(ops), 1, 12, 12)
    plan = Plan(np.array(ops)[:, None], np.full((4, 1), 0.3), identity(4, 1))
    (layer,) = _layers(plan)
    op, argument, matrix = torch.from_numpy(layer).split([4, 4, 24])
    made = apply_layer(pixels, op, argument, matrix.view(-1, 6), FILL[:1], "bilinear")
    assert torch.equal(made, carry_out(plan, pixels.clone(), FILL[:1], "bilinear"))


def finished(pixels: Tensor, mixing: Mixing | None, **settings: Any) -> Tensor:
    statistics = torch.tensor([*COLOUR.mean, *COLOUR.std])
    corners = settings.pop("corners", torch.zeros(len(pixels), 4))
    given = {"seed": 5, "first": 0, "dtype": torch.float32, **settings}
    return finish(pixels, statistics, corners, mixing, **given)


@pytest.mark.parametrize(
    "mixing", [None, Mixing(1.0), Mixing(0.3), Mixing(0.75, (slice(2, 8), slice(0, 5)))]
)
def test_the_rest_is_normalised_and_mixed(mixing: Mixing | None) -> None:
    pixels = make_images(2, 3, 12, 12)
    expected = COLOUR.normalise(pixels)
    if mixing is not None:
        expected = mix_images(expected, mixing)
    made = finished(pixels, mixing)
    torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-6)
    half = finished(pixels, mixing, dtype=torch.bfloat16)
    # The interpreter truncates where a GPU rounds.
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), made, rtol=2**-7, atol=0)


def test_rectangles_are_noise_that_parts_share() -> None:
    pixels = make_images(4, 3, 24, 24)
    corners = torch.zeros(4, 4)
    corners[1] = torch.tensor([1.0, 2.0, 23.0, 24.0])
    corners[2] = torch.tensor([0.0, 0.0, 12.0, 24.0])
    whole = finished(pixels, None, corners=corners)
    plain = COLOUR.normalise(pixels)
    inside = torch.zeros(4, 24, 24, dtype=torch.bool)
    inside[1, 1:23, 2:24] = True
    inside[2, :12] = True
    inside = inside.unsqueeze(1).expand_as(whole)
    torch.testing.assert_close(whole[~inside], plain[~inside], rtol=1e-5, atol=1e-6)
    noise = whole[inside]
    assert abs(float(noise.mean())) < 0.1 and abs(float(noise.std()) - 1) < 0.1
    assert len(noise.unique()) > 0.99 * len(noise)
    part = finished(pixels[2:], None, corners=corners[2:], first=2)
    assert torch.equal(part, whole[2:])
    other = finished(pixels[2:], None, corners=corners[2:], first=2, seed=6)
    assert not torch.equal(part, other)


DEIT = AugmentationConfig(
    random_resized_crop=True, flip=0.5, policy="randaugment", mixup=0.8, cutmix=1.0
)
SMALL = replace(COLOUR, height=16, width=16)


@pytest.mark.parametrize(
    ("config", "info", "part"),
    [
        (DEIT, SMALL, slice(2, 4)),
        (replace(DEIT, random_resized_crop=False, mixup=0.0), replace(GRAY, height=12), slice(2)),
        (AugmentationConfig(policy="three_augment", color_jitter=0.3), SMALL, slice(1, 2)),
    ],
    ids=["deit", "gray", "deit3"],
)
def test_a_batch_is_that_of_the_operations(
    config: AugmentationConfig, info: DatasetInfo, part: slice
) -> None:
    size = 12
    pixels = make_images(4, info.channels, info.height, info.height)[part]
    draws = draw(config, 3, 4, (info.height, info.height), size)
    augmenter = Augmenter(config, info, size)
    expected = augmenter._by_operations(pixels, draws, part)
    made = augmenter._by_kernels(pixels, draws, part)
    assert made.shape == expected.shape and made.dtype == torch.float32
    # A pixel that the crop rounds to the next level may come out of an operation as another one.
    assert ((made - expected).abs() > 0.03).float().mean() < 0.05
