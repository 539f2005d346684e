"""Connections that a trained model opens on images."""

import torch

from trivit.models.augmentation import evaluation_view
from trivit.models.data import DatasetInfo, ImageSource
from trivit.models.vision_transformer import VisionTransformer


def mean_connections(
    model: VisionTransformer, images: ImageSource, info: DatasetInfo, batch_size: int = 500
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
