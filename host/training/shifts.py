"""The numbers of an op from the fraction lengths of its tensors (docs/on-device-training.md).

A program names tensors; when the host moves an exponent, these numbers follow. On the accelerator
they are fields of commands, which the host rewrites.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trivit.host.errors import HostError
from trivit.host.generated.spec import MAX_ALIGN_SHIFT, MAX_SHIFT, MIN_SHIFT
from trivit.host.oracle.training.adamw import ALPHA_FRAC, DIRECTION_FRAC
from trivit.host.training.operations import OPERATIONS
from trivit.host.training.program import Operation, TensorSpec

EXP_FRAC = 20  # fraction bits of the exponent in softmax
NORM_FRAC = 20  # of a normalised value
MAX_GELU_IN_FRAC = 15
MASTER_BITS = 16  # further bits of a 32-bit master
_SLOPE_FRAC = 16
_VALUE_FRAC = 12
_GUARD = 8


@dataclass(frozen=True, kw_only=True)
class UpdateSettings:
    """What a run fixes: momentum (AdamW: beta1), weight decay of matrices, rounding.

    ``beta2`` and ``epsilon`` are AdamW's.

    Raises:
        HostError: a value outside its range.
    """

    momentum: float = 0.9
    weight_decay: float = 0.0
    stochastic: bool = True
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise HostError(f"momentum {self.momentum!r}: use 0 or more and less than 1")
        if not 0 <= self.weight_decay < 1:
            raise HostError(f"weight decay {self.weight_decay!r}: use 0 or more and less than 1")
        if not 0.5 <= self.beta2 < 1 - 2.0**-ALPHA_FRAC:
            raise HostError(f"beta2 {self.beta2!r}: use 0.5 or more and less than 1")
        if not 1e-12 <= self.epsilon <= 1:
            raise HostError(f"epsilon {self.epsilon!r}: use 1e-12 to 1")

    @property
    def beta1_integer(self) -> int:
        """The momentum at 16 fraction bits."""
        return round(self.momentum * 65536)

    @property
    def alpha2_integer(self) -> int:
        """1 - beta2 at 24 fraction bits."""
        return round((1 - self.beta2) * 2**ALPHA_FRAC)

    def corrections(self, step: int) -> dict[str, int]:
        """Return AdamW's constants of step ``step``, counted from 1, for the integer betas."""
        first = 1 - (self.beta1_integer / 65536) ** step
        square = 1 - (1 - self.alpha2_integer * 2.0**-ALPHA_FRAC) ** step
        bias, bias_exponent = mantissa(math.sqrt(square) / first, 16)
        second, second_exponent = mantissa(square, 16)
        return {
            "bias": bias,
            "bias_exponent": bias_exponent,
            "second": second,
            "second_exponent": second_exponent,
        }


def mantissa(value: float, bits: int) -> tuple[int, int]:
    """Return (m, e) with value ≈ m·2^-e and m of exactly ``bits`` bits; (0, 0) for 0."""
    if value == 0:
        return 0, 0
    exponent_bits = bits - math.frexp(value)[1]
    whole = round(math.ldexp(value, exponent_bits))
    return (whole >> 1, exponent_bits - 1) if whole == 1 << bits else (whole, exponent_bits)


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


