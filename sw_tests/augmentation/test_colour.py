"""Colour operations against Pillow, image by image."""

from collections.abc import Callable

import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from trivit.models.augmentation import colour

from .images import from_pillow, make_images, to_pillow, worst

COLOUR = make_images(12, 3, 40, 48)
GRAY = make_images(12, 1, 28, 28)
FACTORS = torch.tensor([0.1, 0.19, 0.3, 0.7, 0.95, 1.0, 1.05, 1.3, 1.7, 1.81, 1.9, 1.0])


def solarize_add(image: Image.Image, addend: float) -> Image.Image:
    table = [min(255, value + int(addend)) if value < 128 else value for value in range(256)]
    return image.point(table * len(image.getbands()))


WITH_ARGUMENT: list[tuple[Callable[[Tensor, Tensor], Tensor], Callable, Tensor]] = [
    (colour.posterize, lambda i, a: ImageOps.posterize(i, int(a)), 1 + torch.arange(12) % 8),
    (colour.solarize, lambda i, a: ImageOps.solarize(i, int(a)), torch.arange(12) * 23.0),
    (colour.solarize_add, solarize_add, torch.arange(12) * 10.0),
    (colour.color, lambda i, a: ImageEnhance.Color(i).enhance(a), FACTORS),
    (colour.contrast, lambda i, a: ImageEnhance.Contrast(i).enhance(a), FACTORS),
    (colour.brightness, lambda i, a: ImageEnhance.Brightness(i).enhance(a), FACTORS),
    (colour.sharpness, lambda i, a: ImageEnhance.Sharpness(i).enhance(a), FACTORS),
]


@pytest.mark.parametrize("images", [COLOUR, GRAY], ids=["colour", "gray"])
@pytest.mark.parametrize(
    ("ours", "pillow", "arguments"), WITH_ARGUMENT, ids=[o.__name__ for o, _, _ in WITH_ARGUMENT]
)
def test_operations_with_a_strength_are_pillows(
    images: Tensor, ours: Callable, pillow: Callable, arguments: Tensor
) -> None:
    results = ours(images, arguments)
    expected = [
        from_pillow(pillow(to_pillow(image), float(argument)))
        for image, argument in zip(images, arguments, strict=True)
    ]
    # A blend that falls on a whole number may be truncated to the one below.
    blends = arguments is FACTORS
    assert results.dtype == torch.uint8
    assert worst(results, torch.stack(expected)) <= (1 if blends else 0)
    if blends:
        assert (results != torch.stack(expected)).float().mean() < 0.002


@pytest.mark.parametrize("images", [COLOUR, GRAY], ids=["colour", "gray"])
@pytest.mark.parametrize(
    ("ours", "pillow", "allowed"),
    [
        (colour.autocontrast, ImageOps.autocontrast, 1),
        (colour.equalize, ImageOps.equalize, 0),
        (colour.invert, ImageOps.invert, 0),
    ],
)
def test_operations_without_a_strength_are_pillows(
    images: Tensor, ours: Callable, pillow: Callable, allowed: int
) -> None:
    flat = torch.full_like(images[:1], 77)
    two = flat.clone()
    two[..., :3] = 200
    images = torch.cat([images, flat, two])
    expected = torch.stack([from_pillow(pillow(to_pillow(image))) for image in images])
    results = ours(images)
    # Pillow's autocontrast truncates some exact results to the number below.
    assert worst(results, expected) <= allowed
    assert (results != expected).float().mean() <= 0.01 * allowed


def test_grayscale_is_pillows() -> None:
    expected = [from_pillow(to_pillow(image).convert("L")).expand(3, -1, -1) for image in COLOUR]
    assert torch.equal(colour.grayscale(COLOUR), torch.stack(expected))
    assert torch.equal(colour.grayscale(GRAY), GRAY)


def test_images_of_two_channels_have_a_mean_brightness() -> None:
    images = COLOUR[:, :2]
    expected = images.double().mean(dim=1, keepdim=True)
    assert (colour.luminance(images).double() - expected).abs().max() <= 0.5


@pytest.mark.parametrize("operation", [colour.color, colour.contrast, colour.sharpness])
def test_factor_1_changes_nothing(operation: Callable) -> None:
    assert worst(operation(COLOUR, torch.ones(12)), COLOUR) == 0


def test_no_bits_are_black() -> None:
    assert not colour.posterize(COLOUR, torch.zeros(12)).any()
