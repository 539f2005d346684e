"""Choosing the fraction length of every tensor.

A tensor gets the largest fraction length at which the largest magnitude to be expected still fits
(headroom times what calibration saw, for activations; the exact maximum, for parameters). Then the
lengths are lowered where the accelerator aligns tensors with each other (docs/numerics.md):

* a bias, a residual and an output have at most the fraction bits of the product they belong to;
* bias and residual are shifted left by at most 30 bits to meet the product;
* probabilities use 15 bits (their bound of 1 is known; exactly 1 becomes 1 - 2^-15);
* the GELU table takes at most 15 fraction bits;
* where a bias closes pairs, scores reach 25 halvings below the smallest one that is expected, and
  the bias has a fraction bit less: its lowest value is below every score, so the probability is 0.
"""

import math
from collections.abc import Mapping

import brevitas.nn as qnn

from trivit.models.errors import ModelsError
from trivit.models.layers.relative_position import TABLE
from trivit.models.quantization.attention import QuantAttention
from trivit.models.quantization.quantizers import (
    BIT_WIDTH,
    MAX_FRACTION_LENGTH,
    FixedPointScaling,
    QuantPoint,
    scaling_of,
)
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

MAX_ALIGN_SHIFT = 30
PROBABILITY_FRACTION_LENGTH = 15
MAX_GELU_FRACTION_LENGTH = 15
# Fraction bits of the normalised value inside the LayerNorm unit, before gamma.
_NORMALISED_FRACTION_LENGTH = 20
# Halvings below the largest score after which a probability is 0.
_VANISHES = 25


def scalings(model: QuantVisionTransformer) -> dict[str, FixedPointScaling]:
    """Scaling of every quantized tensor by its name, in the order of ``model.named_modules()``."""
    found: dict[str, FixedPointScaling] = {}
    for name, module in model.named_modules():
        if isinstance(module, QuantPoint):
            found[module.point] = scaling_of(module.act_quant)
        elif isinstance(module, qnn.QuantLinear | qnn.QuantConv2d):
            found[f"{name}.weight"] = scaling_of(module.weight_quant)
            if module.bias is not None:
                found[f"{name}.bias"] = scaling_of(module.bias_quant)
    return found


def fraction_lengths(model: QuantVisionTransformer) -> dict[str, int]:
    """Fraction length of every quantized tensor by its name."""
    return {name: scaling.fraction_length for name, scaling in scalings(model).items()}


def largest_fraction_length(limit: float, name: str = "tensor") -> int:
    """Largest f in 0..24 with ``limit * 2**f <= 32767``.

    Raises:
        ModelsError: ``limit`` is not finite or exceeds 16 bits even without fraction bits.
    """
    top = (1 << (BIT_WIDTH - 1)) - 1
    if not math.isfinite(limit) or limit > top:
        raise ModelsError(
            f"{name} reaches {limit:g}, more than 16 bits hold: train with a lower learning rate, "
            "or check the scale of weights that were imported"
        )
    for fraction_length in range(MAX_FRACTION_LENGTH, 0, -1):
        if math.ldexp(limit, fraction_length) <= top:
            return fraction_length
    return 0


def choose_formats(
    model: QuantVisionTransformer,
    parameter_maxima: Mapping[str, float],
    activation_maxima: Mapping[str, float],
    headroom: float,
) -> dict[str, int]:
    """Fraction length of every tensor, with all of the accelerator's alignments respected.

    Args:
        model: supplies the names; not changed.
        parameter_maxima: largest magnitude of each weight, bias, embedding, gamma and beta.
        activation_maxima: largest magnitude of each activation during calibration.
        headroom: factor on the activation maxima, at least 1.

    Raises:
        ModelsError: a magnitude that 16 bits cannot hold, or a tensor without statistics.
    """
    f: dict[str, int] = {}
    for name in scalings(model):
        if name in parameter_maxima:
            f[name] = largest_fraction_length(parameter_maxima[name], name)
        elif name in activation_maxima:
            limit = activation_maxima[name] * headroom + _below(model, name)
            f[name] = largest_fraction_length(limit, name)
        else:
            raise ModelsError(f"no calibration statistics for {name}; calibrate on more images")
    # Lowering one format can ask for another; all of them only fall, so this ends.
    before: dict[str, int] = {}
    while before != f:
        before = dict(f)
        _fit_model(f, model)
    return f


def _below(model: QuantVisionTransformer, name: str) -> float:
    """Return how far scores must reach below the smallest ones, so that closed pairs vanish."""
    if not name.endswith(".attn.scores"):
        return 0.0
    attention = model.get_submodule(name.removesuffix(".scores"))
    assert isinstance(attention, QuantAttention)
    return _VANISHES * math.log(2) / attention.scale if attention.closes else 0.0


