"""Weights that others trained: as the start of a run, or as a run folder of their own.

The folder is for evaluation, quantization and fine-tuning. Untrained weights can have one, too.
"""

from pathlib import Path
from typing import Any

import torch

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig, TrainingConfig
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.schedules import derive_seed
from trivit.models.families import build_model
from trivit.models.file_lock import run_lock
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.pretrained.load import PretrainedReport, load_pretrained
from trivit.models.pretrained.positions import Grid
from trivit.models.pretrained.sections import Weights, read_weights
from trivit.models.runs.checkpoint import Checkpoint, has_checkpoint, save_checkpoint
from trivit.models.training.run_state import RunState


def load_initial_weights(state: RunState, config: TrainingConfig) -> list[str]:
    """Start ``state`` from the weights that ``config.init_from`` names, if it does.

    Returns what became of each part of them, in lines: a head that starts anew or a table that was
    left out is worth finding in a log.

    Args:
        state: of a run that has made no step.
        config: names the file, and which of its weights.

    Raises:
        ModelsError: the weights are missing or of another model.
    """
    if config.init_from is None:
        return []
    grid = config.init_grid
    report = load_pretrained(
        state.model,
        Path(config.init_from),
        weights=config.init_weights,
        grid=None if grid is None else (grid[0], grid[1]),
    )
    if state.average is not None:
        state.average.restart()
    state.weights.refresh()
    state.initial_weights = {"path": config.init_from, "taken": report.source}
    return ["training.init_from:", *report.lines()]


def checkpoint_classes(path: Path | str, weights: Weights = "auto") -> int | None:
    """Return how many classes the head of a checkpoint tells apart; ``None`` without a head.

    Raises:
        ModelsError: see ``read_weights``.
    """
    weight = read_weights(path, weights).tensors.get("head.weight")
    return None if weight is None or weight.dim() != 2 else len(weight)


def import_checkpoint(
    checkpoint: Path | str,
    config: ExperimentConfig,
    out: Path | str,
    *,
    drop_distillation: bool = False,
    weights: Weights = "auto",
    grid: Grid | None = None,
) -> PretrainedReport:
    """Write the run folder ``out`` with the model of ``config`` and the weights of a checkpoint.

    The folder looks like that of a finished training. What the checkpoint does not give is drawn
    from the configuration's seed.

    Args:
        checkpoint: see ``read_weights``.
        config: model and data; its training settings matter to fine-tuning alone.
        out: run folder; created when missing.
        drop_distillation, weights, grid: see ``load_pretrained``.

    Raises:
        ModelsError: the folder holds a run, or the checkpoint does not fit. Nothing is written.
    """
    out = Path(out)
    model = _drawn_model(config, out)
    report = load_pretrained(
        model, checkpoint, drop_distillation=drop_distillation, weights=weights, grid=grid
    )
    state = {
        "epoch": config.training.epochs,
        "imported_from": Path(checkpoint).name,
        "imported_weights": report.source,
    }
    _save(config, out, state, model)
    return report


def untrained_run(config: ExperimentConfig, out: Path | str) -> None:
    """Write the run folder ``out`` with the model of ``config``, drawn from its seed.

    The folder looks like that of a finished training; its weights are those with which
    ``trivit train`` would start. It is for training on the device from scratch.

    Args:
        config: model and data; its training settings do not matter.
        out: run folder; created when missing.

    Raises:
        ModelsError: the folder holds a run. Nothing is written.
    """
    out = Path(out)
    model = _drawn_model(config, out)
    _save(config, out, {"epoch": config.training.epochs, "untrained": True}, model)


def _drawn_model(config: ExperimentConfig, out: Path) -> SparseTransformer:
    if has_checkpoint(out / "checkpoint"):
        raise ModelsError(f"{out} already holds a run: name another folder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "model"))
        return build_model(config.model)


def _save(
    config: ExperimentConfig, out: Path, state: dict[str, Any], model: SparseTransformer
) -> None:
    with run_lock(out):
        save_config(config, out / "config.yaml")
        save_checkpoint(out / "checkpoint", Checkpoint(state, model.state_dict(), {}))
