"""Training and evaluation of float models: experiments in, run folders out."""

from trivit.models.training.config import ExperimentConfig, load_config, parse_config
from trivit.models.training.evaluate import LoadedRun, evaluate, load_run
from trivit.models.training.trainer import train

__all__ = [
    "ExperimentConfig",
    "LoadedRun",
    "evaluate",
    "load_config",
    "load_run",
    "parse_config",
    "train",
]
