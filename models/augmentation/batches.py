"""Training batches: shuffled, fetched, augmented and normalised on the device.

Shape suffixes: B images, C channels, H height, W width, K classes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from trivit.models.augmentation import AugmentationConfig, Augmenter
from trivit.models.augmentation.beside import Beside
from trivit.models.augmentation.waiting import WaitingClock
from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, ImageSource


class Batch(NamedTuple):
    """One training step's images.

    Attributes:
        images: normalised, (B, C, H, W), float32 or bfloat16.
        labels: int64 (B,), of the images before they were mixed.
        indices: positions in the full training set, int64 (B,).
        targets: soft labels, float32 (B, K), where images are mixed; else ``None``.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor
    targets: Tensor | None = None


def epoch_batches(
    images: ImageSource,
    info: DatasetInfo,
    config: DataConfig,
    examples: Tensor,
    batch_size: int,
    seed: int,
    part: slice = slice(None),
    *,
    augmentation: AugmentationConfig | None = None,
    image_size: int | None = None,
    num_classes: int | None = None,
    first_step: int = 0,
    dtype: torch.dtype = torch.float32,
    clock: WaitingClock | None = None,
) -> Iterator[Batch]:
    """Yield one epoch of batches; the same ``seed`` yields the same ones.

    On CUDA a batch is made on a stream of its own, while the step with the batch before runs on the
    caller's; a batch is for that one stream.

    The order is drawn on the CPU, so that it is the same on every device. An incomplete last batch
    is left out.

    Args:
        images: the full training set, on the device.
        info: its normalisation.
        config: shift and flip, done before the augmentation.
        examples: indices of the examples in play, int64, on any device.
        batch_size: images per batch.
        seed: of the order and the augmentation.
        part: yield these images of each batch only, as they are in the whole one.
        augmentation: what is done to the images (``None``: nothing).
        image_size: of the model (``None``: as stored).
        num_classes: of the model (``None``: the dataset's).
        first_step: leave out the steps before this one; the others stay as they are.
        dtype: of the images.
        clock: told how long batches take.

    Raises:
        ModelsError: images are to be mixed in pairs and ``part`` has an odd number of them.
    """
    device = images.labels.device
    augmentation = augmentation or AugmentationConfig()
    generator = torch.Generator().manual_seed(seed)
    order = epoch_order(examples.cpu(), batch_size, augmentation.repeats, generator)
    seeds = torch.randint(2**62, (len(order),), generator=generator).tolist()
    augmenter = Augmenter(augmentation, info, image_size, num_classes, dtype)
    moves = torch.Generator(device)
    # One copy for the whole epoch: a copy a step would make the host wait.
    indices_SB = order[:, part].to(device)
    streamed = images.stream(order[step, part] for step in range(first_step, len(order)))
    beside = Beside(device)
    clock = clock or WaitingClock(device)
    for step in range(first_step, len(order)):
        with beside.making():
            with clock.fetching():
                pixels = next(streamed)
            with clock.augmenting():
                indices = indices_SB[step]
                labels = images.labels[indices]
                moves.manual_seed(seeds[step])
                pixels = augment(pixels, config.shift, config.flip, moves, batch_size, part)
                augmented = augmenter(pixels, labels, seeds[step], batch_size, part)
        batch = Batch(augmented.images, labels, indices, augmented.targets)
        beside.hand_over(batch)
        del pixels, augmented
        yield batch


def epoch_order(
    examples: Tensor, batch_size: int, repeats: int, generator: torch.Generator
) -> Tensor:
    """Return the indices of an epoch's steps, int64 (steps, batch_size).

    With repeats, each of the first shuffled examples occurs so many times in a row, and the epoch
    keeps its length (DeiT's repeated augmentation). Within a step, first copies come first, then
    second ones, and so on, each in the shuffled order: contiguous parts of the batch, one for each
    process, hold different copies where there are as many processes as repeats or more.

    Args:
        examples: indices of the examples in play, int64, on the CPU.
        batch_size: images per step.
        repeats: copies of an example.
        generator: of the order, on the CPU.
    """
    order = examples[torch.randperm(len(examples), generator=generator)]
    steps = len(order) // batch_size
    place = torch.arange(steps * batch_size)
    order = order[place // repeats].view(steps, batch_size)
    copy = (place % repeats).view(steps, batch_size)
    return order.gather(1, copy.argsort(dim=1, stable=True))


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
