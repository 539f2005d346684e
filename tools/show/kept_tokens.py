"""Which patches survive the selectors and patch sampling, image by image and over a test set.

Shape suffixes: B images, N patches of the whole image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.model_config import check_keep_ratio
from trivit.models.topology import TokenPooling
from trivit.models.training import LoadedRun, load_run
from trivit.tools.errors import ToolsError
from trivit.tools.report.token_picture import veil
from trivit.tools.show.png import new_figure, run_label, save_png
from trivit.tools.show.views import test_views, to_device

DEFAULT_RATIOS = (0.8, 0.6, 0.4, 0.2)
_SEED = 0


@dataclass(frozen=True)
class Stage:
    """A place where patches are dropped: a selector, or patch sampling at a ratio."""

    name: str
    selector: int | None = None
    patch_ratio: float = 1.0


def open_run(
    folder: Path, ratios: Sequence[float], where: str | None = None
) -> tuple[LoadedRun, list[Stage]]:
    """Return the run and the stages that its pictures show.

    Args:
        folder: run folder.
        ratios: patch keep ratios; without any, those of the run's kind: its selectors, and
            ``DEFAULT_RATIOS`` if it was trained with a patch schedule.
        where: its images are, or others (`load_run`).

    Raises:
        ModelsError: no run, or a ratio outside (0, 1].
        ToolsError: the run drops nothing and no ratio is given, or its tokens change their grid.
    """
    for ratio in ratios:
        check_keep_ratio("patch keep ratio", ratio)
    run = load_run(folder, data=where)
    vit = run.config.model
    if any(isinstance(layer, TokenPooling) for layer in vit.layers):
        raise ToolsError(
            f"{vit.name} pools its patches into a coarser grid: pictures of kept tokens are for "
            "models with one grid"
        )
    stages: list[Stage] = []
    if not ratios and vit.token_keep_ratio < 1:
        stages += [
            Stage(f"after block {block + 1}", selector=index)
            for index, block in enumerate(vit.selector_blocks)
        ]
    if not ratios and run.config.patch_schedule.samples:
        ratios = DEFAULT_RATIOS
    stages += [Stage(f"rho {ratio:g}", patch_ratio=ratio) for ratio in ratios]
    if not stages:
        raise ToolsError(
            f"{folder} keeps all tokens: name shares of the patches with --keep, or train with "
            "model.token_keep_ratio below 1 or a patch_schedule"
        )
    return to_device(run), stages


def kept_masks(
    run: LoadedRun, images_BCHW: Tensor, stages: Sequence[Stage]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return for each stage the kept patches, bool (B, N), and the predicted classes (B,).

    Predictions are those of the model at the stage's patch ratio. Results are on the CPU.
    """
    masks: list[Tensor] = []
    predictions: list[Tensor] = []
    config = run.config.patch_schedule
    with torch.inference_mode():
        for stage in stages:
            sampling = PatchSampling(stage.patch_ratio, config.order, config.compat)
            run.model.set_patch_sampling(sampling)
            torch.manual_seed(_SEED)  # a random order is the same at every ratio
            if stage.selector is None:
                kept_BK = run.model.embed(images_BCHW).places
                torch.manual_seed(_SEED)
                details = run.model.forward_details(images_BCHW)
            else:
                details = run.model.forward_details(images_BCHW, track_tokens=True)
                kept_BK = details.kept_tokens[stage.selector]
            masks.append(_mask(kept_BK, len(images_BCHW), run.config.model.num_patches))
            predictions.append(details.logits.argmax(dim=1).cpu())
    run.model.set_patch_sampling(PatchSampling())
    return masks, predictions


def _mask(kept_BK: Tensor | None, batch: int, patches: int) -> Tensor:
    if kept_BK is None:
        return torch.ones(batch, patches, dtype=torch.bool)
    # A fused token stands for no patch (-1): it marks a column that is cut off again.
    mask = torch.zeros(batch, 1 + patches, dtype=torch.bool)
    return mask.scatter_(1, kept_BK.cpu() + 1, True)[:, 1:]