def _fit_model(f: dict[str, int], model: QuantVisionTransformer) -> None:
    """Lower formats until each tensor fits the product or table that it meets."""
    depth = len(model.config.blocks)
    for index in range(depth):
        point = f"blocks.{index}"
        source = "x0" if index == 0 else f"blocks.{index - 1}.mlp.fc2"
        _fit_norm(f, f"{point}.norm1")
        _fit_norm(f, f"{point}.norm2")
        attn = f"{point}.attn"
        f[f"{attn}.probs"] = PROBABILITY_FRACTION_LENGTH
        _lower(f, f"{point}.mlp.fc1", MAX_GELU_FRACTION_LENGTH)
        bias = [name for name in [f"{attn}.qkv.bias"] if name in f]
        _fit_product(f, f"{attn}.qkv", f"{point}.norm1", bias)
        _lower(f, f"{attn}.scores", 2 * f[f"{attn}.qkv"])
        _fit_score_bias(f, model, attn)
        _lower(f, f"{attn}.context", f[f"{attn}.probs"] + f[f"{attn}.qkv"])
        _fit_product(f, f"{attn}.proj", f"{attn}.context", [f"{attn}.proj.bias", source])
        _fit_product(f, f"{point}.mlp.fc1", f"{point}.norm2", [f"{point}.mlp.fc1.bias"])
        _fit_product(
            f,
            f"{point}.mlp.fc2",
            f"{point}.mlp.gelu",
            [f"{point}.mlp.fc2.bias", f"{attn}.proj"],
        )
    if model.pool is not None:
        f["pool.weights"] = PROBABILITY_FRACTION_LENGTH
        _lower(f, "pool", PROBABILITY_FRACTION_LENGTH + f[f"blocks.{depth - 1}.mlp.fc2"])
    _fit_norm(f, model.last_norm)
    _fit_product(f, "head", model.last_norm, ["head.bias"])
    _fit_product(
        f,
        "patch_embed.proj",
        "input",
        ["patch_embed.proj.bias", "pos_embed", "cls_token"],
        output="x0",
    )


def _fit_score_bias(f: dict[str, int], model: QuantVisionTransformer, attn: str) -> None:
    """Align the bias of the scores, if there is one, with the products that it is added to."""
    table = f"{attn}.{TABLE}"
    if table not in f:
        return
    _lower(f, f"{attn}.qkv", (MAX_ALIGN_SHIFT + f[table]) // 2)
    _lower(f, table, 2 * f[f"{attn}.qkv"])
    attention = model.get_submodule(attn)
    assert isinstance(attention, QuantAttention)
    if attention.closes:  # their bias alone is below every score then
        _lower(f, table, f[f"{attn}.scores"] - 1)


def _lower(f: dict[str, int], name: str, limit: int) -> None:
    f[name] = min(f[name], limit)


def _fit_product(
    f: dict[str, int], layer: str, source: str, addends: list[str], output: str | None = None
) -> None:
    """Align what is added to the product ``source x layer.weight`` with it."""
    weight = f"{layer}.weight"
    if addends:
        lowest = min(f[name] for name in addends)
        _lower(f, weight, MAX_ALIGN_SHIFT + lowest - f[source])
    product = f[source] + f[weight]
    for name in [*addends, output or layer]:
        _lower(f, name, product)


def _fit_norm(f: dict[str, int], point: str) -> None:
    """Keep beta's shift within 0..30: ``20 + f_gamma - f_beta``."""
    gamma, beta = f"{point}.weight", f"{point}.bias"
    _lower(f, gamma, f[beta] + MAX_ALIGN_SHIFT - _NORMALISED_FRACTION_LENGTH)
    _lower(f, beta, f[gamma] + _NORMALISED_FRACTION_LENGTH)
    _lower(f, point, f[gamma] + _NORMALISED_FRACTION_LENGTH)


def describe_formats(
    model: QuantVisionTransformer, maxima: Mapping[str, float]
) -> dict[str, object]:
    """What ``formats.json`` holds: for each tensor its fraction length, kind, range and maximum.

    ``max_abs`` is the largest magnitude seen in calibration, or of the parameter.
    """
    parameters = dict(model.named_parameters())
    tensors: dict[str, object] = {}
    for name, fraction_length in fraction_lengths(model).items():
        is_weight = name in parameters and parameters[name].dim() > 1 and name.endswith(".weight")
        tensors[name] = {
            "fraction_length": fraction_length,
            "kind": "weight" if is_weight else "parameter" if name in parameters else "activation",
            "narrow_range": is_weight,
            "max_abs": maxima[name],
        }
    return {"format": 1, "bit_width": BIT_WIDTH, "tensors": tensors}
