"""Where training runs, in which precision, and in how much memory."""

import contextlib
import re
import resource
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import TrainingConfig
from trivit.models.layers.short_attention.selection import INTERPRETED
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.training.distributed import world

_MIB = 1 << 20


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


def use_attention(model: SparseTransformer, config: TrainingConfig, device: torch.device) -> None:
    """Let ``model`` compute attention as ``config`` says.

    Raises:
        ModelsError: by Triton, and its kernels do not serve this device, precision or model.
    """
    kind, precision = config.attention, chosen_precision(config, device)
    if kind == "auto" and device.type != "cuda" and not INTERPRETED:
        kind = "torch"  # Triton takes a while to import
    if kind == "triton" and not INTERPRETED:
        if device.type != "cuda":
            raise ModelsError(
                f"training.attention is 'triton' and the device is {device.type}: its kernels need "
                "CUDA; use auto or torch"
            )
        if precision != "bfloat16":
            raise ModelsError(
                f"training.attention is 'triton' and training.precision is '{precision}': its "
                "kernels need bfloat16; use training.attention=auto, or precision bfloat16"
            )
    model.set_attention(kind)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context that forward passes run in."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def describe(device: torch.device) -> dict[str, object]:
    """Return what a timing depends on: device name, threads, torch version."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}


def peak_memory_mib(device: torch.device) -> float:
    """Return the peak in MiB: of what PyTorch allocated on a GPU, else of the process.

    On Linux the process's own peak is read: the one of ``getrusage`` begins with its parent's.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _MIB
    status = Path("/proc/self/status")
    if status.is_file() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MIB if sys.platform == "darwin" else peak / 1024
