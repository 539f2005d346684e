"""Training batches: shuffled, gathered, augmented and normalised on the device.

Shape suffixes: B images, C channels, H height, W width.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, Images


class Batch(NamedTuple):
    """One training step's images.

    Attributes:
        images: normalised, float32 (B, C, H, W).
        labels: int64 (B,).
        indices: positions in the full training set, int64 (B,).
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


def epoch_batches(
    images: Images,
    info: DatasetInfo,
    config: DataConfig,
    examples: Tensor,
    batch_size: int,
    seed: int,
    part: slice = slice(None),
) -> Iterator[Batch]:
    """Yield one epoch of batches; the same ``seed`` yields the same ones.

    The order is drawn on the CPU, so that it is the same on every device. An incomplete last batch
    is left out.

    Args:
        images: the full training set, on the device.
        info: its normalisation.
        config: its augmentation.
        examples: indices of the examples in play, int64, on any device.
        batch_size: images per batch.
        seed: of the order and the augmentation.
        part: yield these images of each batch only, as they are in the whole one.
    """
    device = images.pixels.device
    generator = torch.Generator().manual_seed(seed)
    order = examples.cpu()[torch.randperm(len(examples), generator=generator)].to(device)
    augmentation = torch.Generator(device).manual_seed(seed)
    for start in range(0, len(order) - batch_size + 1, batch_size):
        indices = order[start : start + batch_size][part]
        pixels = augment(
            images.pixels[indices], config.shift, config.flip, augmentation, batch_size, part
        )
        yield Batch(info.normalise(pixels), images.labels[indices], indices)


def augment(
    pixels_BCHW: Tensor,
    shift: int,
    flip: bool,
    generator: torch.Generator,
    batch_size: int | None = None,
    part: slice = slice(None),
) -> Tensor:
    """Return the uint8 images, each moved by up to ``shift`` pixels and maybe mirrored.

    Zeros move in. Images are drawn independently of each other. Those that are ``part`` of a batch
    of ``batch_size`` are treated as in the whole one.
    """
    batch, _, height, width = pixels_BCHW.shape
    drawn = batch if batch_size is None else batch_size
    device = pixels_BCHW.device
    if shift == 0 and not flip:
        return pixels_BCHW
    columns_BW = torch.arange(width, device=device).expand(batch, -1)
    rows_BH = torch.arange(height, device=device).expand(batch, -1)
    if flip:
        mirrored_B1 = torch.rand(drawn, 1, device=device, generator=generator)[part] < 0.5
        columns_BW = torch.where(mirrored_B1, width - 1 - columns_BW, columns_BW)
    if shift:
        pixels_BCHW = torch.nn.functional.pad(pixels_BCHW, (shift, shift, shift, shift))
        moves_B2 = torch.randint(0, 2 * shift + 1, (drawn, 2), device=device, generator=generator)
        moves_B2 = moves_B2[part]
        rows_BH = rows_BH + moves_B2[:, :1]
        columns_BW = columns_BW + moves_B2[:, 1:]
    which_B11 = torch.arange(batch, device=device).view(-1, 1, 1)
    moved_BHWC = pixels_BCHW.permute(0, 2, 3, 1)[
        which_B11, rows_BH.unsqueeze(2), columns_BW.unsqueeze(1)
    ]
    return moved_BHWC.permute(0, 3, 1, 2)
