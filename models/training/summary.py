"""What an epoch and a finished run report (``metrics.jsonl``, ``train.json``).

``accounting`` is imported late: it imports this package's configuration itself.
"""

from typing import Any

from trivit.models.data import DatasetInfo
from trivit.models.training.config import ExperimentConfig
from trivit.models.training.device import describe
from trivit.models.training.distributed import world
from trivit.models.training.memory import peak_memory_mib
from trivit.models.training.run_state import RunState
from trivit.models.training.saved_run import exported_weights

_TOLERATED_POINTS = 1.0


def epoch_costs(
    config: ExperimentConfig, state: RunState, epoch: int, images: int
) -> dict[str, Any]:
    """Return what ``epoch`` (0-based), under way in ``state``, has cost for ``images`` images."""
    from trivit.models.accounting import epoch_macs

    macs = epoch_macs(config, len(state.examples.in_play), epoch)
    spent = dict(state.epoch.seconds)
    seconds = spent.pop("train")
    return {
        "seconds": seconds,
        "step_seconds_by_part": _rounded(spent),
        "images_per_second": images / seconds,
        "macs": macs.macs,
        "macs_saved_percent": macs.saved_percent,
        "peak_memory_mib": round(peak_memory_mib(state.device), 1),
    }


def run_summary(
    config: ExperimentConfig,
    state: RunState,
    info: DatasetInfo,
    *,
    train_images: int,
    test_images: int,
    precision: str,
    compiled_shapes: int,
    timing: dict[str, float],
) -> dict[str, Any]:
    """Return the figures of a finished run, as JSON values.

    Accuracies are in percent, times in seconds unless their name says otherwise.
    """
    from trivit.models.accounting import training_macs

    macs = training_macs(config, train_images)
    vit = config.model.vit
    in_steps = sum(state.step_seconds.values())
    return {
        "model": config.model.name,
        "dataset": info.name,
        "float_top1": None,
        **state.accuracies,
        "weights": exported_weights(config),
        "initial_weights": state.initial_weights,
        "test_images": test_images,
        "epochs": state.epochs_done,
        "images_seen": state.images_seen,
        "images_per_second": state.images_seen / state.seconds["train"],
        "seconds": sum(state.seconds.values()),
        "seconds_by_part": _rounded(state.seconds),
        "step_seconds_by_part": _rounded(state.step_seconds),
        "bookkeeping_percent": 100.0 * state.step_seconds["bookkeeping"] / in_steps,
        "peak_memory_mib": round(peak_memory_mib(state.device), 1),
        "compiled_shapes": compiled_shapes,
        **timing,
        "token_keep_ratio": vit.token_keep_ratio,
        "attention_keep_ratio": vit.attention_keep_ratio,
        "example_keep_ratio": config.sparsity.examples.keep_ratio,
        "example_updates": state.examples.updates_done,
        "training_macs": macs.macs,
        "training_macs_dense": macs.dense_macs,
        "training_macs_saved_percent": macs.saved_percent,
        "seed": config.seed,
        "precision": precision,
        "processes": world().size,
        **describe(state.device),
    }


def worse_export(accuracies: dict[str, float]) -> list[str]:
    """Return a line if what the run exports is worse by more than a point than the other weights.

    Args:
        accuracies: of the latest evaluation: ``float_top1`` of the exported weights, and
            ``model_top1`` of the last step's where they are not the same.
    """
    exported, last = accuracies.get("float_top1"), accuracies.get("model_top1")
    if exported is None or last is None or last - exported <= _TOLERATED_POINTS:
        return []
    return [
        f"the exported average has {exported:.2f} % and the last step's weights {last:.2f} %: "
        "take those with --weights model (trivit evaluate) or --set weights=model (quantize), "
        "or lower training.ema_decay"
    ]


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {part: round(spent, 3) for part, spent in seconds.items()}
