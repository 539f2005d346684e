"""Training and evaluation of float models: experiments in, run folders out."""

from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config, parse_config
from trivit.models.runs.saved_run import LoadedRun, load_run
from trivit.models.training.evaluate import evaluate
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
