"""The settings of the weight update, and its ops' numbers (docs/on-device-training.md, Update)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trivit.host.errors import HostError
from trivit.host.generated.spec import MAX_ALIGN_SHIFT, MAX_SHIFT
from trivit.host.oracle.training.adamw import ALPHA_FRAC, DIRECTION_FRAC
from trivit.host.training.operand_formats import MASTER_BITS, Formats, mantissa


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


def _update_sgd(f: Formats, settings: UpdateSettings) -> dict[str, int]:
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


def _update_adamw(f: Formats, settings: UpdateSettings) -> dict[str, int]:
    master = f["high"] + (MASTER_BITS if "low" in f else 0)
    decay, decay_frac = 0, 0
    if f.attribute("decays"):
        decay, decay_frac = mantissa(settings.weight_decay, 16)
    decay_shift = decay_frac + master - DIRECTION_FRAC
    # A decay of 2^35 steps at most, so that a rate of 24 bits leaves 64.
    least = 12 if "low" in f else -4
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
        "decay_shift": f.within("shift of its decay", decay_shift, least, 62) if decay else 0,
        "rate_shift": DIRECTION_FRAC - master,
        "stochastic": int(settings.stochastic),
    }


def _accumulate(f: Formats, _: UpdateSettings) -> dict[str, int]:
    shift = f["total"] - f["gradient"]
    return {"shift": f.align("gradient", shift, -MAX_ALIGN_SHIFT)}


def _release(f: Formats, _: UpdateSettings) -> dict[str, int]:
    return {"shift": f.shift(f["total"] + int(f.attribute("halvings")) - f["dst"])}


#: The numbers of each update, and of what comes between a gradient and its update.
UPDATES: dict[str, Callable[[Formats, UpdateSettings], dict[str, int]]] = {
    "update_sgd": _update_sgd,
    "update_adamw": _update_adamw,
    "accumulate": _accumulate,
    "release": _release,
}