class _Formats:
    """The fraction lengths of one op's operands, and its attributes."""

    def __init__(
        self, operation: Operation, formats: Mapping[str, int], tensors: Mapping[str, TensorSpec]
    ) -> None:
        self.operation, self._formats, self._tensors = operation, formats, tensors

    def __getitem__(self, operand: str) -> int:
        return self._formats[self.operation.operands[operand].tensor]

    def __contains__(self, operand: str) -> bool:
        return operand in self.operation.operands

    def attribute(self, name: str) -> int | float:
        return self.operation.attributes[name]

    def columns(self, operand: str) -> int:
        return self._tensors[self.operation.operands[operand].tensor].columns

    def within(self, what: str, value: int, low: int, high: int) -> int:
        """Return ``value``, or refuse it.

        Raises:
            HostError: it is outside ``low``..``high``.
        """
        if not low <= value <= high:
            name = next(iter(self.operation.operands.values())).tensor
            raise HostError(
                f"'{name}' ({self.operation.opcode}) needs a {what} of {value}, the contract has "
                f"{low}..{high}: give its tensors closer fraction lengths"
            )
        return value

    def shift(self, value: int) -> int:
        return self.within("shift", value, MIN_SHIFT, MAX_SHIFT)

    def align(self, what: str, value: int, low: int = 0) -> int:
        return self.within(f"shift of its {what}", value, low, MAX_ALIGN_SHIFT)

    def norm(self, x: str) -> dict[str, int]:
        constants = norm_constants(self.columns(x), self[x], float(self.attribute("epsilon")))
        self.within("epsilon", constants["epsilon"], 0, 1 << 56)
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
    return f.norm("x") | {
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
    return f.norm("x") | {
        "shift": f["dy"] + f["gamma"] - f["x"] + 4 - f["dst"],
        "addend_shift": f.align("addend", target - f["addend"], -40) if "addend" in f else 0,
    }


def _normalise_gamma(f: _Formats) -> dict[str, int]:
    return f.norm("x") | {"shift": f.shift(f["dy"] + _VALUE_FRAC - f["dst"])}


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


def _update_sgd(f: _Formats, settings: UpdateSettings) -> dict[str, int]:
    master = f["high"] + (MASTER_BITS if "low" in f else 0)
    decay, decay_frac = 0, 0
    if f.attribute("decays"):
        decay, decay_frac = mantissa(settings.weight_decay, 16)
    decay_shift = decay_frac + master - f["velocity"] - 16
    return {
        "number": int(f.attribute("number")),
        "momentum": settings.beta1_integer,
        "gradient_shift": f.within("shift", f["gradient"] - f["velocity"], -24, MAX_SHIFT),
        "decay": decay,
        "decay_shift": f.within("shift of its decay", decay_shift, -8, 62) if decay else 0,
        "rate_shift": f["velocity"] - master,
        "stochastic": int(settings.stochastic),
    }


def _update_adamw(f: _Formats, settings: UpdateSettings) -> dict[str, int]:
    master = f["high"] + MASTER_BITS
    decay, decay_frac = 0, 0
    if f.attribute("decays"):
        decay, decay_frac = mantissa(settings.weight_decay, 16)
    decay_shift = decay_frac + master - DIRECTION_FRAC
    epsilon, epsilon_frac = mantissa(settings.epsilon**2, 16)
    return {
        "number": int(f.attribute("number")),
        "beta1": settings.beta1_integer,
        "mean_shift": f.within("shift", f["gradient"] - f["velocity"], -24, MAX_SHIFT),
        "alpha2": settings.alpha2_integer,
        "square_shift": 2 * (f["gradient"] - f["second"]),
        "epsilon": epsilon,
        "epsilon_shift": epsilon_frac - 2 * f["second"],
        "direction_shift": f["velocity"] - f["second"] + 4,
        "decay": decay,
        "decay_shift": f.within("shift of its decay", decay_shift, 12, 62) if decay else 0,
        "rate_shift": DIRECTION_FRAC - master,
        "stochastic": int(settings.stochastic),
    }


_UPDATES = {"update_sgd": _update_sgd, "update_adamw": _update_adamw}
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
    if operation.opcode in _UPDATES:
        values = _UPDATES[operation.opcode](f, settings)
    elif operation.opcode in _RULES:
        values = _RULES[operation.opcode](f)
    else:
        names = OPERATIONS[operation.opcode].fields
        values = {name: int(f.attribute(name)) for name in names}
    return {name: values[name] for name in OPERATIONS[operation.opcode].fields}
