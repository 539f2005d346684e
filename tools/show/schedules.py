"""What an experiment's schedules do over its steps: keep ratios, examples, learning rate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivit.models.data import train_image_count
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config
from trivit.models.experiment.schedules import keep_ratios, learning_rate
from trivit.models.runs.checkpoint import has_checkpoint, load_checkpoint
from trivit.tools.errors import ToolsError
from trivit.tools.show.png import new_figure, run_label, save_png

# Enough to draw every level of a cycle within an epoch.
_POINTS_PER_EPOCH = 60


def read_experiment(path: Path) -> ExperimentConfig:
    """Return the configuration of a YAML file or of a run folder.

    Raises:
        ModelsError: neither, or refused settings.
    """
    return load_config(path / "config.yaml" if path.is_dir() else path)


def _train_images(path: Path, config: ExperimentConfig) -> int:
    """Number of training images: a run knows it, wherever its images are now."""
    folder = path / "checkpoint"
    if path.is_dir() and has_checkpoint(folder):
        saved = load_checkpoint(folder, training=False).state.get("dataset")
        if saved is not None:
            return int(saved["train_images"])
    return train_image_count(config.data)


def schedules(path: Path, epochs: int | None = None) -> dict[str, Any]:
    """Return the schedules at up to ``_POINTS_PER_EPOCH`` steps of each epoch.

    Args:
        path: YAML file or run folder.
        epochs: only the first so many (default: all).

    Raises:
        ModelsError: no experiment.
        ToolsError: more epochs than it has, or no step in an epoch.
    """
    config = read_experiment(path)
    training, total = config.training, _train_images(path, config)
    if epochs is not None and epochs > training.epochs:
        raise ToolsError(f"--epochs {epochs}: {path} trains for {training.epochs}")
    names = ("step", "epoch", "token", "attention", "patch", "learning_rate", "examples")
    data: dict[str, Any] = {name: [] for name in names}
    done = 0
    for epoch in range(epochs or training.epochs):
        in_play = config.sparsity.examples.in_play(total, epoch)
        steps = in_play // training.batch_size
        if not steps:
            raise ToolsError(
                f"{path}: epoch {epoch + 1} has {in_play} examples, fewer than a batch of "
                f"{training.batch_size}"
            )
        stride = max(1, steps // _POINTS_PER_EPOCH)
        for index in range(0, steps, stride):
            ratios = keep_ratios(config, epoch + index / steps)
            rate = learning_rate(training, epoch * steps + index, steps)
            values = (done + index, epoch + index / steps, *ratios, rate, in_play)
            for name, value in zip(names, values, strict=True):
                data[name].append(value)
        done += steps
    return {"experiment": str(path), "train_images": total, "steps": done, **data}


def draw_schedules(path: Path, data: Mapping[str, Any]) -> None:
    """Write a PNG: the keep ratios and the share of the examples above the learning rate.

    Raises:
        OSError: the file cannot be written.
    """
    figure = new_figure(7.5, 5.0)
    ratios, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    total = data["train_images"]
    lines = {
        "token keep ratio": data["token"],
        "attention keep ratio": data["attention"],
        "share of the patches, rho": data["patch"],
        "share of the examples": [count / total for count in data["examples"]],
    }
    for (label, values), style in zip(lines.items(), ("-", "--", "-", ":"), strict=True):
        ratios.plot(data["step"], values, style, drawstyle="steps-post", label=label)
    ratios.set_ylim(0, 1.05)
    ratios.set_ylabel("ratio")
    ratios.legend(fontsize=8)
    rate.plot(data["step"], data["learning_rate"], color="black")
    rate.set_ylabel("learning rate")
    rate.set_xlabel("step")
    for axis in (ratios, rate):
        axis.grid(alpha=0.3)
    ratios.set_title(f"{run_label(data['experiment'])}, {data['steps']:,} steps", fontsize=9)
    save_png(figure, path)
