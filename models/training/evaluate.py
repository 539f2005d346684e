"""Top-1 accuracy of float models."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from trivit.models.data import DatasetInfo, Images, dataset_info, load_dataset
from trivit.models.errors import ModelsError
from trivit.models.sparsity.config import PatchScheduleConfig
from trivit.models.sparsity.patches import PatchSampling, sampled_patches
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import ExperimentConfig, load_config
from trivit.models.training.device import choose_device, synchronise
from trivit.models.vision_transformer import VisionTransformer
from trivit.models.vit_config import check_keep_ratio


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


def evaluate(run: Path | str, keep: Sequence[float] = ()) -> dict[str, Any]:
    """Return the float top-1 accuracy of a run on the test images of its configuration.

    Args:
        run: the run folder.
        keep: patch keep ratios at which the model is evaluated as well, in the order that it was
            trained with (PSS, "Dynamic Inference by Varying Patch Keep Rate").

    Raises:
        ModelsError: the folder holds no run, a file is damaged, the dataset is missing, or a ratio
            lies outside (0, 1].
    """
    for ratio in keep:
        check_keep_ratio("patch keep ratio", ratio)
    config, model, info = load_run(run)
    device = choose_device(config.training.device)
    images = load_dataset(config.data).test.to(device)
    batch_size = config.training.evaluation_batch_size
    started = time.perf_counter()
    accuracy = top1(model.to(device), images, info, batch_size)
    figures: dict[str, Any] = {
        "float_top1": accuracy,
        "test_images": len(images),
        "seconds": time.perf_counter() - started,
    }
    if keep:
        figures["by_keep_ratio"] = keep_ratio_sweep(
            model, images, info, config.patch_schedule, keep, batch_size
        )
    return figures


def keep_ratio_sweep(
    model: VisionTransformer,
    images: Images,
    info: DatasetInfo,
    schedule: PatchScheduleConfig,
    keep: Sequence[float],
    batch_size: int,
) -> list[dict[str, float]]:
    """Return accuracy and throughput at each patch keep ratio; a ratio of 1 samples nothing.

    Each pass is timed after a batch that is not, on the device of model and images.
    """
    device = images.pixels.device
    rows: list[dict[str, float]] = []
    for ratio in keep:
        model.set_patch_sampling(PatchSampling(ratio, schedule.order, schedule.compat))
        # A random order is drawn from the global generator: the same one for every ratio.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)
            top1(model, images.first(batch_size), info, batch_size)
            synchronise(device)
            started = time.perf_counter()
            accuracy = top1(model, images, info, batch_size)
            seconds = time.perf_counter() - started
        patches, prefix = model.config.num_patches, model.config.prefix_tokens
        rows.append(
            {
                "keep_ratio": ratio,
                "patches": patches if ratio == 1 else sampled_patches(patches, ratio, prefix),
                "float_top1": accuracy,
                "images_per_second": len(images) / seconds,
            }
        )
    model.set_patch_sampling(PatchSampling())
    return rows
