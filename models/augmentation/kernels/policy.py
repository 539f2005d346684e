"""A layer of a policy: one operation for each image, in two launches for the whole batch.

Most operations give each value of a channel another one, whatever pixel has it: `_tables` makes a
table of the 256 values for each channel that needs one, from the channel's histogram or the image's
mean brightness where the operation asks for them. `_apply` looks values up, or does what a table
cannot: warps, saturation and sharpness.

Shape suffixes: B images, C channels, S side, L layers.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from trivit.models.augmentation.config import Interpolation
from trivit.models.augmentation.kernels.crop import to_uint8
from trivit.models.augmentation.plan import Op

_BLOCK = 1024
_SCANNED = 4096

NOTHING = tl.constexpr(int(Op.NOTHING))
WARP = tl.constexpr(int(Op.WARP))
AUTOCONTRAST = tl.constexpr(int(Op.AUTOCONTRAST))
EQUALIZE = tl.constexpr(int(Op.EQUALIZE))
INVERT = tl.constexpr(int(Op.INVERT))
POSTERIZE = tl.constexpr(int(Op.POSTERIZE))
SOLARIZE = tl.constexpr(int(Op.SOLARIZE))
SOLARIZE_ADD = tl.constexpr(int(Op.SOLARIZE_ADD))
COLOR = tl.constexpr(int(Op.COLOR))
CONTRAST = tl.constexpr(int(Op.CONTRAST))
BRIGHTNESS = tl.constexpr(int(Op.BRIGHTNESS))
SHARPNESS = tl.constexpr(int(Op.SHARPNESS))
GRAYSCALE = tl.constexpr(int(Op.GRAYSCALE))


@triton.jit
def _clamped(values):
    """Clamp to 0..255 and truncate: int32."""
    return tl.minimum(tl.maximum(values, 0.0), 255.0).to(tl.int32)


@triton.jit
def _luminance(image, at, area, mask, CHANNELS: tl.constexpr):
    """Brightness, int32, by ITU-R 601-2 in 16-bit fixed point."""
    light = tl.load(image + at, mask=mask, other=0).to(tl.int32)
    if CHANNELS == 3:
        green = tl.load(image + area + at, mask=mask, other=0).to(tl.int32)
        blue = tl.load(image + 2 * area + at, mask=mask, other=0).to(tl.int32)
        light = (light * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return light


@triton.jit
def _tables(pixels, ops, arguments, tables, area, CHANNELS: tl.constexpr, SCANNED: tl.constexpr):
    """Write uint8 (B, C, 256) of the images whose operation is a table."""
    number = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1)
    op = tl.load(ops + number).to(tl.int32)
    argument = tl.load(arguments + number)
    image = pixels + number * CHANNELS * area
    value = tl.arange(0, 512)  # from 256 on: pixels beyond the end
    table = value
    if (op == AUTOCONTRAST) | (op == EQUALIZE):
        counts = tl.zeros([512], tl.int32)
        for start in range(0, area, SCANNED):
            at = start + tl.arange(0, SCANNED)
            seen = tl.load(image + channel * area + at, mask=at < area, other=0).to(tl.int32)
            counts += tl.histogram(tl.where(at < area, seen, 256), 512)
        occurs = (counts > 0) & (value < 256)
        low = tl.min(tl.where(occurs, value, 255), axis=0)
        high = tl.max(tl.where(occurs, value, 0), axis=0)
        if op == AUTOCONTRAST:
            if high > low:
                # The small addition keeps exact results from being truncated to the number below.
                factor = 255.0 / (high - low).to(tl.float32)
                table = _clamped((value - low).to(tl.float32) * factor + 1e-3)
        else:
            last = tl.sum(tl.where(value == high, counts, 0), axis=0)
            step = (area - last) // 255
            if step > 0:
                below = tl.cumsum(counts, axis=0) - counts
                table = tl.minimum((below + step // 2) // step, 255)
    elif op == CONTRAST:
        light = tl.zeros([SCANNED], tl.int32)
        for start in range(0, area, SCANNED):
            at = start + tl.arange(0, SCANNED)
            light += _luminance(image, at, area, at < area, CHANNELS)
        # The mean, rounded: halves up.
        mean = ((2 * tl.sum(light, axis=0).to(tl.int64) + area) // (2 * area)).to(tl.float32)
        table = _clamped(mean + argument * (value.to(tl.float32) - mean))
    elif op == INVERT:
        table = 255 - value
    elif op == POSTERIZE:
        table = value & (256 - (1 << (8 - argument.to(tl.int32))))
    elif op == SOLARIZE:
        table = tl.where(value < argument.to(tl.int32), value, 255 - value)
    elif op == SOLARIZE_ADD:
        raised = tl.minimum(value + argument.to(tl.int32), 255)
        table = tl.where(value < 128, raised, value)
    elif op == BRIGHTNESS:
        table = _clamped(value.to(tl.float32) * argument)
    to = tables + (number * CHANNELS + channel) * 256 + value
    tl.store(to, table.to(tl.uint8), mask=value < 256)


@triton.jit
def _warped(plane, x, y, side, mask, CUBIC: tl.constexpr):
    """Pixels at places in the image, float32; at its border the outermost repeat."""
    if not CUBIC:
        x = tl.minimum(tl.maximum(x, 0.0), side - 1.0)
        y = tl.minimum(tl.maximum(y, 0.0), side - 1.0)
    left, top = tl.floor(x), tl.floor(y)
    value = tl.zeros_like(x)
    for down in tl.static_range(-1 if CUBIC else 0, 3 if CUBIC else 2):
        v = tl.abs(y - top - down)
        line = tl.minimum(tl.maximum(top.to(tl.int32) + down, 0), side - 1)
        sums = tl.zeros_like(x)
        for right in tl.static_range(-1 if CUBIC else 0, 3 if CUBIC else 2):
            u = tl.abs(x - left - right)
            column = tl.minimum(tl.maximum(left.to(tl.int32) + right, 0), side - 1)
            pixel = tl.load(plane + line * side + column, mask=mask, other=0).to(tl.float32)
            if CUBIC:  # as torch's, a = -0.75
                far = ((-0.75 * u + 3.75) * u - 6) * u + 3
                sums += tl.where(u < 1, (1.25 * u - 2.25) * u * u + 1, far) * pixel
            else:
                sums += (1 - u) * pixel
        if CUBIC:
            far = ((-0.75 * v + 3.75) * v - 6) * v + 3
            value += tl.where(v < 1, (1.25 * v - 2.25) * v * v + 1, far) * sums
        else:
            value += (1 - v) * sums
    return value


@triton.jit
def _smooth(plane, at, row, column, side, mask):
    """Each pixel's neighbourhood, rounded; the outermost pixels stay."""
    pixel = tl.load(plane + at, mask=mask, other=0).to(tl.int32)
    inner = mask & (row > 0) & (row < side - 1) & (column > 0) & (column < side - 1)
    total = 4 * pixel
    for down in tl.static_range(-1, 2):
        for right in tl.static_range(-1, 2):
            near = at + down * side + right
            total += tl.load(plane + near, mask=inner, other=0).to(tl.int32)
    return tl.where(inner, (2 * total + 13) // 26, pixel)


@triton.jit
def _apply(
    pixels,
    out,
    ops,
    arguments,
    matrices,
    tables,
    fill,
    side,
    CHANNELS: tl.constexpr,
    CUBIC: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write uint8 (B, C, S, S): each image after its operation."""
    number = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1)
    op = tl.load(ops + number).to(tl.int32)
    argument = tl.load(arguments + number)
    area = side * side
    at = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    mask = at < area
    image = pixels + number * CHANNELS * area
    plane, to = image + channel * area, out + (number * CHANNELS + channel) * area
    row, column = at // side, at % side
    if op == NOTHING:
        tl.store(to + at, tl.load(plane + at, mask=mask), mask=mask)
    elif op == WARP:
        matrix = matrices + number * 6
        x, y = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
        from_x = tl.load(matrix) * x + tl.load(matrix + 1) * y + tl.load(matrix + 2)
        from_y = tl.load(matrix + 3) * x + tl.load(matrix + 4) * y + tl.load(matrix + 5)
        inside = (from_x >= 0) & (from_x < side) & (from_y >= 0) & (from_y < side) & mask
        warped = to_uint8(_warped(plane, from_x - 0.5, from_y - 0.5, side, inside, CUBIC))
        tl.store(to + at, tl.where(inside, warped, tl.load(fill + channel)), mask=mask)
    elif (op == COLOR) | (op == GRAYSCALE) | (op == SHARPNESS):
        factor = tl.where(op == GRAYSCALE, 0.0, argument)
        if op == SHARPNESS:
            base = _smooth(plane, at, row, column, side, mask).to(tl.float32)
        else:
            base = _luminance(image, at, area, mask, CHANNELS).to(tl.float32)
        own = tl.load(plane + at, mask=mask, other=0).to(tl.float32)
        blended = _clamped(base + factor * (own - base))
        tl.store(to + at, blended.to(tl.uint8), mask=mask)
    else:
        level = tl.load(plane + at, mask=mask, other=0).to(tl.int32)
        table = tables + (number * CHANNELS + channel) * 256
        tl.store(to + at, tl.load(table + level, mask=mask), mask=mask)


def apply_layer(
    pixels_BCSS: Tensor,
    op_B: Tensor,
    argument_B: Tensor,
    matrix_B6: Tensor,
    fill_C: Tensor,
    interpolation: Interpolation,
) -> Tensor:
    """Return the uint8 images, each after its operation; all of `plan.Op` but the blur.

    Args:
        pixels_BCSS: uint8, contiguous, of 1 or 3 channels.
        op_B: `plan.Op`, float32.
        argument_B: its argument, float32.
        matrix_B6: the upper two rows of the matrices of warps, float32.
        fill_C: uint8 colour of what warps bring in.
        interpolation: of warps.
    """
    batch, channels, side, _ = pixels_BCSS.shape
    out = torch.empty_like(pixels_BCSS)
    tables = pixels_BCSS.new_empty((batch, channels, 256))
    area = side * side
    _tables[(batch, channels)](
        *(pixels_BCSS, op_B, argument_B, tables, area, channels),
        min(_SCANNED, triton.next_power_of_2(area)),
    )
    _apply[(batch, channels, triton.cdiv(area, _BLOCK))](
        *(pixels_BCSS, out, op_B, argument_B, matrix_B6, tables, fill_C, side),
        *(channels, interpolation == "bicubic", _BLOCK),
    )
    return out
