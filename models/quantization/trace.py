"""Every quantized intermediate of a model run, as integers with their fraction lengths.

Names follow the quantization points: ``input``, ``x0``, ``blocks.0.norm1``, ``blocks.0.attn.qkv``,
``.attn.scores``, ``.attn.probs``, ``.attn.context``, ``.attn.proj`` (the residual sum),
``blocks.0.selector.kept``, ``.tokens``, ``.mask``, ``blocks.0.norm2``, ``.mlp.fc1``, ``.mlp.gelu``,
``.mlp.fc2`` (the residual sum), ``norm``, ``head``; parameters keep timm's names.
"""

from dataclasses import dataclass
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trivit.models.quantization.quantizers import QuantPoint, scaling_of, to_integers
from trivit.models.quantization.vision_transformer import QuantSelector, QuantVisionTransformer


@dataclass(frozen=True)
class TracedTensor:
    """Integers (int64, activations with the batch first) and the fraction length.

    ``fraction_length`` is ``None`` for a selector's row numbers (``kept``: of the tokens that were
    present, [CLS] = 0 first, ascending) and open connections (``mask``: 0 or 1, (B, R, R)).
    """

    integers: NDArray[np.int64]
    fraction_length: int | None

    @property
    def values(self) -> NDArray[np.float64]:
        """Real values; the integers themselves where there is no format."""
        return np.ldexp(self.integers.astype(np.float64), -(self.fraction_length or 0))


def trace_parameters(model: QuantVisionTransformer) -> dict[str, TracedTensor]:
    """Quantized weights, biases, gammas, betas and embeddings by timm's parameter name."""
    traced: dict[str, TracedTensor] = {}
    parameters = _parameter_names(model)
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, qnn.QuantLinear | qnn.QuantConv2d):
                weight = module.weight_quant(module.weight).value
                traced[f"{name}.weight"] = _traced(weight, module.weight_quant)
                if module.bias is not None:
                    bias = module.bias_quant(module.bias).value
                    traced[f"{name}.bias"] = _traced(bias, module.bias_quant)
            elif isinstance(module, QuantPoint) and module.point in parameters:
                value = module(model.get_parameter(module.point))
                traced[module.point] = _traced(value, module.act_quant)
    return traced


def trace(model: QuantVisionTransformer, images_BCHW: Tensor) -> dict[str, TracedTensor]:
    """Every activation of one forward pass, in the order in which they are computed.

    Exact when model and images are float64; float32 is off by a step here and there.
    ``model.sparse`` says which variant runs.
    """
    traced: dict[str, TracedTensor] = {}
    parameters = _parameter_names(model)

    def on_point(module: nn.Module, inputs: Any, output: Tensor) -> None:
        assert isinstance(module, QuantPoint)
        traced[module.point] = _traced(output, module.act_quant)

    def on_selector(module: nn.Module, inputs: Any, output: tuple[Tensor, ...]) -> None:
        assert isinstance(module, QuantSelector)
        tokens, rows, mask = output
        point = module.point
        source = traced[f"{point.removesuffix('.selector')}.attn.proj"]
        assert source.fraction_length is not None
        traced[f"{point}.kept"] = TracedTensor(rows.numpy().astype(np.int64), None)
        integers = to_integers(tokens, source.fraction_length).numpy()
        traced[f"{point}.tokens"] = TracedTensor(integers, source.fraction_length)
        if mask is not None:
            traced[f"{point}.mask"] = TracedTensor(mask[:, 0].numpy().astype(np.int64), None)

    handles = []
    for module in model.modules():
        if isinstance(module, QuantPoint) and module.point not in parameters:
            handles.append(module.register_forward_hook(on_point))
        elif isinstance(module, QuantSelector):
            handles.append(module.register_forward_hook(on_selector))
    try:
        with torch.inference_mode():
            model(images_BCHW)
    finally:
        for handle in handles:
            handle.remove()
    return traced


def _parameter_names(model: nn.Module) -> set[str]:
    return {name for name, _ in model.named_parameters()}


def _traced(values: Tensor, proxy: nn.Module) -> TracedTensor:
    fraction_length = scaling_of(proxy).fraction_length
    integers = to_integers(values.detach(), fraction_length).cpu().numpy()
    return TracedTensor(integers, fraction_length)
