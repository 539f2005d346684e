"""Schedules that would not fit into the run, told before it starts."""

from typing import TYPE_CHECKING

from trivit.models.sparsity.config import STARTS_WHOLE
from trivit.models.training.training_config import require

if TYPE_CHECKING:
    from trivit.models.training.config import ExperimentConfig


def check_lengths(config: "ExperimentConfig") -> None:
    """Check that every schedule that the experiment uses ends within it.

    The default number of example updates (``updates: null``) is what the run has room for.

    Raises:
        ModelsError: a schedule is longer than the run; the message names its setting.
    """
    epochs, vit, sparsity = config.training.epochs, config.model.vit, config.sparsity
    remedy = ", or scale all schedules to the run: --set training.scale_schedules=true"
    if config.training.scale_schedules:
        remedy = ""
    most = f"at most the {epochs} epochs of the run{remedy}"
    warmup = config.training.warmup_epochs
    require(warmup <= epochs, "training.warmup_epochs", warmup, most)
    if min(vit.token_keep_ratio, vit.attention_keep_ratio) < 1:
        end = sparsity.warmup.end_epoch
        require(end <= epochs, "sparsity.warmup.end_epoch", end, most)
    cycle = config.patch_schedule.cycle_epochs
    require(cycle is None or cycle <= epochs, "patch_schedule.cycle_epochs", cycle, most)
    cooldown = config.patch_schedule.cooldown
    fewer = f"fewer than the {epochs} epochs of the run{remedy}"
    require(cooldown < epochs, "patch_schedule.cooldown_epochs", cooldown, fewer)
    examples = sparsity.examples
    if examples.keep_ratio == 1 or examples.method == "fixed":
        return
    period, updates = examples.period_epochs, examples.updates
    require(period <= epochs, "sparsity.examples.period_epochs", period, most)
    if examples.method in STARTS_WHOLE:
        whole = (
            f"fewer than the {epochs} epochs of the run, which are all on the whole set otherwise"
        )
        require(period < epochs, "sparsity.examples.period_epochs", period, whole)
    if updates:
        room = epochs // period
        allowed = f"at most {room}, as an update every {period} epochs leaves room for in {epochs}"
        require(updates <= room, "sparsity.examples.updates", updates, f"{allowed} epochs{remedy}")


def left_out(config: "ExperimentConfig") -> list[str]:
    """Return a line if the last update of the examples falls on the end of the training.

    Tri-Level's Table 5 has ten of them, one every 30 epochs of 300: nothing follows the tenth.
    """
    examples = config.sparsity.examples
    updates, epochs = examples.updates, config.training.epochs
    if not updates or updates * examples.period_epochs < epochs or examples.keep_ratio == 1:
        return []
    return [
        f"sparsity.examples.updates is {updates}: {updates - 1} are made, the last one would come "
        "when the training ends"
    ]
