"""Crops and blurs against Pillow and against plain sums; the view of evaluation."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from trivit.models.augmentation import evaluated, evaluation_view
from trivit.models.augmentation.crop import draw_regions
from trivit.models.augmentation.resample import blur_weights, resample, resize_weights
from trivit.models.data import ImageDataset, Images

from .images import COLOUR, from_pillow, make_images, mean_difference, to_pillow, worst

CPU = torch.device("cpu")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("out", [16, 28, 64])
def test_crops_are_pillows(channels: int, interpolation: str, out: int) -> None:
    """Both where pixels become fewer (antialiasing) and where they become more."""
    images = make_images(8, channels, 37, 50)
    top, left, height, width = (
        np.array([0, 3, 10, 0, 20, 36, 7, 1]),
        np.array([0, 5, 0, 30, 11, 2, 49, 0]),
        np.array([37, 30, 12, 37, 9, 1, 22, 33]),
        np.array([50, 21, 50, 20, 31, 40, 1, 45]),
    )
    mirrored = np.array([False, True] * 4)
    rows = resize_weights(top, height, 37, out, interpolation, CPU)  # type: ignore[arg-type]
    columns = resize_weights(left, width, 50, out, interpolation, CPU, mirrored)  # type: ignore[arg-type]
    results = resample(images, rows, columns)
    method = Image.Resampling[interpolation.upper()]
    for i, image in enumerate(images):
        box = (left[i], top[i], left[i] + width[i], top[i] + height[i])
        resized = to_pillow(image).crop(box).resize((out, out), method)
        expected = from_pillow(resized)
        if mirrored[i]:
            expected = expected.flip(-1)
        # Pillow rounds and clamps between the two passes as well.
        assert worst(results[i], expected) <= 3
        assert mean_difference(results[i], expected) < 0.3


def test_half_precision_moves_a_level_at_most() -> None:
    """What CUDA computes with; Pillow itself rounds to whole levels between the passes."""
    images = make_images(6, 3, 96, 96)
    start, length = np.array([0, 10, 3, 40, 20, 1]), np.array([96, 50, 90, 20, 70, 33])
    weights = resize_weights(start, length, 96, 64, "bicubic", CPU)
    half = resample(images, weights, weights, torch.float16)
    single = resample(images, weights, weights)
    assert worst(half, single) <= 1
    assert mean_difference(half, single) < 0.1


def test_a_whole_image_at_its_own_size_stays() -> None:
    images = make_images(3, 3, 24, 24)
    whole = resize_weights(np.zeros(3), np.full(3, 24), 24, 24, "bicubic", CPU)
    assert torch.equal(whole, torch.eye(24).expand(3, -1, -1))
    assert torch.equal(resample(images, whole, whole), images)


def test_blur_is_a_gaussian_sum() -> None:
    sigmas = [0.1, 0.5, 1.3, 2.0]
    images = make_images(4, 3, 21, 21)
    weights = blur_weights(torch.tensor(sigmas), 21)
    results = resample(images, weights, weights)
    for image, sigma, result in zip(images.double().numpy(), sigmas, results, strict=True):
        for row, column in [(0, 0), (10, 4), (20, 20), (5, 16)]:
            total, norm = np.zeros(3), 0.0
            for y in range(21):
                for x in range(21):
                    weight = math.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
                    total += weight * image[:, y, x]
                    norm += weight
            assert np.abs(result[:, row, column].numpy() - total / norm).max() <= 0.51


def test_blur_is_close_to_pillows_box_approximation() -> None:
    images = make_images(3, 3, 40, 40)
    for sigma in (0.6, 1.0, 2.0):
        weights = blur_weights(torch.full((3,), sigma), 40)
        results = resample(images, weights, weights)
        blurred = [to_pillow(image).filter(ImageFilter.GaussianBlur(sigma)) for image in images]
        expected = torch.stack([from_pillow(image) for image in blurred])
        inner = (slice(None), slice(None), slice(8, 32), slice(8, 32))
        assert mean_difference(results[inner], expected[inner]) < 1.0
        assert mean_difference(images[inner], expected[inner]) > 1.2


def test_regions_have_the_areas_and_shapes_asked_for() -> None:
    rng = np.random.default_rng(0)
    top, left, height, width = draw_regions(rng, 20_000, (256, 256), (0.08, 1.0), (0.75, 4 / 3))
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + height <= 256).all() and (left + width <= 256).all()
    area, shape = height * width / 256**2, width / height
    assert area.min() > 0.075 and area.max() <= 1
    assert shape.min() > 0.72 and shape.max() < 1.39
    # Large areas with a long side do not fit and are drawn again: that lowers the mean of 0.54.
    small = area[area < 0.5]
    assert abs(np.mean(small) - 0.29) < 0.01
    assert abs(np.mean(np.log(shape[area < 0.5]))) < 0.01
    moves = (width < 200) & (height < 200)
    down, right = (top / (257 - height))[moves], (left / (257 - width))[moves]
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.03
    place = left[width < 200] / (256 - width[width < 200])
    counts, _ = np.histogram(place, bins=4, range=(0, 1))
    assert (np.abs(counts / len(place) - 0.25) < 0.02).all()


def test_regions_that_never_fit_are_central() -> None:
    rng = np.random.default_rng(0)
    top, left, height, width = draw_regions(rng, 5, (10, 100), (0.9, 1.0), (0.75, 4 / 3))
    assert (height == 10).all() and (width == 13).all()
    assert (top == 0).all() and (left == 43).all()


def test_evaluation_cuts_the_centre_of_images_stored_for_it() -> None:
    images = make_images(2, 3, 64, 80)
    view = evaluation_view(images, 56)
    assert torch.equal(view, images[:, :, 4:60, 12:68])


def test_evaluation_leaves_images_of_the_models_size() -> None:
    images = make_images(2, 1, 28, 28)
    assert evaluation_view(images, 28) is images


@pytest.mark.parametrize(("height", "width"), [(40, 40), (100, 70), (60, 131)])
def test_evaluation_resizes_the_shorter_side(height: int, width: int) -> None:
    images = make_images(3, 3, height, width)
    view = evaluation_view(images, 42)
    scale = 48 / min(height, width)
    size = (round(width * scale), round(height * scale))
    assert view.shape == (3, 3, 42, 42) and view.dtype == torch.uint8
    for image, result in zip(images, view, strict=True):
        resized = from_pillow(to_pillow(image).resize(size, Image.Resampling.BICUBIC))
        top, left = round((size[1] - 42) / 2), round((size[0] - 42) / 2)
        expected = resized[:, top : top + 42, left : left + 42]
        assert worst(result, expected) <= 3
        assert mean_difference(result, expected) < 0.3


def test_a_dataset_can_be_seen_as_evaluation_sees_it() -> None:
    images = Images(make_images(9, 3, 48, 48), torch.arange(9) % 7)
    dataset = ImageDataset(COLOUR, images, images.first(4))
    assert evaluated(dataset, 48) is dataset
    seen = evaluated(dataset, 32)
    assert (seen.info.height, seen.info.width, seen.info.mean) == (32, 32, COLOUR.mean)
    assert (len(seen.train), len(seen.test)) == (9, 4)
    expected = evaluation_view(images.pixels, 32)
    whole = seen.train.to(CPU).in_memory()
    assert torch.equal(whole.pixels, expected) and torch.equal(whole.labels, images.labels)
    (drawn,) = seen.train.first(5).stream([torch.tensor([4, 0])])
    assert torch.equal(drawn, expected[[4, 0]])
