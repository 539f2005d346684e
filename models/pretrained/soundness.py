"""Weights that a training hardly leaves behind: all zero, or of an unusual scale."""

import math
from collections.abc import Collection

from torch import Tensor

from trivit.models.errors import ModelsError

# How much a product enlarges inputs of size 1 (the root mean square of its weights times the square
# root of its inputs) and how large biases, norms, tokens and positions are. Trained vision
# transformers lie between 0.1 and 5, and below 10.
_GAIN = (1e-3, 20.0)
_LARGEST_VECTOR = 100.0


def refuse_impossible(tensors: dict[str, Tensor]) -> None:
    """Refuse tensors that are no numbers, or not finite in float32.

    Raises:
        ModelsError: there are some; the message names and counts them.
    """
    whole = [name for name, value in tensors.items() if not value.is_floating_point()]
    if whole:
        raise ModelsError(
            f"{listed(whole)} of the checkpoint {_is(whole)} of type {tensors[whole[0]].dtype}: "
            "give weights in floating point"
        )
    broken = [name for name, value in tensors.items() if not bool(value.float().isfinite().all())]
    if broken:
        raise ModelsError(
            f"{len(broken)} of {len(tensors)} tensors of the checkpoint have values that are not "
            f"finite ({listed(broken)}): fetch it again, or take an earlier one of that training"
        )


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def all_zero(tensors: dict[str, Tensor], expected: Collection[str] = ()) -> tuple[str, ...]:
    """Return matrices, norms' scales, [CLS] and positions that hold nothing but zeros.

    Args:
        tensors: in this package's names.
        expected: names that may.
    """
    return tuple(
        name
        for name, value in tensors.items()
        if (_is_product(name, value) or _is_scale(name) or name in ("cls_token", "pos_embed"))
        and name not in expected
        and not bool(value.any())
    )


def ill_scaled(tensors: dict[str, Tensor], *, layer_scaled: bool = False) -> tuple[str, ...]:
    """Return tensors of a size that trained ones do not have, with their root mean squares.

    Args:
        tensors: in this package's names.
        layer_scaled: layer scale went into the last products of the branches, and may have made
            them small.
    """
    found: list[str] = []
    for name, value in tensors.items():
        if not bool(value.any()):
            continue
        size = float(value.double().square().mean().sqrt())
        if _is_product(name, value):
            gain = size * math.sqrt(value[0].numel())
            may_be_small = layer_scaled and name.endswith(("attn.proj.weight", "mlp.fc2.weight"))
            small, large = gain < _GAIN[0] and not may_be_small, gain > _GAIN[1]
        else:
            small, large = _is_scale(name) and size < _GAIN[0], size > _LARGEST_VECTOR
        if small or large:
            found.append(f"{name} (rms {size:.2g})")
    return tuple(found)


def listed(names: Collection[str], most: int = 4) -> str:
    """Return the first names, and how many more there are."""
    first = list(names)[:most]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _is_product(name: str, value: Tensor) -> bool:
    return name.endswith(".weight") and value.dim() >= 2


def _is_scale(name: str) -> bool:
    return name.endswith(("norm.weight", "norm1.weight", "norm2.weight"))
