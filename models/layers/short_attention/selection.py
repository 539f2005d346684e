"""When the kernels serve: this module needs no Triton and imports the others when asked for.

Shape suffixes: B images, L tokens, H heads, E head width.
"""

import importlib
import importlib.util
import os
from typing import Literal

import torch
from torch import Tensor

from trivit.models.layers.short_attention.sizes import MAX_TOKENS, WIDTHS

# auto: the kernels where they serve and PyTorch's fused attention has no fast way.
AttentionKind = Literal["auto", "triton", "torch"]

# Triton runs the kernels on the CPU, for tests, very slowly.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def load_kernels() -> bool:
    """Make ``torch.ops.trivit.short_attention`` known; return whether Triton is here."""
    if importlib.util.find_spec("triton") is None:
        return False
    try:
        importlib.import_module("trivit.models.layers.short_attention.operator")
    except (ImportError, AttributeError):  # a Triton that is broken, or too old for the kernels
        return False
    return True


def fits(tokens: int, width: int) -> bool:
    """Return whether the kernels take so many tokens and heads of this width."""
    return tokens <= MAX_TOKENS and width in WIDTHS


def serves(qkv_BL3HE: Tensor) -> bool:
    """Return whether the kernels can compute with these tensors: half precision on CUDA.

    In float32 they would multiply without tensor cores, slower than PyTorch.
    """
    _, length, _, _, width = qkv_BL3HE.shape
    if INTERPRETED:
        device_serves = qkv_BL3HE.dtype == torch.float32
    else:
        half = qkv_BL3HE.dtype in (torch.bfloat16, torch.float16)
        device_serves = qkv_BL3HE.is_cuda and half
    return device_serves and fits(length, width)
