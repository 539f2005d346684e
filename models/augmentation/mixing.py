"""Mixup and cutmix of a batch: neighbours 2i and 2i + 1 are mixed with each other.

Batches are shuffled, so any pairing is as good; this one stays inside every process's part of a
batch, whatever their number.

Shape suffixes: B images, C channels, H height, W width, K classes.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.config import AugmentationConfig


class Mixing(NamedTuple):
    """How a batch is mixed.

    Attributes:
        share: of each image's own pixels and label; the rest are its partner's.
        box: rows and columns that come from the partner; ``None``: all pixels are blended.
    """

    share: float
    box: tuple[slice, slice] | None = None


def draw_mixing(
    rng: np.random.Generator, size: tuple[int, int], config: AugmentationConfig
) -> Mixing:
    """Draw how a batch of images of ``size`` (height, width) is mixed; maybe not: share 1.

    The share follows Beta(a, a). Cutmix takes a box of the image's shape with the area
    1 - share around a random centre; the share is then what the box, cut at the border, leaves.
    """
    mixed, switched = rng.random(2)
    if mixed >= config.mix_probability or not config.mixes:
        return Mixing(1.0)
    cuts = config.cutmix > 0 and (config.mixup == 0 or switched < config.switch_probability)
    alpha = config.cutmix if cuts else config.mixup
    share = float(rng.beta(alpha, alpha))
    if not cuts:
        return Mixing(share)
    rows, columns = (
        _around(int(rng.integers(length)), int(length * (1 - share) ** 0.5), length)
        for length in size
    )
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return Mixing(1 - area / (size[0] * size[1]), (rows, columns))


def _around(centre: int, extent: int, length: int) -> slice:
    return slice(max(0, centre - extent // 2), min(length, centre + extent // 2))


def mix_images(images_BCHW: Tensor, mixing: Mixing) -> Tensor:
    """Return the mixed images; overwrites ``images_BCHW``, whose number is even."""
    if mixing.share == 1:
        return images_BCHW
    if mixing.box is None:
        return images_BCHW.lerp_(_partners(images_BCHW), 1 - mixing.share)
    rows, columns = mixing.box
    # A copy, made before the first is overwritten.
    images_BCHW[:, :, rows, columns] = _partners(images_BCHW[:, :, rows, columns])
    return images_BCHW


def mix_labels(labels_B: Tensor, num_classes: int, mixing: Mixing) -> Tensor:
    """Return soft targets, float32 (B, K); each row sums to 1."""
    targets_BK = torch.zeros(len(labels_B), num_classes, device=labels_B.device)
    own_B1 = labels_B.unsqueeze(1)
    targets_BK.scatter_(1, own_B1, mixing.share)
    other_B1 = _partners(own_B1)
    rest_B1 = torch.full_like(other_B1, 1 - mixing.share, dtype=torch.float32)
    return targets_BK.scatter_add_(1, other_B1, rest_B1)


def _partners(values: Tensor) -> Tensor:
    return values.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
