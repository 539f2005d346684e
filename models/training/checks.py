"""What is checked before a run starts, so that nothing is written when it cannot."""

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


def check_folder(out: Path, config: ExperimentConfig, resume: bool) -> None:
    """Check that ``out`` may hold this run.

    Raises:
        ModelsError: it holds one already, one of other settings, imported weights, or a run that
            cannot go on for another number of epochs.
    """
    if not has_checkpoint(out / "checkpoint"):
        return
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
    difference = first_difference(saved, config, ignore=(*_MAY_CHANGE, "training.epochs"))
    if difference:
        raise ModelsError(
            f"cannot resume {out}, which was started with other settings: {difference}"
        )
    check_extension(out, saved, config, state)


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
