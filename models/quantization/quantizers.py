"""Signed 16-bit power-of-two (fixed-point) quantizers for Brevitas.

A quantized tensor is ``q * 2**-f``: ``q`` is a signed 16-bit integer, ``f`` the fraction length of
the whole tensor. Rounding is half to even, then the integer saturates. The scale is a stored power
of two, not a value that Brevitas derives at run time, so a format is known exactly, survives a
state dict, and can be constrained against the formats around it (``formats.py``).
"""

import math

import torch
from brevitas.core.zero_point import ZeroZeroPoint
from brevitas.inject import ExtendedInjector
from brevitas.inject.enum import (
    BitWidthImplType,
    FloatToIntImplType,
    QuantType,
    RestrictValueType,
    ScalingPerOutputType,
)
from brevitas.nn import QuantIdentity
from brevitas.quant.solver.act import ActQuantSolver
from brevitas.quant.solver.bias import BiasQuantSolver
from brevitas.quant.solver.weight import WeightQuantSolver
from torch import Tensor, nn

from trivit.models.errors import ModelsError

BIT_WIDTH = 16
MAX_FRACTION_LENGTH = 24


def fraction_length_of(scale: float) -> int:
    """The ``f`` with ``scale == 2**-f``, found exactly.

    Raises:
        ModelsError: ``scale`` is not a power of two or ``f`` lies outside 0..24.
    """
    mantissa, exponent = math.frexp(scale)
    fraction_length = 1 - exponent
    if mantissa != 0.5 or not 0 <= fraction_length <= MAX_FRACTION_LENGTH:
        raise ModelsError(
            f"scale {scale!r} is not 2**-f with f in 0..{MAX_FRACTION_LENGTH}; calibrate again"
        )
    return fraction_length


class FixedPointScaling(nn.Module):
    """Brevitas scaling that returns one stored power of two, whatever the data.

    The buffer ``scale`` is exact in float32 and stays exact when the model is moved to float64.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(1.0))

    def forward(self, placeholder: Tensor, threshold: Tensor | None = None) -> Tensor:
        """Scale of the tensor, shape (), in the dtype of the model."""
        return self.scale

    @property
    def fraction_length(self) -> int:
        """Fraction length ``f`` of the format, 0..24."""
        return fraction_length_of(float(self.scale))

    @fraction_length.setter
    def fraction_length(self, value: int) -> None:
        if not 0 <= value <= MAX_FRACTION_LENGTH:
            raise ModelsError(
                f"fraction length {value} lies outside 0..{MAX_FRACTION_LENGTH}; "
                "calibrate on images of the training set's range"
            )
        self.scale.fill_(math.ldexp(1.0, -value))


class _FixedPoint(ExtendedInjector):
    """What the three kinds of quantizers share."""

    quant_type = QuantType.INT
    bit_width = BIT_WIDTH
    bit_width_impl_type = BitWidthImplType.CONST
    float_to_int_impl_type = FloatToIntImplType.ROUND
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    scaling_impl_type = None
    scaling_impl = FixedPointScaling
    zero_point_impl = ZeroZeroPoint
    signed = True
    narrow_range = False


class Fixed16Activation(_FixedPoint, ActQuantSolver):
    """Activations, LayerNorm parameters and embeddings: integers in [-32768, 32767]."""


class Fixed16Weight(_FixedPoint, WeightQuantSolver):
    """Weights: narrow range, integers in [-32767, 32767], so that a weight can be negated."""

    narrow_range = True


class Fixed16Bias(_FixedPoint, BiasQuantSolver):
    """Biases with a scale of their own, integers in [-32768, 32767]."""

    requires_input_scale = False


class QuantPoint(QuantIdentity):
    """A place where the accelerator rounds and saturates to 16 bits.

    ``point`` is the name of the tensor that leaves here, the same in the exported graph, in
    ``formats.json`` and in the numpy oracle (for instance ``blocks.0.attn.scores``).
    """

    def __init__(self, point: str) -> None:
        super().__init__(act_quant=Fixed16Activation, return_quant_tensor=False)
        self.point = point


def scaling_of(proxy: nn.Module) -> FixedPointScaling:
    """The scaling inside a Brevitas proxy (activation, weight or bias)."""
    found = [module for module in proxy.modules() if isinstance(module, FixedPointScaling)]
    if len(found) != 1:
        raise ModelsError(f"{type(proxy).__name__} holds {len(found)} fixed-point scales, not one")
    return found[0]


def to_integers(values: Tensor, fraction_length: int) -> Tensor:
    """Integers of an already quantized tensor, int64, same shape.

    Raises:
        ModelsError: a value is not a multiple of ``2**-fraction_length``.
    """
    scaled = values.double() * math.ldexp(1.0, fraction_length)
    integers = scaled.round()
    if not torch.equal(integers, scaled):
        raise ModelsError(f"values are not multiples of 2**-{fraction_length}; quantize them first")
    return integers.long()
