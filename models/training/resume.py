"""Whether a run folder may be trained in: a new run, or the one that it holds, resumed.

A run may go on for another number of epochs than it was started with. That is exact where what it
has done so far is what a run of the new length does: with schedules that do not depend on the
length, or have not come to where they do.
"""

from pathlib import Path
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config
from trivit.models.experiment.schedules import keep_ratios, learning_rate, steps_in_epoch
from trivit.models.runs.checkpoint import has_checkpoint, read_state
from trivit.models.settings import first_difference
from trivit.models.topology import KeepRatios

# A run may move to another machine, and be watched and saved in other ways. Wherever its images
# are, they must be the same (``fingerprint``).
_MAY_CHANGE = (
    "data.download",
    "data.path",
    "data.workers",
    "data.processes",
    "training.device",
    "training.compile",
    "training.cuda_graphs",
    "training.attention",
    "training.tensorboard",
    "training.checkpoint_every_steps",
)

# What helps against divergence, so that the run may go on from its last checkpoint.
_REMEDIES = (
    "training.learning_rate",
    "training.min_learning_rate",
    "training.gradient_clip",
)

_STEPS = 2048  # of the steps made so many are compared, evenly spread


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
    _check_extension(out, saved, config, state)
    before, now = saved.training, config.training
    names = [name.removeprefix("training.") for name in _REMEDIES]
    return [
        f"training.{name} was {getattr(before, name)}, from here on {getattr(now, name)}"
        for name in names
        if getattr(before, name) != getattr(now, name)
    ]


def _check_extension(
    out: Path, saved: ExperimentConfig, config: ExperimentConfig, state: dict[str, Any]
) -> None:
    """Check that the run in ``out`` may go on with the number of epochs of ``config``.

    Args:
        out: the run folder, for messages.
        saved: what it was started with; differs from ``config`` in ``training.epochs`` alone.
        config: what it is to go on with.
        state: of its checkpoint.

    Raises:
        ModelsError: it has done as many already, or a schedule that it has come to depends on
            their number; the message names the setting.
    """
    before, after = saved.training.epochs, config.training.epochs
    if after == before:
        return
    done, step = int(state["epoch"]), int(state["step"])
    if after <= done:
        raise ModelsError(
            f"training.epochs is {after} and {out} has done {done} of {before} already: use more"
        )
    setting = _first_dependent(saved, config, int(state["dataset"]["train_images"]), done, step)
    if setting:
        raise ModelsError(
            f"cannot resume {out} with {after} epochs instead of {before}, as {setting} depends on "
            "their number: train anew from its weights, with --set "
            f"training.init_from={out} and another --out"
        )


def _first_dependent(
    saved: ExperimentConfig, config: ExperimentConfig, images: int, done: int, step: int
) -> str | None:
    """Return the setting because of which a step made so far would have been another one."""
    made = [
        (epoch, index)
        for epoch in range(done + 1)
        for index in _spread(steps_in_epoch(saved, images, epoch) if epoch < done else step, done)
    ]
    for epoch, index in made:
        steps = steps_in_epoch(saved, images, epoch)
        if steps != steps_in_epoch(config, images, epoch):
            return "sparsity.examples"
        number = epoch * steps + index
        rates = [learning_rate(c.training, number, steps) for c in (saved, config)]
        if rates[0] != rates[1]:
            return "the cosine from training.learning_rate to training.min_learning_rate"
        ratios = [keep_ratios(c, epoch + index / steps) for c in (saved, config)]
        for field, setting in zip(
            KeepRatios._fields,
            ("sparsity.warmup", "sparsity.warmup", "patch_schedule.schedule"),
            strict=True,
        ):
            if getattr(ratios[0], field) != getattr(ratios[1], field):
                return setting
    return None


def _spread(steps: int, epochs: int) -> list[int]:
    """Return some of an epoch's steps, its first and last among them."""
    if steps == 0:
        return []
    count = min(steps, max(2, _STEPS // (epochs + 1)))
    return sorted({round(i * (steps - 1) / max(1, count - 1)) for i in range(count)})
