"""From a trained run to its quantized folder: calibrate, fine-tune, export, compare, evaluate."""

import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from trivit.models.augmentation import evaluated
from trivit.models.clock import PartClock, rounded
from trivit.models.data import DatasetInfo, Images, ImageSource, load_dataset
from trivit.models.errors import ModelsError
from trivit.models.file_lock import run_lock
from trivit.models.files import atomic_write
from trivit.models.progress import ProgressBars
from trivit.models.quantization import verify
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.config import QuantizeConfig
from trivit.models.quantization.evaluate import best_class, logits, top1
from trivit.models.quantization.finetune import fine_tune
from trivit.models.quantization.formats import describe_formats
from trivit.models.quantization.parallel import one_thread_per_operation
from trivit.models.quantization.plain_onnx import to_plain_onnx
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.variants import SPARSE, Variant, applied, variants
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.runs.images import check_fit
from trivit.models.settings import to_mapping
from trivit.models.training import ExperimentConfig, load_run

FORMAT = 1
FOLDER = "quantized"
#: Class that the quantized model gives each test image, in float64: (images,) uint16.
TEST_CLASSES = "test_classes.npy"


def quantize(
    run: Path | str, settings: QuantizeConfig | None = None, *, data: str | None = None
) -> dict[str, Any]:
    """Quantize the trained model of the folder ``run`` and write ``run/quantized``.

    The folder appears whole or not at all: ``model.qonnx`` (as trained), ``model_dense.qonnx``,
    ``model_keep_R.qonnx`` for each further keep ratio R of the settings, ``model.onnx`` (plain
    ONNX, as trained), ``formats.json``, ``test_classes.npy`` and ``quantize.json``, whose contents
    are returned (accuracies in percent). An earlier folder is replaced.

    Args:
        run: the run folder.
        settings: of the quantization.
        data: where the run's images are now, or others for calibration and test, as for `load_run`.

    Raises:
        ModelsError: no finished training in ``run``, a damaged file, a missing dataset, a tensor
            that 16 bits cannot hold, a keep ratio that the model cannot have, an export that
            computes something else, or another process at work in ``run``.
        OSError: the folder cannot be written or the disk is full.
    """
    settings = settings or QuantizeConfig()
    run = Path(run)
    config, float_model, trained_on = load_run(run, settings.weights, data)
    _require_finished(run, config)
    chosen = variants(config.model, settings.keep_ratios)
    dataset = load_dataset(config.data)
    check_fit(config.model, dataset.info)
    dataset = evaluated(dataset, config.model.image_size)
    info = replace(
        dataset.info,
        mean=trained_on.mean,
        std=trained_on.std,
        class_names=trained_on.class_names,
    )
    test = dataset.test.first(settings.test_images).in_memory()
    clock = PartClock()
    with ProgressBars() as progress:
        model = QuantVisionTransformer.from_float(float_model)
        with clock.part("calibrate"):
            maxima = _calibrate(model, dataset.train, info, settings, chosen, progress)
        if settings.finetune_steps:
            with clock.part("finetune"):
                maxima = _fine_tune(model, dataset.train, info, config, settings, chosen, progress)
        with clock.part("export"), one_thread_per_operation():
            progress.start("export", len(chosen) + 1)
            exports: dict[Variant, onnx.ModelProto] = {}
            for variant in chosen:
                with applied(model, variant):
                    described = metadata(config, info, variant)
                    exports[variant] = export(model, described, sparse=variant.sparse)
                progress.advance()
            plain = to_plain_onnx(exports[SPARSE])
            progress.advance()
        formats = describe_formats(model, maxima)
        model.double()
        with clock.part("evaluate"):
            accuracy, scores = _evaluate(float_model, model, test, info, settings, progress)
        with clock.part("compare"), one_thread_per_operation():
            compared = _compare(model, exports, plain, test, info, scores, settings, progress)
    summary = {
        "format": FORMAT,
        "model": config.model.name,
        **accuracy,
        **compared,
        "settings": to_mapping(settings),
        "seconds": round(sum(clock.seconds.values()), 3),
        "seconds_by_part": rounded(clock.seconds),
    }
    with run_lock(run), _replacing(run / FOLDER) as folder:
        for variant, graph in exports.items():
            _write(folder / variant.file, graph.SerializeToString())
        _write(folder / "model.onnx", plain.SerializeToString())
        _write(folder / "formats.json", _json(formats))
        _write(folder / TEST_CLASSES, _npy(best_class(scores)))
        _write(folder / "quantize.json", _json(summary))
    return summary


