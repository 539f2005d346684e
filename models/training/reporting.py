"""What a run says: figures of an epoch and of all, lines for people, ``metrics.jsonl``, curves."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivit.models.clock import rounded
from trivit.models.data import DatasetInfo
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.costs import epoch_macs, training_macs
from trivit.models.files import atomic_write, named
from trivit.models.runs.checkpoint import has_checkpoint
from trivit.models.runs.saved_run import exported_weights
from trivit.models.training.device import describe, peak_memory_mib
from trivit.models.training.distributed import world
from trivit.models.training.run_state import STEP_PARTS, RunState

_TOLERATED_POINTS = 1.0
_TOLERATED_WAIT = 3.0  # percent of the steps' time
_CAUSES = {
    "reading": "reading and decoding",
    "copying": "copies to the device",
    "augmenting": "augmentation",
    "other": "the draws of steps",
}


def epoch_costs(
    config: ExperimentConfig, state: RunState, epoch: int, images: int
) -> dict[str, Any]:
    """Return what ``epoch`` (0-based), under way in ``state``, has cost for ``images`` images."""
    macs = epoch_macs(config, len(state.examples.in_play), epoch)
    seconds = state.epoch.seconds["train"]
    return {
        "seconds": seconds,
        "step_seconds_by_part": _step_parts(state.epoch.seconds),
        "data_seconds_by_cause": rounded(state.epoch.waits),
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
    cuda_graphs: int,
    waits: Mapping[str, float],
    timing: dict[str, float],
) -> dict[str, Any]:
    """Return the figures of a finished run, as JSON values.

    Accuracies are in percent, times in seconds unless their name says otherwise.
    """
    macs = training_macs(config, train_images)
    vit = config.model
    # A replayed step counts examples too: their share of it is not known.
    share = None
    if state.step_seconds["step"] == 0:
        share = 100.0 * state.step_seconds["bookkeeping"] / sum(state.step_seconds.values())
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
        "seconds_by_part": rounded(state.seconds),
        "step_seconds_by_part": _step_parts(state.step_seconds),
        "data_seconds_by_cause": rounded(waits),
        "bookkeeping_percent": share,
        "peak_memory_mib": round(peak_memory_mib(state.device), 1),
        "compiled_shapes": compiled_shapes,
        "cuda_graphs": cuda_graphs,
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


def _step_parts(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the times of the parts that the steps had."""
    return rounded({part: seconds[part] for part in STEP_PARTS if seconds.get(part)})


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


def epoch_line(record: Mapping[str, Any]) -> str:
    """Return the line of a finished epoch, from its metrics record."""
    accuracy = record.get("float_top1")
    tested = "" if accuracy is None else f"  test top-1 {accuracy:.2f} %"
    if "model_top1" in record:
        tested += f" (not averaged: {record['model_top1']:.2f} %)"
    waits = waits_for(record)
    return (
        f"epoch {record['epoch']}  loss {record['loss']:.4f}  "
        f"train top-1 {record['train_top1']:.2f} %{tested}  "
        f"token keep {record['token_keep_ratio']:.2f}  {record['seconds']:.1f} s"
        + (f"  waits for {waits}" if waits else "")
    )


def waits_for(record: Mapping[str, Any]) -> str:
    """Return what an epoch's steps waited for and how long, in percent of their time.

    Empty where they hardly waited for batches.

    Args:
        record: of the epoch, from its metrics.
    """
    total = sum(record["step_seconds_by_part"].values())
    waited = record["step_seconds_by_part"].get("data", 0.0)
    if not total or 100 * waited / total <= _TOLERATED_WAIT:
        return ""
    causes = sum(record["data_seconds_by_cause"].values()) or 1.0
    # Of an epoch that was resumed, the causes of its first part are not known.
    shares = {
        _CAUSES[cause]: 100 * waited / total * seconds / causes
        for cause, seconds in record["data_seconds_by_cause"].items()
    }
    largest = sorted(shares, key=lambda name: -shares[name])
    named = [f"{name} {shares[name]:.0f} %" for name in largest if shares[name] >= 1]
    return ", ".join(named)


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


class Metrics:
    """``metrics.jsonl``: a JSON object a line, in the order of training.

    Appends records to a file and forgets those that a resumed run will write again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep_until(self, epoch: int) -> None:
        """Drop the records of epochs after ``epoch``, and a last line that was cut off."""
        kept = [record for record in self.records() if record["epoch"] <= epoch]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(json.dumps(record) + "\n" for record in kept))

    def totals(self, key: str) -> dict[str, float]:
        """Return the sums over all records of the numbers that each has under ``key``, by name."""
        sums: dict[str, float] = {}
        for record in self.records():
            for name, value in record.get(key, {}).items():
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def append(self, record: dict[str, Any]) -> None:
        """Add one record; it needs an ``epoch``."""
        with named(self.path), self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """Return all records up to a line that was cut off; none where there is no file."""
        records: list[dict[str, Any]] = []
        if not self.path.is_file():
            return records
        for line in self.path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                break
        return records


class EventWriter:
    """Writes the numbers of metrics records, each under its name, against the step."""

    def __init__(self, folder: Path) -> None:
        """Check that events can be written; ``folder`` is made with the first record.

        Raises:
            ModelsError: the package tensorboard is missing.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ModelsError(
                "training.tensorboard needs the package tensorboard: "
                "pip install 'trivit[tensorboard]', or set it to false"
            ) from None
        self._folder = folder
        self._open = SummaryWriter
        self._writer: Any = None

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one record; it needs a ``step``. Later steps of an earlier start are hidden."""
        step = int(record["step"])
        with named(self._folder):
            if self._writer is None:
                self._writer = self._open(str(self._folder), purge_step=step)
            for name, value in _numbers(record).items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            with named(self._folder):
                self._writer.close()


def _numbers(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            numbers |= _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            numbers[prefix + name] = float(value)
    return numbers
