"""The numbers of an op from the fraction lengths of its tensors (docs/on-device-training.md).

A program names tensors; when the host moves an exponent, these numbers follow. On the accelerator
they are fields of commands, which the host rewrites.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from trivit.host.generated.spec import MAX_ALIGN_SHIFT
from trivit.host.training.operand_formats import MASTER_BITS as MASTER_BITS
from trivit.host.training.operand_formats import Formats as _Formats
from trivit.host.training.operand_formats import mantissa as mantissa
from trivit.host.training.operations import OPERATIONS
from trivit.host.training.program import Operation, TensorSpec
from trivit.host.training.update_shifts import UPDATES
from trivit.host.training.update_shifts import UpdateSettings as UpdateSettings

EXP_FRAC = 20  # fraction bits of the exponent in softmax
NORM_FRAC = 20  # of a normalised value
MAX_GELU_IN_FRAC = 15
_SLOPE_FRAC = 16
_VALUE_FRAC = 12
_GUARD = 8


def exponent(scale: float, frac: int) -> tuple[int, int]:
    """Return (exp_multiplier, exp_shift): scale·log2(e)·2^-frac at 20 fraction bits."""
    return mantissa(scale * math.log2(math.e) * 2.0 ** (EXP_FRAC - frac), 24)


def scale_integer(scale: float) -> tuple[int, int]:
    """Return the softmax's factor as (integer of 16 bits, its fraction length)."""
    return mantissa(scale, 16)


def norm_constants(width: int, frac: int, epsilon: float) -> dict[str, int]:
    """Return what a normalisation of rows of ``width`` elements at ``frac`` fraction bits needs."""
    return {
        "inv_width": round(2**32 / width),
        "sqrt_width": round(math.sqrt(width) * 2**16),
        "epsilon": round(epsilon * width * 2.0 ** (2 * (frac + 8))),
    }


def _norm(f: _Formats, x: str) -> dict[str, int]:
    constants = norm_constants(f.columns(x), f[x], float(f.attribute("epsilon")))
    f.within("epsilon", constants["epsilon"], 0, 1 << 56)
    return constants


def _product(f: _Formats) -> dict[str, int]:
    frac = f["a"] + f["b"]
    return {
        "shift": f.shift(frac - f["dst"]),
        "bias_shift": f.align("bias", frac - f["bias"]) if "bias" in f else 0,
        "addend_shift": (
            f.align("addend", frac - f["addend"], -MAX_ALIGN_SHIFT) if "addend" in f else 0
        ),
    }


def _cls_row(f: _Formats) -> dict[str, int]:
    frac = max(f["cls"], f["position"])
    return {
        "cls_shift": f.align("token", frac - f["cls"]),
        "position_shift": f.align("position", frac - f["position"]),
        "shift": f.shift(frac - f["dst"]),
    }


def _normalise(f: _Formats) -> dict[str, int]:
    frac = NORM_FRAC + f["gamma"]
    return _norm(f, "x") | {
        "beta_shift": f.align("beta", frac - f["beta"]),
        "norm_shift": f.shift(frac - f["dst"]),
    }


def _gelu(f: _Formats) -> dict[str, int]:
    return {
        "in_frac": f.within("input format", f["x"], 0, MAX_GELU_IN_FRAC),
        "out_frac": f.within("output format", f["dst"], 0, 24),
    }


def _softmax(f: _Formats, scale: float, frac: int) -> dict[str, int]:
    multiplier, shift = exponent(scale, frac)
    return {"exp_multiplier": multiplier, "exp_shift": f.within("exponent shift", shift, 0, 40)}


def _attention(f: _Formats) -> dict[str, int]:
    return {
        "heads": int(f.attribute("heads")),
        "score_shift": f.shift(2 * f["qkv"] - f["scores"]),
        **_softmax(f, float(f.attribute("scale")), f["scores"]),
        "prob_frac": f.within("format of probabilities", f["probs"], 0, 15),
        "out_shift": f.shift(f["probs"] + f["qkv"] - f["dst"]),
        "bias_shift": (
            f.align("bias", 2 * f["qkv"] - f["bias"], -MAX_ALIGN_SHIFT) if "bias" in f else 0
        ),
    }


