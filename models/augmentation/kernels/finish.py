"""Normalisation, erasing and mixing in one launch, rounded once to the type that steps take.

Shape suffixes: B images, C channels, S side.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from trivit.models.augmentation.mixing import Mixing

_BLOCK = 1024


@triton.jit
def _finished(
    pixels,
    at,
    mask,
    number,
    first,
    channel,
    seed,
    statistics,
    corners,
    side,
    CHANNELS: tl.constexpr,
):
    """A channel of one image, normalised and erased, float32."""
    area = side * side
    image = pixels + (number * CHANNELS + channel) * area
    pixel = tl.load(image + at, mask=mask, other=0).to(tl.float32)
    mean, deviation = tl.load(statistics + channel), tl.load(statistics + CHANNELS + channel)
    value = (pixel / 255 - mean) / deviation
    corner = corners + number * 4
    top, left = tl.load(corner), tl.load(corner + 1)
    bottom, right = tl.load(corner + 2), tl.load(corner + 3)
    if bottom > top:
        row, column = at // side, at % side
        inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        # Counted in the whole batch, so that its parts see what they would in it.
        place = ((first + number) * CHANNELS + channel) * area + at
        value = tl.where(inside, tl.randn(seed, place.to(tl.int32)), value)
    return value


@triton.jit(do_not_specialize=["seed", "first", "top", "left", "bottom", "right"])
def _finish(
    pixels,
    out,
    statistics,
    corners,
    side,
    seed,
    first,
    share,
    top,
    left,
    bottom,
    right,
    CHANNELS: tl.constexpr,
    PAIRS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write (B, C, S, S) in the type of ``out``; with pairs, both images of one."""
    area = side * side
    one = tl.program_id(0).to(tl.int64) * (2 if PAIRS else 1)
    channel = tl.program_id(1)
    at = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    mask = at < area
    own = _finished(
        pixels, at, mask, one, first, channel, seed, statistics, corners, side, CHANNELS
    )
    to = out + (one * CHANNELS + channel) * area + at
    if PAIRS:
        two = one + 1
        other = _finished(
            pixels, at, mask, two, first, channel, seed, statistics, corners, side, CHANNELS
        )
        row, column = at // side, at % side
        boxed = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        rest = 1 - share
        mixed = tl.where(boxed, other, own + rest * (other - own))
        paired = tl.where(boxed, own, other + rest * (own - other))
        tl.store(to, mixed.to(out.dtype.element_ty), mask=mask)
        tl.store(to + CHANNELS * area, paired.to(out.dtype.element_ty), mask=mask)
    else:
        tl.store(to, own.to(out.dtype.element_ty), mask=mask)


def finish(
    pixels_BCSS: Tensor,
    statistics_2C: Tensor,
    corners_B4: Tensor,
    mixing: Mixing | None,
    *,
    seed: int,
    first: int,
    dtype: torch.dtype,
) -> Tensor:
    """Return the images normalised, erased and mixed, computed in float32, in ``dtype``.

    Args:
        pixels_BCSS: uint8, contiguous.
        statistics_2C: means, then standard deviations, of pixels / 255, float32.
        corners_B4: first row, first column, end row, end column of what is erased, float32; an
            image of which nothing is erased has zeros.
        mixing: of pairs; ``None``: images stay alone.
        seed: of the noise.
        first: place of the first image in the whole batch.
        dtype: of the result.
    """
    batch, channels, side, _ = pixels_BCSS.shape
    out = pixels_BCSS.new_empty(pixels_BCSS.shape, dtype=dtype)
    share, box = 1.0, (0, 0, 0, 0)
    if mixing is not None and mixing.box is not None:
        rows, columns = mixing.box
        box = (rows.start, columns.start, rows.stop, columns.stop)
    elif mixing is not None:
        share = mixing.share
    pairs = mixing is not None
    programs = batch // 2 if pairs else batch
    _finish[(programs, channels, triton.cdiv(side * side, _BLOCK))](
        *(pixels_BCSS, out, statistics_2C, corners_B4, side),
        *((seed ^ (seed >> 31)) & 0x7FFFFFFF, first, share, *box),
        *(channels, pairs, _BLOCK),
    )
    return out
