"""What is checked before a run starts, so that nothing is written when it cannot."""

import math
from pathlib import Path

from trivit.models.data import DatasetInfo
from trivit.models.errors import ModelsError
from trivit.models.training.checkpoint import has_checkpoint, read_state
from trivit.models.training.config import ExperimentConfig, load_config
from trivit.models.training.extension import check_extension
from trivit.models.training.mapping import first_difference
from trivit.models.vit_config import ViTConfig

# A run may move to another machine, and be watched and saved in other ways. Wherever its images
# are, they must be the same (``fingerprint``).
_MAY_CHANGE = (
    "data.download",
    "data.path",
    "data.workers",
    "training.device",
    "training.compile",
    "training.tensorboard",
    "training.checkpoint_every_steps",
)

# What helps against divergence, so that the run may go on from its last checkpoint.
_REMEDIES = (
    "training.learning_rate",
    "training.min_learning_rate",
    "training.gradient_clip",
)


def check_folder(out: Path, config: ExperimentConfig, resume: bool) -> list[str]:
    """Check that ``out`` may hold this run; return how its optimisation changes from here on.

    Raises:
        ModelsError: it holds one already, one of other settings, imported weights, or a run that
            cannot go on for another number of epochs.
    """
    if not has_checkpoint(out / "checkpoint"):
        return []
    if not resume:
        raise ModelsError(
            f"{out} already holds a run: continue it with --resume, or name another folder"
        )
    state = read_state(out / "checkpoint")
    if "imported_from" in state:
        raise ModelsError(
            f"{out} holds weights of {state['imported_from']} and no training to continue: start "
            f"from them with --set training.init_from={out} and another --out"
        )
    saved = load_config(out / "config.yaml")
    ignored = (*_MAY_CHANGE, *_REMEDIES, "training.epochs")
    difference = first_difference(saved, config, ignore=ignored)
    if difference:
        raise ModelsError(
            f"cannot resume {out}, which was started with other settings: {difference}"
        )
    check_extension(out, saved, config, state)
    before, now = saved.training, config.training
    names = [name.removeprefix("training.") for name in _REMEDIES]
    return [
        f"training.{name} was {getattr(before, name)}, from here on {getattr(now, name)}"
        for name in names
        if getattr(before, name) != getattr(now, name)
    ]


def divergence(config: ExperimentConfig, out: Path, epoch: int, loss: float) -> str:
    """Return what to say and to advise when ``epoch`` (1-based) has diverged.

    Args:
        config: the experiment.
        out: its run folder.
        epoch: the one under way.
        loss: its mean; finite when only weights or optimizer state are not.
    """
    what = f"the loss of epoch {epoch} is {loss}"
    if math.isfinite(loss):
        what = f"epoch {epoch} left weights or optimizer state that are not finite"
    training = config.training
    clip = "set training.gradient_clip"
    if training.gradient_clip is not None:
        clip = f"training.gradient_clip ({training.gradient_clip})"
    remedy = f"lower training.learning_rate ({training.learning_rate}) or {clip}"
    if training.init_from is not None:
        remedy = f"check the scale of the weights in {training.init_from}, or {remedy}"
    again = "start again"
    if has_checkpoint(out / "checkpoint"):
        again = "go on from the last checkpoint with --resume, or start again with another --out"
    return f"{what}: {remedy}, and {again}"


def check_fit(vit: ViTConfig, info: DatasetInfo) -> None:
    """Check that the model takes the images; their size, training and evaluation adjust.

    Raises:
        ModelsError: other channels or classes.
    """
    if info.channels != vit.in_channels:
        raise ModelsError(
            f"dataset {info.name} has images of {info.channels} channels and the model takes "
            f"{vit.in_channels}: set model.in_channels, or choose a matching model"
        )
    if len(info.class_names) != vit.num_classes:
        raise ModelsError(
            f"dataset {info.name} has {len(info.class_names)} classes and the model "
            f"{vit.num_classes}: set model.num_classes"
        )


def check_shift(shift: int, info: DatasetInfo) -> None:
    """Check that ``data.shift`` leaves something of every image.

    Raises:
        ModelsError: it moves images out of themselves.
    """
    side = min(info.height, info.width)
    if shift >= side:
        raise ModelsError(
            f"data.shift is {shift}: use fewer than the {side} pixels of the images of {info.name}"
        )
