"""Reading a run folder: its configuration, and the weights that it exports."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from trivit.models.data import DatasetInfo, dataset_info
from trivit.models.errors import ModelsError
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import ExperimentConfig, load_config
from trivit.models.vision_transformer import VisionTransformer

Weights = Literal["auto", "ema", "model"]


class LoadedRun(NamedTuple):
    """A trained run: its configuration, the model at its final keep ratios, its images' format."""

    config: ExperimentConfig
    model: VisionTransformer
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


def load_run(run: Path | str, weights: Weights = "auto") -> LoadedRun:
    """Read ``config.yaml`` and the model of the folder ``run``; the model is in eval mode, on CPU.

    Args:
        run: the run folder.
        weights: ``ema``: their moving average; ``model``: those of the last step; ``auto``: the
            average if the run keeps one.

    Raises:
        ModelsError: the folder holds no run, a file is damaged, or the run keeps no average.
    """
    run = Path(run)
    config = run_config(run)
    chosen = exported_weights(config, weights)
    checkpoint = load_checkpoint(run / "checkpoint", training=False)
    model = VisionTransformer(config.model.vit)
    tensors: dict[str, Any] = checkpoint.average if chosen == "ema" else checkpoint.model
    try:
        model.load_state_dict(tensors)
    except RuntimeError:
        raise ModelsError(f"{run}: the checkpoint is of another model than config.yaml") from None
    return LoadedRun(config, model.eval(), dataset_info(config.data))


def run_config(run: Path) -> ExperimentConfig:
    """Return the configuration of the run in the folder ``run``.

    Raises:
        ModelsError: the folder holds no run.
    """
    if not (run / "config.yaml").is_file():
        raise ModelsError(f"{run} holds no training run: make one with 'trivit train'")
    return load_config(run / "config.yaml")
