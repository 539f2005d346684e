"""Top-1 accuracy over a set of images, in one process or shared by several."""

from collections.abc import Iterator

import torch
from torch import Tensor

from trivit.models.augmentation import evaluation_view
from trivit.models.data import DatasetInfo, ImageSource
from trivit.models.training.distributed import all_sum, world
from trivit.models.vision_transformer import VisionTransformer


def predictions(
    model: VisionTransformer,
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
    model: VisionTransformer,
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
