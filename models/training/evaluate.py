"""``trivit evaluate``: accuracy of a run's float model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trivit.models.clock import Stopwatch
from trivit.models.data import DatasetInfo, ImageSource, load_dataset, load_test_images
from trivit.models.data.real_labels import MultiLabels, load_real_labels
from trivit.models.data.store.images import StoredImages
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.methods.counts import sampled_patches
from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.methods.patches.schedule import PatchScheduleConfig
from trivit.models.model_config import check_keep_ratio
from trivit.models.runs.images import check_fit
from trivit.models.runs.saved_run import Weights, exported_weights, load_run
from trivit.models.training.accuracy import predictions, top1
from trivit.models.training.device import choose_device


def evaluate(
    run: Path | str,
    keep: Sequence[float] = (),
    *,
    weights: Weights = "auto",
    data: str | None = None,
    real: Path | None = None,
    by_number: bool = False,
) -> dict[str, Any]:
    """Return the float top-1 accuracy of a run on test images.

    Args:
        run: the run folder.
        keep: patch keep ratios at which the model is evaluated as well, in the order that it was
            trained with (PSS, "Dynamic Inference by Varying Patch Keep Rate").
        weights: as for ``load_run``.
        data: name of a data set or folder of a store whose test images are taken instead of those
            of the run; they are normalised as the run's.
        by_number: take classes of other names in ``data`` for those of the run, by their number.
        real: file of ReaL labels; adds ``real_top1``. For stores of ImageNet's validation images.

    Raises:
        ModelsError: the folder holds no run, a file is damaged, the dataset is missing or does not
            fit the model, or a ratio lies outside (0, 1].
    """
    for ratio in keep:
        check_keep_ratio("patch keep ratio", ratio)
    config, model, info = load_run(run, weights, data, by_number=by_number)
    device = choose_device(config.training.device)
    name, images = _test_images(config, data)
    several = None if real is None else _real_labels(real, images, config.model.num_classes)
    images = images.to(device)
    batch_size = config.training.evaluation_batch_size
    with Stopwatch(device) as watch:
        found = [classes for _, classes in predictions(model.to(device), images, info, batch_size)]
        classes_B = torch.cat(found)
    figures: dict[str, Any] = {
        "float_top1": 100.0 * int((classes_B == images.labels).sum()) / len(images),
        "dataset": name,
        "test_images": len(images),
        "weights": exported_weights(config, weights),
        "seconds": watch.seconds,
    }
    if several is not None:
        figures["real_top1"] = several.to(device).top1(classes_B)
        figures["real_images"] = int(several.counted().sum())
    if keep:
        figures["by_keep_ratio"] = keep_ratio_sweep(
            model, images, info, config.patch_schedule, keep, batch_size
        )
    return figures


def _test_images(config: ExperimentConfig, data: str | None) -> tuple[str, ImageSource]:
    """Return the name of a data set, that of the run by default, and its test images."""
    if data is None:
        dataset = load_dataset(config.data)
        info, images = dataset.info, dataset.test
    else:
        info, images = load_test_images(data, config.data.workers)
        images = images.first(config.data.test_images)
    check_fit(config.model, info)
    return info.name, images


def _real_labels(path: Path, images: ImageSource, classes: int) -> MultiLabels:
    if not isinstance(images, StoredImages):
        raise ModelsError(
            "ReaL labels go with the names of a store's images: prepare ImageNet's validation "
            "images with 'trivit data prepare' and name the store with --data"
        )
    return load_real_labels(path, images.names(), classes)


def keep_ratio_sweep(
    model: SparseTransformer,
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
            with Stopwatch(device) as watch:
                accuracy = top1(model, images, info, batch_size)
        patches, prefix = model.config.num_patches, model.config.prefix_tokens
        rows.append(
            {
                "keep_ratio": ratio,
                "patches": patches if ratio == 1 else sampled_patches(patches, ratio, prefix),
                "float_top1": accuracy,
                "images_per_second": len(images) / watch.seconds,
            }
        )
    model.set_patch_sampling(PatchSampling())
    return rows
