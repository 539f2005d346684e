"""What a model finds in a set of images: classes, top-1 accuracy, the connections that it opens."""

from collections.abc import Iterator

import torch
from torch import Tensor

from trivit.models.augmentation import evaluation_view
from trivit.models.data import DatasetInfo, ImageSource
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.training.distributed import all_sum, world


def predictions(
    model: SparseTransformer,
    images: ImageSource,
    info: DatasetInfo,
    batch_size: int = 500,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield indices, int64 (B,) on the CPU, and the predicted classes, int64 (B,) on the device.

    The model computes in float32 on the view that ``evaluation_view`` takes of the images. Of
    several processes each takes every so manieth batch, so that a batch holds the same images for
    any number of processes. Model and images are on the same device; the model's mode is put back
    afterwards.
    """
    rank, size = world()
    own = list(torch.arange(len(images)).split(batch_size))[rank::size]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for indices, pixels in zip(own, images.stream(own), strict=True):
                view = evaluation_view(pixels, model.config.image_size)
                yield indices, model(info.normalise(view)).argmax(dim=1)
    finally:
        model.train(was_training)


def top1(
    model: SparseTransformer,
    images: ImageSource,
    info: DatasetInfo,
    batch_size: int = 500,
) -> float:
    """Return the percentage of ``images`` that ``model`` classifies correctly.

    All processes call it and get the same figure (see ``predictions``).
    """
    labels = images.labels
    correct = torch.zeros((), dtype=torch.int64, device=labels.device)
    for indices, classes in predictions(model, images, info, batch_size):
        start = int(indices[0])
        correct += (classes == labels[start : start + len(indices)]).sum()
    return 100.0 * int(all_sum(correct)) / len(images)


def mean_connections(
    model: SparseTransformer, images: ImageSource, info: DatasetInfo, batch_size: int = 500
) -> tuple[float, ...]:
    """Return the mean number of connected pairs of tokens behind each selector of ``model``.

    Model, in eval mode, and images are on the same device; nothing is shared between processes.
    """
    total: torch.Tensor | None = None
    batches = list(torch.arange(len(images)).split(batch_size))
    with torch.inference_mode():
        for pixels in images.stream(batches):
            view = info.normalise(evaluation_view(pixels, model.config.image_size))
            details = model.forward_details(view, track_tokens=True)
            if not details.connections:
                return ()
            found_S = torch.stack(details.connections).sum(dim=1)
            total = found_S if total is None else total + found_S
    assert total is not None  # a data set has images
    return tuple(total.double().div(len(images)).tolist())
