"""``training.scale_schedules``: a shorter or longer run with schedules in proportion.

Works on settings before they become dataclasses: whoever changes ``training.epochs``, a file over
its base or ``--set``, scales the lengths that are below and keeps those that it gives itself.
"""

from typing import Any

from trivit.models.experiment.config import TrainingConfig
from trivit.models.methods.examples.method import ExampleConfig
from trivit.models.methods.patches.schedule import CODE_COOLDOWN_EPOCHS, PatchScheduleConfig
from trivit.models.methods.warmup import WarmupConfig

# Every setting that counts in epochs, with its default.
_LENGTHS: dict[str, float | None] = {
    "training.warmup_epochs": TrainingConfig.warmup_epochs,
    "sparsity.warmup.start_epoch": WarmupConfig.start_epoch,
    "sparsity.warmup.end_epoch": WarmupConfig.end_epoch,
    "sparsity.examples.period_epochs": ExampleConfig.period_epochs,
    "patch_schedule.cycle_epochs": PatchScheduleConfig.cycle_epochs,
    "patch_schedule.cooldown_epochs": PatchScheduleConfig.cooldown_epochs,
}
_PERIOD, _UPDATES = "sparsity.examples.period_epochs", "sparsity.examples.updates"
_COOLDOWN, _COMPAT = "patch_schedule.cooldown_epochs", "patch_schedule.compat"


def epochs_of(tree: Any) -> Any:
    """Return what nested settings give as ``training.epochs``, or its default."""
    return _get(tree, "training.epochs", TrainingConfig.epochs)


def scale_schedules(tree: dict[str, Any], before: Any, given: set[str]) -> None:
    """Scale every length of ``tree``, in place, if it asks for that.

    Periods of the example level stay whole epochs, at least one, and no more of its updates are
    asked for than fit. Values that are no numbers are left for the dataclasses to refuse.

    Args:
        tree: nested settings, with the new ``training.epochs``.
        before: the epochs that its lengths are meant for.
        given: dotted names of settings, or of whole sections, that are meant for the new ones.
    """
    after = epochs_of(tree)
    if _get(tree, "training.scale_schedules", False) is not True or before == after:
        return
    if not (_positive(before) and _positive(after)):
        return
    for name, default in _LENGTHS.items():
        value = _get(tree, name, default)
        if name == _COOLDOWN and value is None and _get(tree, _COMPAT, "paper") == "code":
            value = CODE_COOLDOWN_EPOCHS
        if _is_given(name, given) or not _is_number(value):
            continue
        scaled = value * after / before
        _put(tree, name, max(1, round(scaled)) if name == _PERIOD else scaled)
    updates, period = _get(tree, _UPDATES, None), _get(tree, _PERIOD, 0)
    if not _is_given(_UPDATES, given) and _is_number(updates) and _positive(period):
        _put(tree, _UPDATES, min(updates, after // period))


def _is_given(name: str, given: set[str]) -> bool:
    return any(name == other or name.startswith(f"{other}.") for other in given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _get(tree: Any, name: str, default: Any) -> Any:
    for key in name.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return default
        tree = tree[key]
    return tree


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *sections, last = name.split(".")
    for key in sections:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            return  # no section: the dataclasses refuse it
    tree[last] = value