def metadata(config: ExperimentConfig, info: DatasetInfo, variant: Variant) -> dict[str, Any]:
    """What a compiler needs besides the graph: images, classes and the sizes of the model."""
    vit = variant.sizes(config.model)
    return {
        "format": FORMAT,
        "model": config.model.name,
        "dataset": info.name,
        "image": {"channels": info.channels, "height": info.height, "width": info.width},
        "mean": list(info.mean),
        "std": list(info.std),
        "class_names": list(info.class_names),
        "num_classes": vit.num_classes,
        "patch_size": vit.embedding.patch_size,
        "embed_dim": vit.embedding.width,
        "depth": len(vit.blocks),
        "num_heads": vit.blocks[0].heads,
        "mlp_ratio": vit.blocks[0].hidden / vit.blocks[0].width,
        "selector_blocks": list(vit.selector_blocks) if variant.sparse else [],
        "token_keep_ratio": vit.token_keep_ratio,
        "attention_keep_ratio": vit.attention_keep_ratio,
    }


def _require_finished(run: Path, config: ExperimentConfig) -> None:
    done = int(load_checkpoint(run / "checkpoint", training=False).state["epoch"])
    if done < config.training.epochs:
        raise ModelsError(
            f"training of {run} stopped after {done} of {config.training.epochs} epochs: "
            "finish it with 'trivit train --resume'"
        )


def _calibrate(
    model: QuantVisionTransformer,
    images: ImageSource,
    info: DatasetInfo,
    settings: QuantizeConfig,
    chosen: Sequence[Variant],
    progress: ProgressBars,
) -> dict[str, float]:
    count = min(settings.calibration_images, len(images))
    generator = torch.Generator().manual_seed(settings.seed)
    drawn = torch.randperm(len(images), generator=generator)[:count]
    progress.start("calibrate", len(chosen) * count)
    stream = images.stream(drawn.split(settings.batch_size))
    batches = [info.normalise(pixels) for pixels in stream]
    return calibrate(model, batches, settings.headroom, progress.advance, chosen)


def _fine_tune(
    model: QuantVisionTransformer,
    images: ImageSource,
    info: DatasetInfo,
    config: ExperimentConfig,
    settings: QuantizeConfig,
    chosen: Sequence[Variant],
    progress: ProgressBars,
) -> dict[str, float]:
    progress.start("fine-tune", settings.finetune_steps)
    fine_tune(
        model,
        images,
        info,
        config.data,
        steps=settings.finetune_steps,
        batch_size=settings.batch_size,
        learning_rate=settings.finetune_learning_rate,
        seed=settings.seed,
        on_step=lambda loss: progress.advance(),
    )
    return _calibrate(model, images, info, settings, chosen, progress)


def _evaluate(
    float_model: torch.nn.Module,
    model: QuantVisionTransformer,
    images: Images,
    info: DatasetInfo,
    settings: QuantizeConfig,
    progress: ProgressBars,
) -> tuple[dict[str, Any], torch.Tensor]:
    """Accuracies on all test images; also the quantized logits."""
    batch, test = settings.batch_size, len(images)
    progress.start("evaluate float", test)
    before = logits(
        float_model, images, info, batch_size=batch, dtype=torch.float32, on_images=progress.advance
    )
    progress.start("evaluate quantized", test)
    after = logits(
        model, images, info, batch_size=batch, dtype=torch.float64, on_images=progress.advance
    )
    same = (best_class(before) == best_class(after)).double().mean()
    return {
        "test_images": test,
        "float_top1": top1(before, images.labels),
        "quantized_top1": top1(after, images.labels),
        "float_quantized_agreement": 100.0 * float(same),
    }, after


def _compare(
    model: QuantVisionTransformer,
    exports: Mapping[Variant, onnx.ModelProto],
    plain: onnx.ModelProto,
    images: Images,
    info: DatasetInfo,
    scores: torch.Tensor,
    settings: QuantizeConfig,
    progress: ProgressBars,
) -> dict[str, Any]:
    """Run the exported graphs on the first test images."""
    most = max(settings.reference_images, settings.qonnx_images, settings.onnxruntime_images)
    normalised = info.normalise(images.pixels[:most], torch.float64)
    progress.start("compare exports", len(exports) + 2)
    result: dict[str, Any] = {}
    count = settings.reference_images
    for variant, graph in exports.items():
        name = "reference" if variant is SPARSE else f"reference_{variant.name}"
        with applied(model, variant):
            result[name] = verify.compare_reference(model, graph, normalised[:count])
        progress.advance()
    count = settings.qonnx_images
    result["qonnx"] = verify.compare_qonnx(exports[SPARSE], normalised[:count], scores[:count])
    progress.advance()
    count = settings.onnxruntime_images
    result["onnxruntime"] = verify.compare_onnxruntime(plain, normalised[:count], scores[:count])
    progress.advance()
    return result


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``target`` when the body succeeds."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        folder.chmod(0o755)
        yield folder
        retired = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
        try:
            if target.exists():
                target.rename(retired / target.name)
            folder.rename(target)
        finally:
            shutil.rmtree(retired, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(path: Path, data: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def _npy(classes_B: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, classes_B.numpy().astype(np.uint16))
    return buffer.getvalue()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
