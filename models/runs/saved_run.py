"""Reading a run folder: its configuration, and the weights that it exports."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from trivit.models.data import DatasetInfo
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config
from trivit.models.families import build_model
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.runs.images import images_at, own_info

Weights = Literal["auto", "ema", "model"]


class LoadedRun(NamedTuple):
    """A trained run: its configuration, the model at its final keep ratios, its images' format."""

    config: ExperimentConfig
    model: SparseTransformer
    info: DatasetInfo


def exported_weights(
    config: ExperimentConfig, weights: Weights = "auto"
) -> Literal["ema", "model"]:
    """Return which weights of a run are meant: ``auto`` takes the moving average if there is one.

    Raises:
        ModelsError: the average is asked for and the run keeps none.
    """
    averaged = config.training.ema_decay is not None
    if weights == "ema" and not averaged:
        raise ModelsError(
            "weights are 'ema' and the run keeps no average: use model, or train with "
            "training.ema_decay"
        )
    if weights == "auto":
        return "ema" if averaged else "model"
    return weights


def load_run(
    run: Path | str,
    weights: Weights = "auto",
    data: str | None = None,
    *,
    by_number: bool = False,
) -> LoadedRun:
    """Read ``config.yaml`` and the model of the folder ``run``; the model is in eval mode, on CPU.

    Args:
        run: the run folder.
        weights: ``ema``: their moving average; ``model``: those of the last step; ``auto``: the
            average if the run keeps one.
        data: where its images are now, or other images: a data set by name, or the folder of a
            store; the configuration that is returned names it. Other images are not cut to the
            run's counts, and are normalised as the run's.
        by_number: take classes of other names for those of the run, by their number.

    Raises:
        ModelsError: the folder holds no run, a file is damaged, the run keeps no average, there is
            no such data set, it does not fit the model, or its classes have other names.
    """
    run = Path(run)
    config = run_config(run)
    chosen = exported_weights(config, weights)
    checkpoint = load_checkpoint(run / "checkpoint", training=False)
    model = build_model(config.model)
    tensors: dict[str, Any] = checkpoint.average if chosen == "ema" else checkpoint.model
    try:
        model.load_state_dict(tensors)
    except RuntimeError:
        raise ModelsError(f"{run}: the checkpoint is of another model than config.yaml") from None
    saved = checkpoint.state.get("dataset")
    if data is None:
        return LoadedRun(config, model.eval(), own_info(run, config, saved))
    place, info = images_at(run, config, saved, data, by_number=by_number)
    return LoadedRun(replace(config, data=place), model.eval(), info)


def run_config(run: Path) -> ExperimentConfig:
    """Return the configuration of the run in the folder ``run``.

    Raises:
        ModelsError: the folder holds no run.
    """
    if not (run / "config.yaml").is_file():
        raise ModelsError(f"{run} holds no training run: make one with 'trivit train'")
    return load_config(run / "config.yaml")
