"""A run folder from a checkpoint of others, for evaluation, quantization and fine-tuning."""

from pathlib import Path

import torch

from trivit.models.errors import ModelsError
from trivit.models.file_lock import run_lock
from trivit.models.pretrained.load import PretrainedReport, load_pretrained
from trivit.models.pretrained.positions import Grid
from trivit.models.pretrained.sections import Weights, read_weights
from trivit.models.training.checkpoint import Checkpoint, has_checkpoint, save_checkpoint
from trivit.models.training.config import ExperimentConfig, save_config
from trivit.models.training.seeds import derive_seed
from trivit.models.vision_transformer import VisionTransformer


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
    if has_checkpoint(out / "checkpoint"):
        raise ModelsError(f"{out} already holds a run: name another folder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "model"))
        model = VisionTransformer(config.model.vit)
    report = load_pretrained(
        model, checkpoint, drop_distillation=drop_distillation, weights=weights, grid=grid
    )
    state = {
        "epoch": config.training.epochs,
        "imported_from": Path(checkpoint).name,
        "imported_weights": report.source,
    }
    with run_lock(out):
        save_config(config, out / "config.yaml")
        save_checkpoint(out / "checkpoint", Checkpoint(state, model.state_dict(), {}))
    return report
