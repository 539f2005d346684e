"""Training a quantized model further with its quantizers in place.

Gradients pass the rounding unchanged (straight-through estimator of Brevitas); a value that
saturated gets none.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from trivit.models.augmentation.batches import epoch_batches
from trivit.models.data import DataConfig, DatasetInfo, ImageSource
from trivit.models.errors import ModelsError
from trivit.models.quantization.vision_transformer import QuantVisionTransformer


def fine_tune(
    model: QuantVisionTransformer,
    images: ImageSource,
    info: DatasetInfo,
    data: DataConfig,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    on_step: Callable[[float], None] = lambda loss: None,
) -> float:
    """Run ``steps`` steps of AdamW on the sparse variant; returns the last loss.

    Formats stay as they are: calibrate before, so that they fit, and again afterwards, because
    weights and activations have moved. The model is left in eval mode.

    Args:
        model: calibrated, float32; changed in place.
        images: training images.
        info: their normalisation.
        data: their augmentation.
        steps: optimizer steps; epochs follow each other with new orders.
        batch_size: images per step.
        learning_rate: constant.
        seed: of order and augmentation.
        on_step: called with the loss of each step.

    Raises:
        ModelsError: fewer images than one batch, or the loss stops being finite.
    """
    if len(images) < batch_size:
        raise ModelsError(
            f"fine-tuning has {len(images)} images, less than batch_size {batch_size}: lower it"
        )
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    examples = torch.arange(len(images))
    model.train()
    done, epoch, loss = 0, 0, float("nan")
    while done < steps:
        for batch in epoch_batches(images, info, data, examples, batch_size, seed + epoch):
            optimizer.zero_grad(set_to_none=True)
            value = F.cross_entropy(model(batch.images), batch.labels)
            loss = float(value.detach())
            if not torch.isfinite(value):
                raise ModelsError(
                    f"fine-tuning diverged at step {done}: lower its learning rate, or check the "
                    "scale of weights that were imported"
                )
            value.backward()
            optimizer.step()
            on_step(loss)
            done += 1
            if done == steps:
                break
        epoch += 1
    model.eval()
    return loss
