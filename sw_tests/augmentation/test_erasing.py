"""Random erasing: rectangles of noise, where and as often as asked for."""

import numpy as np
import torch

from trivit.models.augmentation.erasing import Rectangles, draw_rectangles, erase


def test_rectangles_become_noise_and_nothing_else_changes() -> None:
    images = torch.zeros(5, 3, 40, 50)
    rectangles = Rectangles(np.array([1, 4]), np.array([[2, 3, 30, 45], [0, 0, 40, 1]]))
    erased = erase(images, rectangles, torch.Generator().manual_seed(0), slice(None))
    for i in range(5):
        mask = torch.zeros(40, 50, dtype=torch.bool)
        if i in (1, 4):
            top, left, bottom, right = rectangles.corners[[1, 4].index(i)]
            mask[top:bottom, left:right] = True
        assert torch.equal((erased[i] != 0).all(dim=0), mask)
        assert not erased[i][:, ~mask].any()
    noise = erased[1][:, 2:30, 3:45]
    assert abs(noise.mean()) < 0.06 and abs(noise.std() - 1) < 0.05
    assert not torch.equal(noise[0], noise[1])


def test_a_part_gets_what_it_gets_in_the_whole_batch() -> None:
    rectangles = draw_rectangles(np.random.default_rng(3), 12, (20, 20), 0.6, (0.02, 1 / 3))
    whole = erase(
        torch.zeros(12, 1, 20, 20), rectangles, torch.Generator().manual_seed(1), slice(0)
    )
    for start in range(0, 12, 4):
        part = slice(start, start + 4)
        generator = torch.Generator().manual_seed(1)
        erased = erase(torch.zeros(4, 1, 20, 20), rectangles, generator, part)
        assert torch.equal(erased, whole[part])


def test_probability_area_and_shape() -> None:
    rectangles = draw_rectangles(np.random.default_rng(0), 40_000, (224, 224), 0.25, (0.02, 1 / 3))
    top, left, bottom, right = rectangles.corners.T
    assert abs(len(rectangles.which) / 40_000 - 0.25) < 0.01
    assert (np.diff(rectangles.which) > 0).all()
    assert top.min() == 0 and left.min() == 0 and bottom.max() == 224 and right.max() == 224
    height, width = bottom - top, right - left
    area, shape = height * width / 224**2, height / width
    assert area.min() > 0.019 and area.max() < 0.335
    assert abs(area.mean() - (0.02 + 1 / 3) / 2) < 0.01
    assert shape.min() > 0.28 and shape.max() < 3.6
    assert abs(np.log(shape).mean()) < 0.03


def test_rectangles_that_never_fit_are_left_out() -> None:
    rectangles = draw_rectangles(np.random.default_rng(0), 100, (1, 1), 1.0, (0.5, 0.9))
    assert len(rectangles.which) == 0