def kept_on_images(
    folder: Path, count: int, ratios: Sequence[float], where: str | None = None
) -> dict[str, Any]:
    """Return the kept patches of the first ``count`` test images, by stage.

    Raises:
        ModelsError: no run, a ratio outside (0, 1], or no data set.
        ToolsError: the run drops nothing, or fewer images.
    """
    run, stages = open_run(folder, ratios, where)
    view = next(test_views(run, count, count))
    masks, predictions = kept_masks(run, view.images, stages)
    names = run.info.class_names
    return {
        "run": str(folder),
        "patch_size": run.config.model.embedding.patch_size,
        "pixels": view.pixels.cpu(),
        "labels": [names[label] for label in view.labels],
        "stages": [
            {
                "name": stage.name,
                "tokens": int(mask[0].sum()),
                "kept": [torch.nonzero(row).squeeze(1).tolist() for row in mask],
                "predictions": [names[label] for label in predicted],
            }
            for stage, mask, predicted in zip(stages, masks, predictions, strict=True)
        ],
    }


def draw_kept(path: Path, data: Mapping[str, Any]) -> None:
    """Write a PNG: a row for each image, a column for the image and for each stage.

    Raises:
        OSError: the file cannot be written.
    """
    pixels = data["pixels"].numpy()
    stages = data["stages"]
    count, columns = len(pixels), 1 + len(stages)
    figure = new_figure(1.5 * columns + 0.9, 1.45 * count + 0.2)
    axes = figure.subplots(count, columns, squeeze=False)
    for i in range(count):
        for j in range(columns):
            axis = axes[i, j]
            axis.imshow(pixels[i].transpose(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=255)
            axis.set_xticks([])
            axis.set_yticks([])
            if i == 0:
                stage = stages[j - 1]
                title = f"{stage['name']}: {stage['tokens']}" if j else "test image"
                axis.set_title(title, fontsize=8)
            if j:
                stage = stages[j - 1]
                axis.imshow(veil(pixels.shape[2:], stage["kept"][i], data["patch_size"]))
                axis.set_xlabel(stage["predictions"][i], fontsize=7, labelpad=1)
        axes[i, 0].set_ylabel(data["labels"][i], rotation=0, ha="right", va="center", fontsize=8)
    save_png(figure, path)


def keep_frequency(
    folder: Path, count: int | None, ratios: Sequence[float], where: str | None = None
) -> dict[str, Any]:
    """Return how often each place of the image is kept over the test set, by stage.

    Args:
        folder: run folder.
        count: first so many test images (``None``: all).
        ratios: see ``open_run``.
        where: see ``open_run``.

    Raises:
        ModelsError: no run, a ratio outside (0, 1], or no data set.
        ToolsError: the run drops nothing, or fewer images.
    """
    run, stages = open_run(folder, ratios, where)
    vit = run.config.model
    side, seen = vit.embedding.side, 0
    sums = torch.zeros(len(stages), vit.num_patches, dtype=torch.int64)
    for view in test_views(run, count):
        masks, _ = kept_masks(run, view.images, stages)
        sums += torch.stack([mask.sum(dim=0) for mask in masks])
        seen += len(view.labels)
    return {
        "run": str(folder),
        "test_images": seen,
        "stages": [
            {"name": stage.name, "frequency": (row.view(side, side).double() / seen).tolist()}
            for stage, row in zip(stages, sums, strict=True)
        ],
    }


def draw_frequency(path: Path, data: Mapping[str, Any]) -> None:
    """Write a PNG with a heat map for each stage.

    Raises:
        OSError: the file cannot be written.
    """
    stages = data["stages"]
    figure = new_figure(2.2 * len(stages) + 1.0, 2.6)
    axes = figure.subplots(1, len(stages), squeeze=False)[0]
    for axis, stage in zip(axes, stages, strict=True):
        shown = axis.imshow(stage["frequency"], vmin=0, vmax=1, cmap="viridis")
        axis.set_title(stage["name"], fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.colorbar(shown, ax=list(axes), label="share of the images that keep it")
    figure.suptitle(f"{run_label(data['run'])}, {data['test_images']:,} test images", fontsize=9)
    save_png(figure, path)
