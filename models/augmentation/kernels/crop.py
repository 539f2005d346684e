"""Crop, mirror and resize: along the rows, then along the columns.

Each output pixel takes a few neighbouring taps of the image's own region, with the weights of
`resample.resize_weights`. Rows outside of a region are not touched.

Shape suffixes: B images, C channels, H height, W width, S output size.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from trivit.models.augmentation.config import Interpolation

_ROWS = 4


@triton.jit
def to_uint8(values):
    """Round as PyTorch does, half to even, and clamp."""
    rounded = tl.floor(values + 0.5)
    odd = (rounded - 2 * tl.floor(rounded * 0.5)) == 1
    rounded = tl.where((rounded - values == 0.5) & odd, rounded - 1, rounded)
    return tl.minimum(tl.maximum(rounded, 0.0), 255.0).to(tl.int32).to(tl.uint8)


@triton.jit
def _along_rows(
    pixels,
    regions,
    out,
    channels,
    height,
    width,
    size,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    TAPS: tl.constexpr,
    CUBIC: tl.constexpr,
):
    """Write float16 (B, C, H, S): each row of a region resized, and mirrored where that is."""
    plane = tl.program_id(0).to(tl.int64)
    region = regions + (plane // channels) * 5
    top, high = tl.load(region), tl.load(region + 1)
    left, wide, mirrored = tl.load(region + 2), tl.load(region + 3), tl.load(region + 4)
    first_row = tl.program_id(1) * ROWS
    if (first_row < top + high) & (first_row + ROWS > top):
        row = first_row + tl.arange(0, ROWS)
        column = tl.arange(0, COLUMNS)
        wanted = column < size
        place = tl.where(mirrored > 0, size - 1 - column, column).to(tl.float32)
        scale = wide / size
        spread = tl.maximum(scale, 1.0)
        centre = left + (place + 0.5) * scale
        first = tl.floor(centre - spread * (2.0 if CUBIC else 1.0))
        total = tl.zeros([COLUMNS], tl.float32)
        sums = tl.zeros([ROWS, COLUMNS], tl.float32)
        for tap in tl.static_range(TAPS):
            pixel = first + tap
            inside = (pixel >= left) & (pixel < left + wide) & wanted
            x = tl.abs(pixel + 0.5 - centre) / spread
            if CUBIC:
                # Keys' cubic with a = -0.5, as Pillow resizes.
                far = tl.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0.0)
                weight = tl.where(x < 1, (1.5 * x - 2.5) * x * x + 1, far)
            else:
                weight = tl.maximum(1 - x, 0.0)
            weight = tl.where(inside, weight, 0.0)
            total += weight
            at = plane * height * width + row[:, None] * width + pixel.to(tl.int32)[None, :]
            seen = inside[None, :] & (row < height)[:, None]
            value = tl.load(pixels + at, mask=seen, other=0).to(tl.float32)
            sums += weight[None, :] * value
        total = tl.where(wanted, total, 1.0)
        at = (plane * height + row[:, None]) * size + column[None, :]
        kept = wanted[None, :] & (row < height)[:, None]
        tl.store(out + at, (sums / total[None, :]).to(tl.float16), mask=kept)


@triton.jit
def _along_columns(
    lines,
    regions,
    out,
    channels,
    height,
    size,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    TAPS: tl.constexpr,
    CUBIC: tl.constexpr,
):
    """Write uint8 (B, C, S, S) from what `_along_rows` left."""
    plane = tl.program_id(0).to(tl.int64)
    region = regions + (plane // channels) * 5
    top, high = tl.load(region), tl.load(region + 1)
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, COLUMNS)
    kept = (row < size)[:, None] & (column < size)[None, :]
    scale = high / size
    spread = tl.maximum(scale, 1.0)
    centre = top + (row.to(tl.float32) + 0.5) * scale
    first = tl.floor(centre - spread * (2.0 if CUBIC else 1.0))
    total = tl.zeros([ROWS], tl.float32)
    sums = tl.zeros([ROWS, COLUMNS], tl.float32)
    for tap in tl.static_range(TAPS):
        line = first + tap
        inside = (line >= top) & (line < top + high)
        x = tl.abs(line + 0.5 - centre) / spread
        if CUBIC:
            far = tl.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0.0)
            weight = tl.where(x < 1, (1.5 * x - 2.5) * x * x + 1, far)
        else:
            weight = tl.maximum(1 - x, 0.0)
        weight = tl.where(inside, weight, 0.0)
        total += weight
        at = (plane * height + line.to(tl.int32)[:, None]) * size + column[None, :]
        value = tl.load(lines + at, mask=inside[:, None] & kept, other=0.0).to(tl.float32)
        sums += weight[:, None] * value
    total = tl.where(row < size, total, 1.0)
    at = (plane * size + row[:, None]) * size + column[None, :]
    tl.store(out + at, to_uint8(sums / total[:, None]), mask=kept)


def crop(
    pixels_BCHW: Tensor, regions_B5: Tensor, size: int, interpolation: Interpolation
) -> Tensor:
    """Return uint8 images (B, C, S, S): a region of each, resized, some of them mirrored.

    Args:
        pixels_BCHW: uint8, contiguous.
        regions_B5: top, height, left, width, and 1 where it is mirrored, float32.
        size: S.
        interpolation: kernel; it widens where pixels become fewer.
    """
    batch, channels, height, width = pixels_BCHW.shape
    cubic = interpolation == "bicubic"
    lines = pixels_BCHW.new_empty((batch, channels, height, size), dtype=torch.float16)
    out = pixels_BCHW.new_empty((batch, channels, size, size))
    planes, shared = batch * channels, (_ROWS, triton.next_power_of_2(size))
    _along_rows[(planes, triton.cdiv(height, _ROWS))](
        *(pixels_BCHW, regions_B5, lines, channels, height, width, size),
        *(*shared, _taps(width / size, cubic), cubic),
    )
    _along_columns[(planes, triton.cdiv(size, _ROWS))](
        *(lines, regions_B5, out, channels, height, size),
        *(*shared, _taps(height / size, cubic), cubic),
    )
    return out


def _taps(largest_scale: float, cubic: bool) -> int:
    return 2 * math.ceil((2 if cubic else 1) * max(1.0, largest_scale)) + 1
