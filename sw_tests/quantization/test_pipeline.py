"""From a run folder to its quantized folder, and every way in which that is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from trivit.models.data import load_dataset
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.quantization import QuantizeConfig, pipeline, quantize
from trivit.models.quantization.calibration import activation_maxima, calibrate
from trivit.models.quantization.qonnx_graph import quant_nodes
from trivit.models.quantization.variants import applied, variants
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.models.training import load_run

SETTINGS = QuantizeConfig(
    calibration_images=128,
    reference_images=2,
    qonnx_images=1,
    onnxruntime_images=50,
    keep_ratios=(0.85, 1.0, 0.7),
)
FILES = {
    "model.qonnx",
    "model_dense.qonnx",
    "model.onnx",
    "formats.json",
    "quantize.json",
    "test_classes.npy",
}
KEPT = "model_keep_0.85.qonnx"


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


@pytest.fixture(scope="module")
def quantized(
    trained_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    run = Path(shutil.copytree(trained_run, tmp_path_factory.mktemp("quantized") / "run"))
    return run, quantize(run, SETTINGS)


def test_folder_is_complete_and_nothing_else_is_left(
    quantized: tuple[Path, dict[str, Any]],
) -> None:
    run, _ = quantized
    assert {path.name for path in (run / "quantized").iterdir()} == FILES | {KEPT}
    assert [path for path in run.iterdir() if path.name.startswith(".")] == []


def test_summary_says_what_was_compared(quantized: tuple[Path, dict[str, Any]]) -> None:
    run, summary = quantized
    assert json.loads((run / "quantized" / "quantize.json").read_text()) == summary
    assert summary["test_images"] == 200
    classes = np.load(run / "quantized" / "test_classes.npy")
    labels = load_dataset(load_run(run)[0].data).test.labels.numpy()
    assert 100.0 * (classes == labels).mean() == pytest.approx(summary["quantized_top1"])
    trained = json.loads((run / "train.json").read_text())
    assert summary["float_top1"] == pytest.approx(trained["float_top1"], abs=0.51)
    assert summary["float_top1"] > 25  # of ten classes
    assert abs(summary["quantized_top1"] - summary["float_top1"]) <= 0.5
    assert summary["float_quantized_agreement"] >= 99
    assert summary["reference"]["images"] == 2
    assert summary["reference"]["different_integers"] == 0
    assert summary["reference_dense"]["different_integers"] == 0
    assert summary["reference_keep_0.85"]["different_integers"] == 0
    assert summary["settings"]["keep_ratios"] == [0.85, 1.0, 0.7]
    assert summary["qonnx"]["images"] == 1
    assert summary["onnxruntime"]["images"] == 50
    assert summary["settings"]["calibration_images"] == 128
    assert set(summary["seconds_by_part"]) == {"calibrate", "export", "evaluate", "compare"}


def test_formats_file_matches_the_exported_scales(
    quantized: tuple[Path, dict[str, Any]],
) -> None:
    run, _ = quantized
    formats = json.loads((run / "quantized" / "formats.json").read_text())
    for file in ("model.qonnx", "model_dense.qonnx", KEPT):
        graph = onnx.load(run / "quantized" / file).graph
        scales = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        nodes = quant_nodes(graph)
        assert set(nodes) == set(formats["tensors"])
        for name, entry in formats["tensors"].items():
            assert float(scales[f"{name}.scale"]) == 2.0 ** -entry["fraction_length"]
            narrow = {a.name: a.i for a in nodes[name].attribute}["narrow"]
            assert bool(narrow) == entry["narrow_range"]


@pytest.mark.parametrize("file", ["model_dense.qonnx", KEPT])
def test_variants_share_weights_and_formats(
    quantized: tuple[Path, dict[str, Any]], file: str
) -> None:
    run, _ = quantized
    graphs = [onnx.load(run / "quantized" / name).graph for name in ("model.qonnx", file)]
    sparse, dense = ({t.name: numpy_helper.to_array(t) for t in g.initializer} for g in graphs)
    for name in quant_nodes(graphs[0]):
        np.testing.assert_array_equal(sparse[f"{name}.scale"], dense[f"{name}.scale"])
        if name in sparse:
            np.testing.assert_array_equal(sparse[name], dense[name])


def test_metadata_is_all_that_a_compiler_needs(quantized: tuple[Path, dict[str, Any]]) -> None:
    run, _ = quantized
    config, _, info = load_run(run)
    for file, keep in (("model.qonnx", 0.7), ("model_dense.qonnx", 1.0), (KEPT, 0.85)):
        model = onnx.load(run / "quantized" / file)
        metadata = json.loads({p.key: p.value for p in model.metadata_props}["trivit"])
        assert metadata == {
            "format": 1,
            "model": "micro_28",
            "dataset": "synthetic",
            "image": {"channels": 1, "height": 28, "width": 28},
            "mean": list(info.mean),
            "std": list(info.std),
            "class_names": list(info.class_names),
            "num_classes": 10,
            "patch_size": 7,
            "embed_dim": 32,
            "depth": 3,
            "num_heads": config.model.num_heads,
            "mlp_ratio": 4.0,
            "selector_blocks": [0, 1] if keep < 1 else [],
            "token_keep_ratio": keep,
            "attention_keep_ratio": 0.5 if keep < 1 else 1.0,
        }


def test_formats_hold_for_every_variant(trained_run: Path) -> None:
    """The largest magnitude of a tensor is the largest over the variants, each alone."""
    config, floating, _ = load_run(trained_run)
    images = torch.randn(16, 1, 28, 28, generator=torch.Generator().manual_seed(3))
    chosen = variants(config.model, (0.1,))
    assert [v.name for v in chosen] == ["sparse", "dense", "keep_0.1"]
    model = QuantVisionTransformer.from_float(floating)
    alone = [activation_maxima(model, [images], chosen=[variant]) for variant in chosen]
    together = activation_maxima(model, [images], chosen=chosen)
    assert together == {name: max(m[name] for m in alone) for name in together}
    differing = [name for name in together if len({m[name] for m in alone}) == 3]
    assert len(differing) > 10
    assert model.sparse
    assert model.blocks[0].selector.token_keep_ratio == 0.7


def test_a_dense_run_with_selector_blocks_is_exported_at_other_ratios() -> None:
    """Ratios of 1 leave the selectors in place; a model without any is refused."""
    torch.manual_seed(0)
    sizes = model_config("micro_28", depth=3, selector_blocks=(0, 1))
    model = QuantVisionTransformer.from_float(VisionTransformer(sizes).eval())
    images = torch.randn(4, 1, 28, 28)
    calibrate(model, [images], 1.25)
    [_, dense, kept] = variants(sizes, [0.5])
    with torch.inference_mode():
        with applied(model, dense):
            expected = model(images)
        assert torch.equal(model(images), expected)
        with applied(model, kept):
            assert not torch.equal(model(images), expected)
    with pytest.raises(ModelsError, match=r"keep ratio 0.5: the model has no selectors"):
        variants(model_config("micro_28", selector_blocks=()), [0.5])


def test_fine_tuning_is_part_of_the_flow_and_an_old_folder_is_replaced(run: Path) -> None:
    (run / "quantized").mkdir()
    (run / "quantized" / "stale").write_text("old")
    summary = quantize(
        run,
        QuantizeConfig(
            calibration_images=64,
            finetune_steps=3,
            reference_images=1,
            qonnx_images=1,
            onnxruntime_images=10,
        ),
    )
    assert "finetune" in summary["seconds_by_part"]
    assert {path.name for path in (run / "quantized").iterdir()} == FILES
    before = load_run(run).model.state_dict()["head.weight"].numpy()
    graph = onnx.load(run / "quantized" / "model.qonnx").graph
    after = {t.name: numpy_helper.to_array(t) for t in graph.initializer}["head.weight"]
    assert not np.array_equal(before, after)


def refused(run: Path, match: str) -> None:
    """The refusal is one line, and nothing was written."""
    before = sorted(str(p) for p in run.rglob("*")) if run.exists() else []
    with pytest.raises(ModelsError, match=match) as caught:
        quantize(run, SETTINGS)
    assert "\n" not in str(caught.value)
    assert (sorted(str(p) for p in run.rglob("*")) if run.exists() else []) == before


def test_missing_run_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "nothing holds no training run")


def test_missing_checkpoint_is_refused(run: Path) -> None:
    shutil.rmtree(run / "checkpoint")
    refused(run, "checkpoint")


def test_unfinished_training_is_refused(run: Path) -> None:
    state = run / "checkpoint" / "state.json"
    content = json.loads(state.read_text())
    content["epoch"] = 1
    state.write_text(json.dumps(content))
    refused(run, r"stopped after 1 of 3 epochs.*--resume")


def test_truncated_checkpoint_is_refused(run: Path) -> None:
    [path] = (run / "checkpoint").glob("model*.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    refused(run, "checksum")


def test_weights_that_16_bits_cannot_hold_are_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, weights: Any, data: Any) -> Any:
        loaded = load_run(path, weights, data)
        loaded.model.head.weight.data.fill_(1e6)
        return loaded

    monkeypatch.setattr(pipeline, "load_run", broken)
    refused(run, "head.weight reaches 1e")


def test_a_full_disk_leaves_the_old_folder(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "quantized").mkdir()
    (run / "quantized" / "kept").write_text("old")
    written: list[str] = []

    def full(path: Path, data: bytes) -> None:
        written.append(path.name)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(pipeline, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        quantize(run, SETTINGS)
    assert [path.name for path in (run / "quantized").iterdir()] == ["kept"]
    assert [path for path in run.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("calibration_images", 0),
        ("batch_size", -1),
        ("headroom", 0.5),
        ("headroom", float("nan")),
        ("finetune_steps", -1),
        ("finetune_learning_rate", 0.0),
        ("qonnx_images", 0),
        ("keep_ratios", (0.9, 1.1)),
        ("keep_ratios", (0.0,)),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(ModelsError, match=name):
        QuantizeConfig(**{name: value})  # type: ignore[arg-type]