def _score_bias(f: _Formats, x: str) -> dict[str, int]:
    factor, factor_frac = mantissa(1 / float(f.attribute("scale")), 16)
    return {"factor": factor, "shift": f.shift(f[x] + factor_frac - f["dst"])}


def _gelu_backward(f: _Formats) -> dict[str, int]:
    return {
        "in_frac": f.within("input format", f["x"], 0, MAX_GELU_IN_FRAC),
        "shift": f.shift(f["dy"] + _SLOPE_FRAC - f["dst"]),
    }


def _normalise_backward(f: _Formats) -> dict[str, int]:
    target = f["dst"] + _GUARD
    return _norm(f, "x") | {
        "shift": f["dy"] + f["gamma"] - f["x"] + 4 - f["dst"],
        "addend_shift": f.align("addend", target - f["addend"], -40) if "addend" in f else 0,
    }


def _normalise_gamma(f: _Formats) -> dict[str, int]:
    return _norm(f, "x") | {"shift": f.shift(f["dy"] + _VALUE_FRAC - f["dst"])}


def _attention_backward(f: _Formats) -> dict[str, int]:
    scale, scale_frac = scale_integer(float(f.attribute("scale")))
    return {
        "heads": int(f.attribute("heads")),
        "prob_frac": f["probs"],
        "scale": scale,
        "probs_shift": f.shift(f["dy"] + f["qkv"] - f["d_probs"]),
        "scores_shift": f.shift(f["d_probs"] + 2 * f["probs"] + scale_frac - f["d_scores"]),
        "query_shift": f.shift(f["d_scores"] + f["qkv"] - f["dst"]),
        "value_shift": f.shift(f["probs"] + f["dy"] - f["dst"]),
    }


def _add(f: _Formats) -> dict[str, int]:
    frac = max(f["a"], f["b"])
    return {
        "a_shift": f.align("first gradient", frac - f["a"]),
        "b_shift": f.align("second gradient", frac - f["b"]),
        "shift": f.shift(frac - f["dst"]),
    }


_RULES: dict[str, Callable[[_Formats], dict[str, int]]] = {
    "product": _product,
    "cls_row": _cls_row,
    "normalise": _normalise,
    "gelu": _gelu,
    "attention": _attention,
    "cross_entropy": lambda f: {**_softmax(f, 1.0, f["logits"]), "frac": f["dst"]},
    "column_sums": lambda f: {"shift": f.shift(f["dy"] - f["dst"])},
    "gelu_backward": _gelu_backward,
    "normalise_backward": _normalise_backward,
    "normalise_gamma": _normalise_gamma,
    "attention_backward": _attention_backward,
    "add": _add,
    "score_bias": lambda f: _score_bias(f, "table"),
    "score_bias_backward": lambda f: _score_bias(f, "d_scores"),
}


def numbers(
    operation: Operation,
    formats: Mapping[str, int],
    tensors: Mapping[str, TensorSpec],
    settings: UpdateSettings,
) -> dict[str, int]:
    """Return the fields of an op, in the order of its description.

    Args:
        operation: the op.
        formats: fraction length of every tensor.
        tensors: every tensor of the program.
        settings: of the update.

    Raises:
        HostError: fraction lengths that the contract's shifts cannot bring together.
    """
    f = _Formats(operation, formats, tensors)
    if operation.opcode in UPDATES:
        values = UPDATES[operation.opcode](f, settings)
    elif operation.opcode in _RULES:
        values = _RULES[operation.opcode](f)
    else:
        names = OPERATIONS[operation.opcode].fields
        values = {name: int(f.attribute(name)) for name in names}
    return {name: values[name] for name in OPERATIONS[operation.opcode].fields}
