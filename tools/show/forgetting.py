"""The most and the least forgotten training examples, from the statistics of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trivit.models.methods.examples.method import EXAMPLE_METHODS
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import load_run
from trivit.tools.errors import ToolsError
from trivit.tools.show.png import new_figure, run_label, save_png
from trivit.tools.show.views import train_view

_PREFIX = "examples/"


def forgetting(folder: Path, count: int, where: str | None = None) -> dict[str, Any]:
    """Return ``count`` of the most forgotten and of the never forgotten examples.

    Statistics are those since the last update of the example level. Most forgotten: by forgetting
    events, then by mean [CLS] variance, highest first. Never forgotten: learned, seen at least
    twice, and the lowest variance first (Tri-Level, "Visualization").

    Args:
        folder: run folder.
        count: so many of either kind.
        where: its images are now (default: where the run says).

    Raises:
        ModelsError: no run, no data set, or its images are not those of the training.
        ToolsError: the run recorded no statistics, or none was seen twice since the last update.
    """
    run = load_run(folder, data=where)
    checkpoint = load_checkpoint(folder / "checkpoint")
    tensors = checkpoint.training
    known = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in tensors.items()
        if name.startswith(_PREFIX)
    }
    presentations = known.get("presentations")
    if presentations is None or not int(presentations.sum()):
        able = [name for name in EXAMPLE_METHODS.names() if EXAMPLE_METHODS[name].records]
        raise ToolsError(
            f"{folder} recorded no statistics of its examples: train with "
            f"sparsity.examples.keep_ratio below 1 and method {' or '.join(able)}"
        )
    if int(presentations.max()) < 2:
        raise ToolsError(
            f"{folder} saw no example twice since the last update: train for more epochs after it"
        )
    variance = known["variance_sum"] / presentations.clamp(min=1)
    forgotten, learned = known["forgotten"], known["learned"]
    most = _first(forgotten > 0, -forgotten.double(), -variance, count)
    never = _first((forgotten == 0) & learned & (presentations > 1), variance, variance, count)
    chosen = torch.cat([most, never])
    view = train_view(run, chosen, checkpoint.state["dataset"])
    entries = [
        {
            "index": int(index),
            "label": run.info.class_names[int(label)],
            "forgotten": int(forgotten[index]),
            "presentations": int(presentations[index]),
            "mean_variance": float(variance[index]),
        }
        for index, label in zip(chosen, view.labels, strict=True)
    ]
    seen = presentations > 0
    return {
        "run": str(folder),
        "examples_seen": int(seen.sum()),
        "never_learned": int((seen & ~learned).sum()),
        "by_forgetting_events": torch.bincount(forgotten[seen].long()).tolist(),
        "most_forgotten": entries[: len(most)],
        "never_forgotten": entries[len(most) :],
        "pixels": view.pixels,
    }


def _first(eligible: Tensor, first: Tensor, second: Tensor, count: int) -> Tensor:
    """Return up to ``count`` eligible indices by ascending keys, then by index."""
    indices = torch.nonzero(eligible).squeeze(1)
    indices = indices[torch.argsort(second[indices], stable=True)]
    return indices[torch.argsort(first[indices], stable=True)][:count]


def draw_forgetting(path: Path, data: Mapping[str, Any]) -> None:
    """Write a PNG: a row of the most forgotten examples above a row of the never forgotten.

    Raises:
        OSError: the file cannot be written.
    """
    pixels = data["pixels"].cpu().numpy()
    groups = (("most\nforgotten", "most_forgotten"), ("never\nforgotten", "never_forgotten"))
    columns = max(1, *(len(data[key]) for _, key in groups))
    figure = new_figure(1.2 * columns + 0.9, 3.4)
    axes = figure.subplots(2, columns, squeeze=False)
    place = 0
    for row, (title, key) in zip(axes, groups, strict=True):
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_frame_on(False)
        row[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
        for axis, entry in zip(row, data[key], strict=False):
            image = pixels[place].transpose(1, 2, 0).squeeze()
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            times = f"\n{entry['forgotten']} of {entry['presentations']}"
            axis.set_title(entry["label"] + times, fontsize=7)
            place += 1
    figure.suptitle(
        f"{run_label(data['run'])}: forgetting events of presentations, "
        f"{data['examples_seen']:,} examples",
        fontsize=9,
    )
    save_png(figure, path)
