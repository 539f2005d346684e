"""Where training runs and in which precision."""

import contextlib
from contextlib import AbstractContextManager

import torch

from trivit.models.errors import ModelsError
from trivit.models.training.config import TrainingConfig
from trivit.models.training.distributed import world


def choose_device(name: str) -> torch.device:
    """Return the device that ``auto``, ``cpu`` or ``cuda`` stands for.

    Raises:
        ModelsError: CUDA is asked for and not available.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelsError("training.device is 'cuda' but no CUDA device is here: use auto or cpu")
    if name == "cuda" and world().size > 1:
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(name)


def chosen_precision(config: TrainingConfig, device: torch.device) -> str:
    """Return ``float32`` or ``bfloat16``."""
    if config.precision != "auto":
        return config.precision
    return "bfloat16" if device.type == "cuda" else "float32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context that forward passes run in."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished, so that a clock read now is right."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(device: torch.device) -> dict[str, object]:
    """Return what a timing depends on: device name, threads, torch version."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}
