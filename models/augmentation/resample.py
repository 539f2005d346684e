"""Resizing and blurring as two products with a matrix per image: rows, then columns.

A batch in which each image has a region and a scale of its own is then one batched product, which
every device does well, and the result has the antialiasing of Pillow's ``crop`` and ``resize``.

Shape suffixes: B images, C channels, H height, W width, S output size, T taps.
"""

import math

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.config import Interpolation
from trivit.models.augmentation.upload import upload

_SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}


def _kernel(distance: Tensor, interpolation: Interpolation) -> Tensor:
    x = distance.abs()
    if interpolation == "bilinear":
        return (1 - x).clamp(min=0)
    # Keys' cubic with a = -0.5, as Pillow resizes.
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def resize_weights(
    start_B: np.ndarray,
    length_B: np.ndarray,
    size: int,
    out: int,
    interpolation: Interpolation,
    device: torch.device,
    mirrored_B: np.ndarray | None = None,
    part: slice = slice(None),
) -> Tensor:
    """Return the matrices (B, out, size), float32, that resize a region of each image's side.

    Args:
        start_B: first pixel of each region.
        length_B: its pixels.
        size: pixels of the side.
        out: pixels wanted.
        interpolation: kernel; it widens where pixels become fewer.
        device: where the matrices are made.
        mirrored_B: whether to give the pixels in reverse order, bool.
        part: rows of the matrices to return.
    """
    scale_B = length_B / out
    support = _SUPPORT[interpolation] * max(1.0, float(scale_B.max()))
    taps = 2 * math.ceil(support) + 1
    start_B11, end_B11, scale_B11 = (
        upload(np.stack([start_B, start_B + length_B, scale_B]).astype(np.float32), device)
        .view(3, -1, 1, 1)
        .unbind(0)
    )
    place_S = torch.arange(out, device=device, dtype=torch.float32)[part].view(1, -1, 1)
    if mirrored_B is not None:
        mirrored_B11 = upload(mirrored_B, device).view(-1, 1, 1)
        place_S = torch.where(mirrored_B11, out - 1 - place_S, place_S)
    centre_BS1 = start_B11 + (place_S + 0.5) * scale_B11
    first_BS1 = (centre_BS1 - support).floor()
    pixel_BST = first_BS1 + torch.arange(taps, device=device)
    weight_BST = _kernel((pixel_BST + 0.5 - centre_BS1) / scale_B11.clamp(min=1), interpolation)
    inside_BST = (pixel_BST >= start_B11) & (pixel_BST < end_B11)
    weight_BST = torch.where(inside_BST, weight_BST, 0.0)
    weight_BST = weight_BST / weight_BST.sum(dim=-1, keepdim=True)
    # Taps outside all go to a last column that is cut off: scatter must not meet a place twice.
    column_BST = torch.where(inside_BST, pixel_BST, float(size)).long()
    weights = torch.zeros(len(start_B), column_BST.shape[1], size + 1, device=device)
    return weights.scatter_(2, column_BST, weight_BST)[:, :, :size]


def blur_weights(sigma_B: Tensor, size: int) -> Tensor:
    """Return the matrices (B, size, size), float32, of a Gaussian blur of each image's side.

    Args:
        sigma_B: standard deviations in pixels. At the border, what lies inside counts alone.
        size: pixels of the side.
    """
    place = torch.arange(size, device=sigma_B.device, dtype=torch.float32)
    distance = (place.unsqueeze(0) - place.unsqueeze(1)) / sigma_B.view(-1, 1, 1)
    return torch.softmax(-0.5 * distance * distance, dim=-1)


def resample(
    pixels_BCHW: Tensor, rows: Tensor, columns: Tensor, dtype: torch.dtype | None = None
) -> Tensor:
    """Return uint8 images (B, C, rows out, columns out): the product with both matrices, rounded.

    Args:
        pixels_BCHW: uint8 images.
        rows: (B, out, H); a single matrix serves all images.
        columns: (B, out, W).
        dtype: of the products: by default float32, on CUDA float16, which holds pixel values
            exactly and moves results by one level at most.
    """
    if dtype is None:
        dtype = torch.float16 if pixels_BCHW.is_cuda else torch.float32
    batch, channels, height, width = pixels_BCHW.shape
    rows = rows.to(dtype).expand(batch, -1, -1)
    columns = columns.to(dtype).expand(batch, -1, -1)
    values = pixels_BCHW.to(dtype).reshape(batch, channels * height, width)
    values = torch.bmm(values, columns.transpose(1, 2)).view(batch, channels, height, -1)
    # Channel by channel: a product over all would copy the matrices for each.
    values = torch.stack([torch.bmm(rows, values[:, c]) for c in range(channels)], dim=1)
    return to_uint8(values)


def to_uint8(values: Tensor) -> Tensor:
    """Return float pixel values rounded and clamped to uint8; overwrites ``values``."""
    return values.round_().clamp_(0, 255).to(torch.uint8)
