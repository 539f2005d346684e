"""Comparing the exported files with the Brevitas model on test images.

Three executions, none of which shares code with another: onnx's reference evaluator in float64
(integers compare exactly), qonnx in float32, and onnxruntime in float32 on the plain ONNX file.
float32 sums of 16-bit products are not exact, so those two may be a few steps off.
"""

from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.quantization.reference import Float64Reference
from trivit.models.quantization.trace import trace, trace_parameters
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

# Of all integers; the rest may differ by a step where numpy's and torch's exp, erf or square root
# land on different sides of a rounding boundary.
_LEAST_EQUAL = 0.999
_LEAST_AGREEMENT = 90.0
_BATCH = 16
# float32 moves a logit by a few steps, but a selection that it flips on a near tie moves all logits
# of that image: only both signs together mean another function.
_LARGEST_RELATIVE_ERROR = 0.05


def compare_reference(
    model: QuantVisionTransformer, exported: onnx.ModelProto, images: Tensor
) -> dict[str, Any]:
    """Compare every quantized tensor of the graph as integers, op by op in float64.

    Each tensor is computed from those that the Brevitas model has before it.

    Args:
        model: the Brevitas model in float64, its variant (``sparse``) that of ``exported``.
        exported: its QONNX.
        images: normalised float64 images (B, C, side, side).

    Raises:
        ModelsError: more than 0.1 % of the integers of a tensor differ, or one by over 2 steps.
    """
    reference = Float64Reference(exported)
    parameters = trace_parameters(model)
    total = different = largest = 0
    for image in images.split(1):
        expected = parameters | trace(model, image)
        known = {name: expected[name].values for name in reference.inputs}
        for name, values in reference.run(image.numpy(), known).items():
            tensor = expected[name]
            computed = np.ldexp(values.astype(np.float64), tensor.fraction_length or 0)
            steps = np.abs(computed.reshape(tensor.integers.shape) - tensor.integers)
            wrong, worst = int(np.count_nonzero(steps)), int(steps.max())
            if wrong > max(1, (1 - _LEAST_EQUAL) * steps.size) or worst > 2:
                raise ModelsError(
                    f"the exported model computes {name} differently ({wrong} of {steps.size} "
                    f"integers, up to {worst} steps): reinstall the pinned versions (extra 'quant')"
                )
            total, different = total + steps.size, different + wrong
            largest = max(largest, worst)
    return {
        "images": len(images),
        "integers": total,
        "different_integers": different,
        "max_difference_steps": largest,
    }


def compare_qonnx(exported: onnx.ModelProto, images: Tensor, expected: Tensor) -> dict[str, Any]:
    """Execute the QONNX with qonnx in float32 and compare its logits.

    Args:
        exported: the QONNX.
        images: normalised images (B, C, side, side).
        expected: logits of the Brevitas model, (B, num_classes).

    Raises:
        ModelsError: logits that float32 does not explain.
    """
    wrapper = ModelWrapper(exported)
    logits = [
        execute_onnx(wrapper, {"image": image.numpy()})["logits"]
        for image in images.float().split(1)
    ]
    return _compare_logits(np.concatenate(logits), expected.numpy(), "qonnx")


def compare_onnxruntime(plain: onnx.ModelProto, images: Tensor, expected: Tensor) -> dict[str, Any]:
    """Execute the plain ONNX model with onnxruntime in float32 and compare its logits.

    Arguments and errors as for :func:`compare_qonnx`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        plain.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    logits = [
        session.run(["logits"], {"image": batch.numpy()})[0]
        for batch in images.float().split(_BATCH)
    ]
    return _compare_logits(np.concatenate(logits), expected.numpy(), "onnxruntime")


def _compare_logits(logits: NDArray[Any], expected: NDArray[Any], tool: str) -> dict[str, Any]:
    difference = np.abs(logits - expected).max(axis=1)
    agreement = 100.0 * float(np.mean(logits.argmax(axis=1) == expected.argmax(axis=1)))
    median = float(np.median(difference))
    result = {
        "images": len(logits),
        "top1_agreement": agreement,
        "max_logit_difference": float(difference.max()),
        "median_logit_difference": median,
    }
    limit = _LARGEST_RELATIVE_ERROR * max(float(np.abs(expected).max()), 1e-3)
    if median > limit and agreement < _LEAST_AGREEMENT:
        raise ModelsError(
            f"{tool} computes other logits than the Brevitas model (median difference {median:g}, "
            f"{agreement:.1f} % equal decisions): reinstall the pinned versions (extra 'quant')"
        )
    return result
