"""Colour operations on uint8 batches, each with its own strength per image, as in Pillow.

All take images (B, C, H, W) and return new ones; blends truncate as Pillow's do.

Shape suffixes: B images, C channels, H height, W width, V the 256 pixel values.
"""

import torch
from torch import Tensor


def _per_image(argument_B: Tensor) -> Tensor:
    return argument_B.view(-1, 1, 1, 1)


def luminance(pixels_BCHW: Tensor) -> Tensor:
    """Return the brightness (B, 1, H, W), uint8, of colour images; of others the channels' mean."""
    if pixels_BCHW.shape[1] == 1:
        return pixels_BCHW
    if pixels_BCHW.shape[1] != 3:
        return pixels_BCHW.float().mean(dim=1, keepdim=True).round().to(torch.uint8)
    red, green, blue = pixels_BCHW.int().split(1, dim=1)
    # ITU-R 601-2 in 16-bit fixed point.
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).to(torch.uint8)


def blend(other: Tensor, pixels_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Return ``other`` at factor 0, the images at 1, and beyond them what lies on the same line."""
    base = other.float()
    mixed = base + _per_image(factor_B) * (pixels_BCHW.float() - base)
    return mixed.clamp_(0, 255).to(torch.uint8)


def autocontrast(pixels_BCHW: Tensor) -> Tensor:
    """Stretch each channel to the whole range; a channel of one value stays."""
    values = pixels_BCHW.float()
    low, high = values.amin(dim=(2, 3), keepdim=True), values.amax(dim=(2, 3), keepdim=True)
    # The small addition keeps exact results from being truncated to the number below.
    stretched = (values - low) * (255 / (high - low).clamp(min=1)) + 1e-3
    return torch.where(high > low, stretched.clamp_(0, 255).to(torch.uint8), pixels_BCHW)


def equalize(pixels_BCHW: Tensor) -> Tensor:
    """Flatten the histogram of each channel."""
    batch, channels, height, width = pixels_BCHW.shape
    index = pixels_BCHW.reshape(batch * channels, -1).long()
    counts_V = torch.zeros(len(index), 256, dtype=torch.int32, device=index.device)
    counts_V.scatter_add_(1, index, torch.ones_like(index, dtype=torch.int32))
    last = counts_V.gather(1, index.amax(dim=1, keepdim=True))
    step = (height * width - last) // 255
    below_V = counts_V.cumsum(dim=1) - counts_V
    table_V = ((below_V + step // 2) // step.clamp(min=1)).clamp(max=255).to(torch.uint8)
    unchanged_V = torch.arange(256, dtype=torch.uint8, device=index.device)
    table_V = torch.where(step > 0, table_V, unchanged_V)
    return table_V.gather(1, index).view_as(pixels_BCHW)


def invert(pixels_BCHW: Tensor) -> Tensor:
    """Turn light into dark."""
    return 255 - pixels_BCHW


def posterize(pixels_BCHW: Tensor, bits_B: Tensor) -> Tensor:
    """Keep the highest ``bits_B`` bits, 0 to 8."""
    mask_B = 256 - torch.pow(2, 8 - bits_B.int())
    return pixels_BCHW & _per_image(mask_B).to(torch.uint8)


def solarize(pixels_BCHW: Tensor, threshold_B: Tensor) -> Tensor:
    """Invert what is at least as light as the threshold, 0 to 256."""
    dark = pixels_BCHW.short() < _per_image(threshold_B).short()
    return torch.where(dark, pixels_BCHW, 255 - pixels_BCHW)


def solarize_add(pixels_BCHW: Tensor, addend_B: Tensor) -> Tensor:
    """Add to what is darker than 128."""
    raised = (pixels_BCHW.short() + _per_image(addend_B).short()).clamp(max=255)
    return torch.where(pixels_BCHW < 128, raised.to(torch.uint8), pixels_BCHW)


def grayscale(pixels_BCHW: Tensor) -> Tensor:
    """Give all channels the brightness."""
    return luminance(pixels_BCHW).expand_as(pixels_BCHW)


def color(pixels_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Change the saturation; 0 is gray, 1 changes nothing."""
    return blend(luminance(pixels_BCHW), pixels_BCHW, factor_B)


def contrast(pixels_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Change the contrast; 0 is the image's mean brightness, 1 changes nothing."""
    light = luminance(pixels_BCHW)
    mean = light.sum(dim=(1, 2, 3), keepdim=True).double() / light[0].numel()
    return blend((mean + 0.5).floor(), pixels_BCHW, factor_B)


def brightness(pixels_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Change the brightness; 0 is black, 1 changes nothing."""
    bright = pixels_BCHW.float() * _per_image(factor_B)
    return bright.clamp_(0, 255).to(torch.uint8)


def sharpness(pixels_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Sharpen above 1, smooth below; the outermost pixels stay."""
    values = pixels_BCHW.float()
    lines = values[:, :, :-2] + values[:, :, 1:-1] + values[:, :, 2:]
    sums = lines[..., :-2] + lines[..., 1:-1] + lines[..., 2:]
    inner = values[:, :, 1:-1, 1:-1]
    smooth = values.clone()
    smooth[:, :, 1:-1, 1:-1] = ((sums + 4 * inner) / 13 + 0.5).floor()
    return blend(smooth, pixels_BCHW, factor_B)
