"""Affine warps: matrices that compose, and the one resampling that follows.

A matrix takes a place in the result, (x, y, 1) in pixels with the origin at the corner, to the
place in the source, as in Pillow's ``transform``.

Shape suffixes: B images, C channels, H height, W width.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.augmentation.config import Interpolation
from trivit.models.augmentation.resample import to_uint8


def identity(*shape: int) -> np.ndarray:
    """Return identity matrices of shape (*shape, 3, 3), float64."""
    return np.broadcast_to(np.eye(3), (*shape, 3, 3)).copy()


def shear_x(factor: np.ndarray) -> np.ndarray:
    """Return matrices (..., 3, 3) that move each row by ``factor`` times its height."""
    matrix = identity(*factor.shape)
    matrix[..., 0, 1] = factor
    return matrix


def shear_y(factor: np.ndarray) -> np.ndarray:
    """Return matrices (..., 3, 3) that move each column by ``factor`` times its place."""
    matrix = identity(*factor.shape)
    matrix[..., 1, 0] = factor
    return matrix


def translate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return matrices (..., 3, 3) that move the image to the left and up by pixels."""
    matrix = identity(*x.shape)
    matrix[..., 0, 2], matrix[..., 1, 2] = x, y
    return matrix


def rotate(degrees: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return matrices (..., 3, 3) that turn the image counter-clockwise about its centre."""
    angle = -np.radians(degrees)
    cosine, sine, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    turn = identity(*degrees.shape)
    turn[..., 0, 0], turn[..., 0, 1] = cosine, sine
    turn[..., 1, 0], turn[..., 1, 1] = -sine, cosine
    away = translate(zero - width / 2, zero - height / 2)
    back = translate(zero + width / 2, zero + height / 2)
    return back @ turn @ away


def warp(
    pixels_BCHW: Tensor, matrix_B23: Tensor, fill_C: Tensor, interpolation: Interpolation
) -> Tensor:
    """Return uint8 images drawn from the places that the matrices give.

    Places outside the image give ``fill_C``; at its border the outermost pixels repeat.

    Args:
        pixels_BCHW: uint8 images.
        matrix_B23: the upper two rows of the matrices, float32.
        fill_C: uint8 colour.
        interpolation: bilinear as in Pillow; bicubic with torch's kernel (a = -0.75).
    """
    height, width = pixels_BCHW.shape[-2:]
    device = pixels_BCHW.device
    y_H1 = torch.arange(height, device=device).view(-1, 1) + 0.5
    x_W = torch.arange(width, device=device) + 0.5
    a, b, c, d, e, f = matrix_B23.reshape(-1, 6, 1, 1).unbind(1)
    x_BHW, y_BHW = a * x_W + b * y_H1 + c, d * x_W + e * y_H1 + f
    inside_BHW = (x_BHW >= 0) & (x_BHW < width) & (y_BHW >= 0) & (y_BHW < height)
    grid = torch.stack([2 / width * x_BHW - 1, 2 / height * y_BHW - 1], dim=-1)
    values = F.grid_sample(
        pixels_BCHW.float(), grid, mode=interpolation, padding_mode="border", align_corners=False
    )
    return torch.where(inside_BHW.unsqueeze(1), to_uint8(values), fill_C.view(1, -1, 1, 1))
