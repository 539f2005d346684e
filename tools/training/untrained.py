"""Where training on the device starts from scratch: a model with random weights, quantized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trivit.models.experiment.config import ExperimentConfig
from trivit.models.quantization import FOLDER, QuantizeConfig, quantize
from trivit.models.runs.checkpoint import has_checkpoint, read_state
from trivit.models.runs.saved_run import run_config
from trivit.models.training.initial_weights import untrained_run

#: Training images that set the formats; the host moves them as the weights grow.
_CALIBRATION_IMAGES = 64
#: Test images on which the exports are compared with the model: its accuracy says nothing.
_COMPARED_IMAGES = 8


def untrained_start(config: ExperimentConfig, out: Path, keep: Sequence[float] = ()) -> None:
    """Write the run folder ``out`` of an untrained model, quantized for `trivit compile`.

    Weights are those with which `trivit train` would start with the same seed. A folder in which
    this was interrupted is completed.

    Args:
        config: the experiment; its model, data and seed matter.
        out: run folder; created when missing.
        keep: token keep ratios to export besides that of the model and 1.

    Raises:
        ModelsError: the folder holds a run, another process works in it, or the data set is
            missing or does not fit the model.
        OSError: the folder cannot be written.
    """
    if (out / FOLDER).exists() or not _is_begun(out, config):
        untrained_run(config, out)
    settings = QuantizeConfig(
        calibration_images=_CALIBRATION_IMAGES,
        reference_images=1,
        qonnx_images=1,
        onnxruntime_images=_COMPARED_IMAGES,
        test_images=_COMPARED_IMAGES,
        keep_ratios=tuple(keep),
    )
    quantize(out, settings)


def _is_begun(out: Path, config: ExperimentConfig) -> bool:
    if not has_checkpoint(out / "checkpoint"):
        return False
    return bool(read_state(out / "checkpoint").get("untrained")) and run_config(out) == config
