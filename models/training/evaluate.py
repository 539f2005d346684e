"""``trivit evaluate``: accuracy of a run's float model."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trivit.models.data import DatasetInfo, ImageSource, load_dataset
from trivit.models.sparsity.config import PatchScheduleConfig
from trivit.models.sparsity.patches import PatchSampling, sampled_patches
from trivit.models.training.accuracy import top1
from trivit.models.training.device import choose_device, synchronise
from trivit.models.training.saved_run import LoadedRun, Weights, exported_weights, load_run
from trivit.models.vision_transformer import VisionTransformer
from trivit.models.vit_config import check_keep_ratio

__all__ = ["LoadedRun", "evaluate", "keep_ratio_sweep", "load_run", "top1"]


def evaluate(
    run: Path | str, keep: Sequence[float] = (), *, weights: Weights = "auto"
) -> dict[str, Any]:
    """Return the float top-1 accuracy of a run on the test images of its configuration.

    Args:
        run: the run folder.
        keep: patch keep ratios at which the model is evaluated as well, in the order that it was
            trained with (PSS, "Dynamic Inference by Varying Patch Keep Rate").
        weights: as for ``load_run``.

    Raises:
        ModelsError: the folder holds no run, a file is damaged, the dataset is missing, or a ratio
            lies outside (0, 1].
    """
    for ratio in keep:
        check_keep_ratio("patch keep ratio", ratio)
    config, model, info = load_run(run, weights)
    device = choose_device(config.training.device)
    images = load_dataset(config.data).test.to(device)
    batch_size = config.training.evaluation_batch_size
    started = time.perf_counter()
    accuracy = top1(model.to(device), images, info, batch_size)
    figures: dict[str, Any] = {
        "float_top1": accuracy,
        "test_images": len(images),
        "weights": exported_weights(config, weights),
        "seconds": time.perf_counter() - started,
    }
    if keep:
        figures["by_keep_ratio"] = keep_ratio_sweep(
            model, images, info, config.patch_schedule, keep, batch_size
        )
    return figures


def keep_ratio_sweep(
    model: VisionTransformer,
    images: ImageSource,
    info: DatasetInfo,
    schedule: PatchScheduleConfig,
    keep: Sequence[float],
    batch_size: int,
) -> list[dict[str, float]]:
    """Return accuracy and throughput at each patch keep ratio; a ratio of 1 samples nothing.

    Each pass is timed after a batch that is not, on the device of model and images.
    """
    device = images.labels.device
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
