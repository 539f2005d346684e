"""The software part of the demo: training, evaluation, quantization and compilation."""

from pathlib import Path
from typing import Any

from trivit.tools.demo.settings import DemoSettings
from trivit.tools.demo.stages import StageClock


def train_to_bundle(settings: DemoSettings, clock: StageClock) -> dict[str, Any]:
    """Run the stages from the experiment to the bundle; return their figures.

    Raises:
        ModelsError, ToolsError: a stage refused its input.
    """
    from trivit.models.quantization import quantize
    from trivit.models.training import evaluate, load_config, train
    from trivit.tools.compiler import compile_run

    config = load_config(settings.config, list(settings.overrides))
    with clock.stage("train", f"{config.model.name} on {config.data.dataset}, three levels"):
        training = train(config, settings.out)
    with clock.stage("evaluate", "the float model on all test images"):
        evaluation = evaluate(settings.out)
    with clock.stage("quantize", "16-bit fixed point, exported as QONNX and ONNX, compared"):
        quantization = quantize(settings.out)
    with clock.stage("compile", "QONNX to a program bundle, sparse and dense"):
        compile_run(settings.out)
    return {
        "model": training["model"],
        "dataset": training["dataset"],
        "keep_ratios": {
            level: training[f"{level}_keep_ratio"] for level in ("example", "token", "attention")
        },
        "float_top1": evaluation["float_top1"],
        "test_images": evaluation["test_images"],
        "quantized_top1": quantization["quantized_top1"],
        "training_images_per_second": training["images_per_second"],
        "training_step_ms": {
            "sparse": training["sparse_step_ms"],
            "dense": training["dense_step_ms"],
        },
        "training_speedup": training["sparse_step_speedup"],
    }


def float_top1_on_first(run: Path, count: int) -> float:
    """Return the float model's top-1 in percent on the first ``count`` test images."""
    from trivit.models.data import load_dataset
    from trivit.models.training import load_run
    from trivit.models.training.accuracy import top1

    config, model, info = load_run(run)
    return top1(model, load_dataset(config.data).test.first(count), info)
