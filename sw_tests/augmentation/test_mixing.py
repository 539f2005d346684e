"""Mixup and cutmix against sums over single images, and their distributions."""

import numpy as np
import torch

from trivit.models.augmentation import AugmentationConfig
from trivit.models.augmentation.mixing import Mixing, draw_mixing, mix_images, mix_labels

BOTH = AugmentationConfig(mixup=0.8, cutmix=1.0)


def partner(i: int) -> int:
    return i + 1 if i % 2 == 0 else i - 1


def test_mixup_blends_neighbours_and_their_labels() -> None:
    images = torch.rand(6, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 2, 3, 0])
    mixing = Mixing(0.7)
    mixed, targets = mix_images(images.clone(), mixing), mix_labels(labels, 4, mixing)
    for i in range(6):
        expected = 0.7 * images[i] + 0.3 * images[partner(i)]
        torch.testing.assert_close(mixed[i], expected)
        wanted = torch.zeros(4)
        wanted[labels[i]] += 0.7
        wanted[labels[partner(i)]] += 0.3
        torch.testing.assert_close(targets[i], wanted)


def test_cutmix_swaps_a_box_between_neighbours() -> None:
    images = torch.rand(4, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    mixing = Mixing(1 - 6 / 48, (slice(2, 4), slice(5, 8)))
    mixed = mix_images(images.clone(), mixing)
    for i in range(4):
        for row in range(6):
            for column in range(8):
                inside = 2 <= row < 4 and 5 <= column < 8
                source = images[partner(i)] if inside else images[i]
                assert mixed[i, 0, row, column] == source[0, row, column]


def test_shares_follow_the_beta_distributions() -> None:
    rng = np.random.default_rng(0)
    mixup = AugmentationConfig(mixup=0.8)
    shares = np.array([draw_mixing(rng, (32, 32), mixup).share for _ in range(5000)])
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)).
    assert abs(shares.mean() - 0.5) < 0.015
    assert abs(shares.var() - 1 / (4 * 2.6)) < 0.005


def test_cutmix_boxes_are_where_and_as_large_as_said() -> None:
    rng = np.random.default_rng(0)
    centres, areas = [], []
    for _ in range(4000):
        mixing = draw_mixing(rng, (40, 60), AugmentationConfig(cutmix=1.0))
        assert mixing.box is not None
        rows, columns = mixing.box
        assert 0 <= rows.start <= rows.stop <= 40 and 0 <= columns.start <= columns.stop <= 60
        area = (rows.stop - rows.start) * (columns.stop - columns.start) / 2400
        assert abs(mixing.share - (1 - area)) < 1e-12
        centres.append((rows.start + rows.stop) / 80)
        areas.append(area)
    assert abs(np.mean(centres) - 0.5) < 0.02
    # Half the image on average, less what the border cuts off.
    assert 0.25 < np.mean(areas) < 0.42


def test_batches_switch_between_the_two() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_mixing(rng, (32, 32), BOTH) for _ in range(2000)]
    assert abs(np.mean([mixing.box is not None for mixing in drawn]) - 0.5) < 0.04
    rarely = AugmentationConfig(mixup=0.8, cutmix=1.0, switch_probability=0.1, mix_probability=0.4)
    drawn = [draw_mixing(rng, (32, 32), rarely) for _ in range(2000)]
    mixed = [mixing for mixing in drawn if mixing.share < 1]
    assert abs(len(mixed) / 2000 - 0.4) < 0.04
    assert abs(np.mean([mixing.box is not None for mixing in mixed]) - 0.1) < 0.04


def test_unmixed_batches_keep_images_and_have_hard_targets() -> None:
    images = torch.rand(2, 1, 3, 3)
    assert torch.equal(mix_images(images.clone(), Mixing(1.0)), images)
    assert torch.equal(mix_labels(torch.tensor([1, 0]), 2, Mixing(1.0)), torch.eye(2).flip(0))
