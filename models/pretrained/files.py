"""State dicts from files: torch's own format, safetensors, and run folders of this package."""

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from trivit.models.errors import ModelsError

# Where training scripts keep the weights (DeiT: model; timm: state_dict); averaged ones come
# first, as they are what their authors evaluate.
_SECTIONS = ("model_ema", "state_dict_ema", "model", "state_dict")

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".tar")


def read_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, on the CPU.

    Reads safetensors, files of ``torch.save`` (a state dict, or one under ``model_ema``,
    ``state_dict_ema``, ``model`` or ``state_dict``), and the run folders of ``trivit train``.
    Averaged weights go before others. Pickled code is never run.

    Raises:
        ModelsError: the file is missing, damaged, holds other objects than tensors and plain
            values, or no state dict.
    """
    path = Path(path)
    if path.is_dir():
        from trivit.models.training.checkpoint import load_checkpoint

        run = load_checkpoint(path / "checkpoint", training=False)
        return {**run.model, **run.average}
    if not path.is_file():
        raise ModelsError(f"checkpoint {path} does not exist: check the path")
    if path.suffix not in _SUFFIXES:
        raise ModelsError(f"checkpoint {path} is of an unknown kind: give a .safetensors or .pth")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for section in _SECTIONS:
        if isinstance(content, Mapping) and isinstance(content.get(section), Mapping):
            content = content[section]
            break
    tensors = dict(content) if isinstance(content, Mapping) else {}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise ModelsError(
            f"checkpoint {path} holds no state dict, neither at its top nor under "
            f"{', '.join(_SECTIONS)}: give a file with a model's tensors"
        )
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelsError(f"cannot read checkpoint {path} ({error}): fetch it again") from None


def _read_torch(path: Path) -> Any:
    try:
        # DeiT's training script stores its arguments beside the weights.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            raise ModelsError(
                f"checkpoint {path} holds Python objects besides tensors, which are not loaded "
                "as they could run code: save its state dict alone"
            ) from None
        raise ModelsError(f"cannot read checkpoint {path}: fetch it again") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError):
        raise ModelsError(
            f"cannot read checkpoint {path}: it is damaged or no file of torch.save"
        ) from None
