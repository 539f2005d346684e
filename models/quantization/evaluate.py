"""Logits of a model on many images, in bounded memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trivit.models.data import DatasetInfo, Images
from trivit.models.quantization.parallel import map_batches


def logits(
    model: nn.Module,
    images: Images,
    info: DatasetInfo,
    *,
    batch_size: int,
    dtype: torch.dtype,
    on_images: Callable[[int], None] = lambda count: None,
) -> Tensor:
    """Return the logits (B, num_classes) of all images.

    float64 makes the quantized model exact. Small batches are faster there: what lies between two
    quantizers then stays in the cache.

    Args:
        model: in ``dtype`` and in eval mode.
        images: uint8 pixels and labels.
        info: their normalisation.
        batch_size: images at a time.
        dtype: of the normalised images.
        on_images: called with the number of images of each batch.
    """
    parts: list[Tensor] = []
    batches = images.pixels.split(batch_size)
    for scores in map_batches(lambda pixels: model(info.normalise(pixels, dtype)), batches):
        parts.append(scores.clone())
        on_images(len(scores))
    return torch.cat(parts)


def top1(scores_BC: Tensor, labels_B: Tensor) -> float:
    """Percentage of rows whose best class is the label."""
    return 100.0 * int((best_class(scores_BC) == labels_B).sum()) / len(labels_B)


def best_class(scores_BC: Tensor) -> Tensor:
    """Class of the largest score, (B,); quantized logits may be equal: the lower class wins."""
    classes = torch.arange(scores_BC.shape[1], device=scores_BC.device)
    is_best = scores_BC == scores_BC.amax(dim=1, keepdim=True)
    return torch.where(is_best, classes, scores_BC.shape[1]).amin(dim=1)
