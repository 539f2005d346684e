"""Integer formats: a quantizer node becomes a fraction length, or one clear line."""

import math

import numpy as np
from numpy.typing import NDArray

from trivit.tools.compiler.graph import Node
from trivit.tools.compiler.values import Constant, Value
from trivit.tools.errors import ToolsError

BITS = 16
MAX_FRAC = 24
_LARGEST = (1 << (BITS - 1)) - 1


def quantizer_frac(
    node: Node, scale: Value | None, zero_point: Value | None, bits: Value | None
) -> int:
    """Return the fraction length of a 16-bit signed power-of-two quantizer.

    Raises:
        ToolsError: the node rounds to anything else.
    """
    for name, value in (("scale", scale), ("zero point", zero_point), ("bit width", bits)):
        if not isinstance(value, Constant) or value.array.size != 1:
            raise ToolsError(
                f"quantizer '{node.label}': its {name} is not one constant; "
                "use per-tensor quantizers with fixed scales"
            )
    step, zero, width = (float(v.array.reshape(-1)[0]) for v in (scale, zero_point, bits))  # type: ignore[union-attr]
    if width != BITS or not node.attributes.get("signed", 1):
        kind = "signed" if node.attributes.get("signed", 1) else "unsigned"
        raise ToolsError(
            f"quantizer '{node.label}' rounds to {width:g} bits {kind}; "
            f"the kernel computes with {BITS} bits signed"
        )
    if zero != 0:
        raise ToolsError(
            f"quantizer '{node.label}' has zero point {zero:g}; the kernel needs 0 (symmetric)"
        )
    rounding = node.attributes.get("rounding_mode", "ROUND")
    if rounding != "ROUND":
        raise ToolsError(
            f"quantizer '{node.label}' rounds by '{rounding}'; "
            "the kernel needs 'ROUND' (half to even)"
        )
    mantissa, exponent = math.frexp(step) if math.isfinite(step) else (0.0, 0)
    frac = 1 - exponent
    if mantissa != 0.5 or not 0 <= frac <= MAX_FRAC:
        raise ToolsError(
            f"quantizer '{node.label}' has scale {step!r}; "
            f"the kernel needs 2^-f with f from 0 to {MAX_FRAC}"
        )
    return frac


def quantise_constant(node: Node, value: Constant, frac: int) -> Constant:
    """Round a constant to ``frac`` fraction bits as its quantizer node does."""
    low = -_LARGEST if node.attributes.get("narrow", 0) else -_LARGEST - 1
    steps = np.rint(np.asarray(value.array, dtype=np.float64) * 2.0**frac)
    return Constant(np.clip(steps, low, _LARGEST) * 2.0**-frac, frac, value.name)


def integers(value: Constant) -> NDArray[np.int64]:
    """Return the integers of a quantized constant."""
    if value.frac is None:
        raise ToolsError(f"'{value.name}' is not quantized: every parameter needs a quantizer")
    scaled = np.asarray(value.array, dtype=np.float64) * 2.0**value.frac
    rounded = np.rint(scaled)
    if not np.array_equal(scaled, rounded):
        raise ToolsError(f"'{value.name}' changes after its quantizer: quantize it last")
    return rounded.astype(np.int64)
