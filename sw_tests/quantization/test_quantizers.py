"""The fixed-point quantizers against their definition in Python integers."""

import math
from fractions import Fraction

import brevitas.nn as qnn
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.quantization.quantizers import (
    Fixed16Bias,
    Fixed16Weight,
    QuantPoint,
    fraction_length_of,
    scaling_of,
    to_integers,
)


def by_definition(value: float, fraction_length: int, low: int) -> int:
    """Python rounds fractions half to even, exactly."""
    return min(max(round(Fraction(value) * 2**fraction_length), low), 32767)


def activation(fraction_length: int, dtype: torch.dtype) -> QuantPoint:
    point = QuantPoint("x").eval().to(dtype)
    scaling_of(point.act_quant).fraction_length = fraction_length
    return point


def linear(weight: Tensor, bias: Tensor) -> qnn.QuantLinear:
    layer = qnn.QuantLinear(
        weight.shape[1],
        weight.shape[0],
        bias=True,
        weight_quant=Fixed16Weight,
        bias_quant=Fixed16Bias,
    )
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer.eval()


finite = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None, max_examples=60)
@given(st.lists(finite, min_size=1, max_size=20), st.integers(0, 24))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activation_is_round_half_even_then_saturate(
    dtype: torch.dtype, values: list[float], fraction_length: int
) -> None:
    with torch.no_grad():
        out = activation(fraction_length, dtype)(torch.tensor(values, dtype=dtype))
    expected = [by_definition(value, fraction_length, -32768) for value in values]
    assert to_integers(out, fraction_length).tolist() == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_halves_go_to_the_even_neighbour(dtype: torch.dtype) -> None:
    halves = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], dtype=dtype) / 2**7
    with torch.no_grad():
        out = activation(7, dtype)(halves)
    assert to_integers(out, 7).tolist() == [0, 2, 2, 0, -2, -2]


def test_activations_use_the_full_range_and_weights_the_narrow_one() -> None:
    far = torch.tensor([1e9, -1e9])
    with torch.no_grad():
        out = activation(3, torch.float32)(far)
        layer = linear(far.unsqueeze(0), far[1:])
        scaling_of(layer.weight_quant).fraction_length = 12
        scaling_of(layer.bias_quant).fraction_length = 9
        weight, bias = layer.quant_weight().value, layer.quant_bias().value
    assert to_integers(out, 3).tolist() == [32767, -32768]
    assert to_integers(weight, 12).tolist() == [[32767, -32767]]
    assert to_integers(bias, 9).tolist() == [-32768]


@settings(deadline=None, max_examples=30)
@given(st.lists(finite, min_size=4, max_size=4), st.integers(0, 24), st.integers(0, 24))
def test_weights_and_biases_by_definition(values: list[float], f_weight: int, f_bias: int) -> None:
    tensor = torch.tensor(values)
    with torch.no_grad():
        layer = linear(tensor.unsqueeze(0), tensor[:1])
        scaling_of(layer.weight_quant).fraction_length = f_weight
        scaling_of(layer.bias_quant).fraction_length = f_bias
        weight, bias = layer.quant_weight().value, layer.quant_bias().value
    expected = [by_definition(value, f_weight, -32767) for value in values]
    assert to_integers(weight, f_weight).flatten().tolist() == expected
    assert to_integers(bias, f_bias).tolist() == [by_definition(values[0], f_bias, -32768)]


def test_scale_is_an_exact_power_of_two_in_both_precisions() -> None:
    for fraction_length in range(25):
        point = activation(fraction_length, torch.float32)
        for dtype in (torch.float32, torch.float64, torch.float32):
            scaling = scaling_of(point.to(dtype).act_quant)
            assert float(scaling.scale) == math.ldexp(1.0, -fraction_length)
            assert scaling.fraction_length == fraction_length


def test_formats_survive_a_state_dict() -> None:
    saved = activation(11, torch.float32).state_dict()
    fresh = QuantPoint("x")
    fresh.load_state_dict(saved)
    assert scaling_of(fresh.act_quant).fraction_length == 11


@pytest.mark.parametrize("scale", [0.75, 3.0, 2.0, 2.0**-25, 0.0, math.inf, math.nan])
def test_other_scales_are_refused(scale: float) -> None:
    with pytest.raises(ModelsError, match="scale"):
        fraction_length_of(scale)


@pytest.mark.parametrize("fraction_length", [-1, 25])
def test_fraction_lengths_outside_the_contract_are_refused(fraction_length: int) -> None:
    scaling = scaling_of(QuantPoint("x").act_quant)
    with pytest.raises(ModelsError, match=f"fraction length {fraction_length}"):
        scaling.fraction_length = fraction_length


def test_unquantized_values_have_no_integers() -> None:
    with pytest.raises(ModelsError, match="multiples"):
        to_integers(torch.tensor([0.3]), 8)
