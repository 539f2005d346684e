"""16-bit fixed-point quantization with Brevitas: calibration, fine-tuning and export.

``quantizers``          the power-of-two quantizers
``vision_transformer``  the model with a quantizer wherever the accelerator rounds
``formats``             choosing fraction lengths
``qonnx_graph``         QONNX export with stable names; ``plain_onnx`` without custom operators
``trace``               every intermediate tensor as integers
``pipeline``            from a run folder to its quantized files
"""

import warnings

with warnings.catch_warnings():
    # At import Brevitas warns about an optional package for rotations, which nobody here uses.
    warnings.simplefilter("ignore")
    import brevitas.export  # noqa: F401

from trivit.models.quantization.config import QuantizeConfig
from trivit.models.quantization.pipeline import FOLDER, TEST_CLASSES, quantize

__all__ = ["FOLDER", "TEST_CLASSES", "QuantizeConfig", "quantize"]
