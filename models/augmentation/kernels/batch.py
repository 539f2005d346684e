"""A whole batch by the kernels: what is drawn goes to the device at once, then a few launches.

Shape suffixes: B images, C channels, S the model's image size, L layers.
"""

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.augmentation.draws import Draws
from trivit.models.augmentation.evaluation import evaluation_view
from trivit.models.augmentation.kernels.crop import crop
from trivit.models.augmentation.kernels.finish import finish
from trivit.models.augmentation.kernels.policy import apply_layer
from trivit.models.augmentation.plan import Op, Plan, carry_out
from trivit.models.augmentation.upload import upload


def augmented_images(
    pixels_BCHW: Tensor,
    draws: Draws,
    part: slice,
    config: AugmentationConfig,
    size: int,
    statistics_2C: Tensor,
    fill_C: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """Return the images (B, C, S, S) in ``dtype``: cropped, changed, normalised, erased, mixed.

    Args:
        pixels_BCHW: uint8 images, ``part`` of a batch.
        draws: of the whole batch.
        part: of it.
        config: interpolation.
        size: S.
        statistics_2C: means, then standard deviations, of pixels / 255, float32.
        fill_C: uint8 colour of what warps bring in.
        dtype: of the result.
    """
    pixels, device = pixels_BCHW.contiguous(), pixels_BCHW.device
    count, first = len(pixels), part.start or 0
    plan = None if draws.plan is None else draws.plan[part]
    changes = [] if plan is None or _blurs(plan) else _layers(plan)
    arrays = [_regions(draws, part), _corners(draws, first, count), *changes]
    flat = np.concatenate([array.ravel() for array in arrays])
    pieces = upload(flat, device).split([array.size for array in arrays])
    regions_B5, corners_B4 = pieces[0].view(count, 5), pieces[1].view(count, 4)
    if draws.regions is not None:
        pixels = crop(pixels, regions_B5, size, config.interpolation)
    else:
        pixels = evaluation_view(pixels, size).contiguous()
        if config.flip > 0:
            mirrored = regions_B5[:, 4].view(-1, 1, 1, 1) > 0
            pixels = torch.where(mirrored, pixels.flip(-1), pixels)
    for piece in pieces[2:]:
        op_B, argument_B, matrix = piece.split([count, count, 6 * count])
        matrix_B6 = matrix.view(count, 6)
        pixels = apply_layer(pixels, op_B, argument_B, matrix_B6, fill_C, config.interpolation)
    if plan is not None and _blurs(plan):
        pixels = carry_out(plan, pixels, fill_C, config.interpolation).contiguous()
    return finish(
        pixels,
        statistics_2C,
        corners_B4,
        draws.mixing,
        seed=draws.seed,
        first=first,
        dtype=dtype,
    )


def _regions(draws: Draws, part: slice) -> np.ndarray:
    """Return top, height, left, width, and 1 where it is mirrored, float32 (B, 5)."""
    mirrored = draws.mirrored[part].astype(np.float32)
    if draws.regions is None:
        whole = np.zeros_like(mirrored)
        return np.stack([whole, whole, whole, whole, mirrored], axis=1)
    top, left, high, wide = (values[part] for values in draws.regions)
    return np.stack([top, high, left, wide, mirrored], axis=1).astype(np.float32)


def _corners(draws: Draws, first: int, count: int) -> np.ndarray:
    """Return what is erased of each image, float32 (B, 4); zeros: nothing."""
    corners = np.zeros((count, 4), dtype=np.float32)
    if draws.rectangles is not None:
        which = draws.rectangles.which - first
        here = (which >= 0) & (which < count)
        corners[which[here]] = draws.rectangles.corners[here]
    return corners


def _blurs(plan: Plan) -> bool:
    return bool((plan.op == Op.BLUR).any())


def _layers(plan: Plan) -> list[np.ndarray]:
    """Return operations, arguments and matrices of each layer that does anything, float32."""
    plan = plan.composed()
    return [
        np.concatenate(
            [plan.op[:, i], plan.argument[:, i], plan.matrix[:, i, :2].ravel()], dtype=np.float32
        )
        for i in range(plan.op.shape[1])
        if plan.op[:, i].any()
    ]
