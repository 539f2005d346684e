"""Settings of quantization."""

import math
from dataclasses import dataclass
from typing import Literal

from trivit.models.errors import ModelsError
from trivit.models.model_config import check_keep_ratio


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """How a trained run is quantized.

    Attributes:
        weights: which of the run's are taken: the moving average (``ema``), those of the last step
            (``model``), or the average if the run keeps one (``auto``).
        calibration_images: training images, drawn with ``seed``, whose activations set the formats.
        headroom: factor between the largest activation seen and the one that must still fit.
        finetune_steps: steps of training with quantizers in place (0: none).
        finetune_learning_rate: of AdamW, constant.
        batch_size: images per batch of calibration, fine-tuning and evaluation.
        reference_images: test images on which the exported graph is run in float64 and every
            integer compared.
        qonnx_images: test images run with qonnx.
        onnxruntime_images: test images run with onnxruntime.
        test_images: the first so many test images stand for all of them (``None``: all).
        keep_ratios: token keep ratios to export besides the trained one and the dense model;
            the formats hold for all of them.
        seed: of the calibration images and the fine-tuning order.

    Raises:
        ModelsError: a value outside its range.
    """

    weights: Literal["auto", "ema", "model"] = "auto"
    calibration_images: int = 1024
    headroom: float = 1.25
    finetune_steps: int = 0
    finetune_learning_rate: float = 1e-5
    batch_size: int = 64
    reference_images: int = 8
    qonnx_images: int = 2
    onnxruntime_images: int = 500
    test_images: int | None = None
    keep_ratios: tuple[float, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "calibration_images",
            "batch_size",
            "reference_images",
            "qonnx_images",
            "onnxruntime_images",
            "test_images",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ModelsError(f"{name} is {getattr(self, name)!r}: use 1 or more")
        for ratio in self.keep_ratios:
            check_keep_ratio("keep_ratios", ratio)
        for name in ("finetune_steps", "seed"):
            if not 0 <= getattr(self, name) < 2**63:
                raise ModelsError(f"{name} is {getattr(self, name)!r}: use 0 to 2^63 - 1")
        if not (math.isfinite(self.headroom) and self.headroom >= 1):
            raise ModelsError(f"headroom is {self.headroom!r}: use 1 or more")
        rate = self.finetune_learning_rate
        if not (math.isfinite(rate) and rate > 0):
            raise ModelsError(f"finetune_learning_rate is {rate!r}: use more than 0")
