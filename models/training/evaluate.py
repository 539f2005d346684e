"""Top-1 accuracy of float models."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from trivit.models.data import DatasetInfo, Images, dataset_info, load_dataset
from trivit.models.errors import ModelsError
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import ExperimentConfig, load_config
from trivit.models.training.device import choose_device
from trivit.models.vision_transformer import VisionTransformer


class LoadedRun(NamedTuple):
    """A trained run: its configuration, the model at its final keep ratios, its images' format."""

    config: ExperimentConfig
    model: VisionTransformer
    info: DatasetInfo


def load_run(run: Path | str) -> LoadedRun:
    """Read ``config.yaml`` and the model of the folder ``run``; the model is in eval mode, on CPU.

    Raises:
        ModelsError: the folder holds no run, or a file is damaged.
    """
    run = Path(run)
    if not (run / "config.yaml").is_file():
        raise ModelsError(f"{run} holds no training run: make one with 'trivit train'")
    config = load_config(run / "config.yaml")
    checkpoint = load_checkpoint(run / "checkpoint", training=False)
    model = VisionTransformer(config.model.vit)
    try:
        model.load_state_dict(checkpoint.model)
    except RuntimeError:
        raise ModelsError(f"{run}: the checkpoint is of another model than config.yaml") from None
    return LoadedRun(config, model.eval(), dataset_info(config.data.dataset))


def top1(
    model: nn.Module,
    images: Images,
    info: DatasetInfo,
    batch_size: int = 500,
) -> float:
    """Return the percentage of ``images`` that ``model`` classifies correctly, in float32.

    Model and images are on the same device; the model's mode is put back afterwards.
    """
    device = images.pixels.device
    correct = torch.zeros((), dtype=torch.int64, device=device)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            logits = model(info.normalise(images.pixels[batch]))
            correct += (logits.argmax(dim=1) == images.labels[batch]).sum()
    model.train(was_training)
    return 100.0 * int(correct) / len(images)


def evaluate(run: Path | str) -> dict[str, Any]:
    """Return the float top-1 accuracy of a run on the test images of its configuration.

    Raises:
        ModelsError: the folder holds no run, a file is damaged, or the dataset is missing.
    """
    config, model, info = load_run(run)
    device = choose_device(config.training.device)
    images = load_dataset(config.data).test.to(device)
    started = time.perf_counter()
    accuracy = top1(
        model.to(device),
        images,
        info,
        config.training.evaluation_batch_size,
    )
    return {
        "float_top1": accuracy,
        "test_images": len(images),
        "seconds": time.perf_counter() - started,
    }
