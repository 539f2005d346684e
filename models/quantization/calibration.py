"""Setting the formats of a quantized model from what float inference shows on training images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from trivit.models.quantization.attention import CLOSED
from trivit.models.quantization.formats import choose_formats, scalings
from trivit.models.quantization.parallel import map_batches
from trivit.models.quantization.quantizers import QuantPoint
from trivit.models.quantization.variants import DENSE, SPARSE, Variant, applied
from trivit.models.quantization.vision_transformer import QuantVisionTransformer


def parameter_maxima(model: QuantVisionTransformer) -> dict[str, float]:
    """Largest magnitude of every parameter, by timm's parameter name."""
    return {name: _largest(tensor.detach()) for name, tensor in model.named_parameters()}


def _largest(values: Tensor) -> float:
    """Return the largest magnitude, without that of closed pairs."""
    largest = float(torch.linalg.vector_norm(values, torch.inf))
    return largest if largest < -CLOSED else float(values[values > CLOSED].abs().max())


@contextmanager
def quantizers_disabled(model: nn.Module) -> Iterator[None]:
    """Let every quantizer pass its input unchanged."""
    proxies: list[Any] = []
    for module in model.modules():
        if isinstance(module, QuantPoint):
            proxies.append(module.act_quant)
        elif isinstance(module, qnn.QuantLinear | qnn.QuantConv2d):
            proxies += [module.weight_quant, module.bias_quant]
    before = [proxy.disable_quant for proxy in proxies]
    for proxy in proxies:
        proxy.disable_quant = True
    try:
        yield
    finally:
        for proxy, state in zip(proxies, before, strict=True):
            proxy.disable_quant = state


def activation_maxima(
    model: QuantVisionTransformer,
    batches: Sequence[Tensor],
    on_images: Callable[[int], None] = lambda count: None,
    chosen: Sequence[Variant] = (SPARSE, DENSE),
) -> dict[str, float]:
    """Largest magnitude of every activation in float, over all the ``chosen`` variants.

    Args:
        model: its formats do not matter.
        batches: normalised images, each (B, C, side, side).
        on_images: called with the number of images of each batch, once per variant.
        chosen: variants that the formats must hold for.
    """
    # Lists, because appending is safe from several threads.
    seen: dict[str, list[float]] = {}
    parameters = {name for name, _ in model.named_parameters()}
    points = [m for m in model.modules() if isinstance(m, QuantPoint)]
    points = [point for point in points if point.point not in parameters]

    def observe(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, QuantPoint)
        seen.setdefault(module.point, []).append(_largest(inputs[0]))

    handles = [point.register_forward_pre_hook(observe) for point in points]
    try:
        with quantizers_disabled(model):
            for variant in chosen:
                with applied(model, variant):
                    for logits in map_batches(model, batches):
                        on_images(len(logits))
    finally:
        for handle in handles:
            handle.remove()
    return {name: max(values) for name, values in seen.items()}


def calibrate(
    model: QuantVisionTransformer,
    batches: Sequence[Tensor],
    headroom: float,
    on_images: Callable[[int], None] = lambda count: None,
    chosen: Sequence[Variant] = (SPARSE, DENSE),
) -> dict[str, float]:
    """Set every fraction length of ``model`` in place; returns the largest magnitudes found.

    Activations get ``headroom`` times the largest magnitude seen, so that an unseen image may
    exceed the calibration images a little before it saturates; parameters are known and get none.
    The formats hold for all the ``chosen`` variants, so that these can share them.

    Raises:
        ModelsError: a tensor that 16 bits cannot hold.
    """
    parameters = parameter_maxima(model)
    activations = activation_maxima(model, batches, on_images, chosen)
    formats = choose_formats(model, parameters, activations, headroom)
    for name, scaling in scalings(model).items():
        scaling.fraction_length = formats[name]
    return parameters | activations
