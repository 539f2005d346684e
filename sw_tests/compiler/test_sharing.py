"""Several keep ratios in one bundle: one copy of the weights, each program exact by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from exported_model import metadata
from onnx import numpy_helper

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.tracing import with_trace
from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.variants import applied, variants
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.tools.compiler import compile_model, compile_models
from trivit.tools.compiler.exports import exported_models
from trivit.tools.errors import ToolsError

SIZES = ViTConfig(
    image_size=12,
    patch_size=3,
    in_channels=1,
    num_classes=5,
    embed_dim=32,
    depth=3,
    num_heads=2,
    mlp_ratio=2.0,
    selector_blocks=(0, 1),
    token_keep_ratio=0.5,
    attention_keep_ratio=0.5,
    init_std=0.2,
)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, 12, 12)).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with one model at four keep ratios, as `trivit quantize --keep` leaves it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "quantized").mkdir()
    torch.manual_seed(0)
    model = QuantVisionTransformer.from_float(VisionTransformer(SIZES))
    chosen = variants(SIZES, (1.0, 0.9, 0.7))
    calibrate(model, [torch.randn(8, 1, 12, 12)], 1.25, chosen=chosen)
    for variant in chosen:
        sizes = variant.sizes(SIZES)
        details = metadata(sizes) | {
            "token_keep_ratio": sizes.token_keep_ratio,
            "attention_keep_ratio": sizes.attention_keep_ratio,
        }
        with applied(model, variant):
            graph = export(model, details, sparse=variant.sparse)
        onnx.save_model(graph, str(folder / "quantized" / variant.file))
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path) -> Bundle:
    return compile_models(exported_models(run))


def test_the_programs_of_a_run(bundle: Bundle) -> None:
    found = [(p.name, p.token_keep_ratio, p.attention_keep_ratio) for p in bundle.programs]
    assert found == [
        ("sparse", 0.5, 0.5),
        ("dense", 1.0, 1.0),
        ("keep_0.9", 0.9, 0.5),
        ("keep_0.7", 0.7, 0.5),
    ]
    macs = {p.token_keep_ratio: p.info["macs"] for p in bundle.programs}
    assert macs[0.5] < macs[0.7] < macs[0.9] < macs[1.0]


def test_weights_are_stored_once(run: Path, bundle: Bundle) -> None:
    singles = {n: compile_model(path) for n, path in exported_models(run).items()}
    for name, single in singles.items():
        assert single.params.tobytes() == bundle.params.tobytes(), name
        assert (single.program == bundle.choose(name).program).all()
    apart = sum(len(single.to_bytes()) for single in singles.values())
    saved = (len(singles) - 1) * bundle.params.nbytes
    assert len(bundle.to_bytes()) <= apart - saved


@pytest.mark.parametrize("keep", [1.0, 0.9, 0.7, 0.5])
def test_each_program_is_exact_on_both_backends(bundle: Bundle, keep: float) -> None:
    traced = with_trace(bundle, program=keep)
    reference = open_backend("reference").run(traced, PIXELS)
    emulator = open_backend("emulator").run(traced, PIXELS)
    assert np.array_equal(reference.logits, emulator.logits)
    assert np.array_equal(reference.saturations, emulator.saturations)
    for name, expected in reference.tensors.items():
        assert np.array_equal(expected, emulator.tensors[name]), name
    chosen = open_backend("emulator").run(bundle, PIXELS, program=keep)
    assert np.array_equal(chosen.logits, reference.logits)


def test_programs_differ_in_what_they_compute(bundle: Bundle) -> None:
    backend = open_backend("emulator")
    logits = [backend.run(bundle, PIXELS, program=p.name).logits for p in bundle.programs]
    assert len({values.tobytes() for values in logits}) == len(bundle.programs)


def test_ratios_are_chosen_in_the_order_given(run: Path) -> None:
    assert list(exported_models(run, [0.7, 1.0])) == ["keep_0.7", "dense"]
    with pytest.raises(ToolsError, match=r"keep ratio 0.8 \(it has 0.5, 0.7, 0.9, 1\).*--keep 0.8"):
        exported_models(run, [0.8])


def _changed(source: Path, target: Path, name: str, change: Callable[[Any], Any]) -> Path:
    model = onnx.load_model(str(source))
    [tensor] = [t for t in model.graph.initializer if t.name == name]
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)), name))
    onnx.save_model(model, str(target))
    return target


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blocks.1.mlp.fc1.weight", "'blocks.1.mlp.fc1.weight' has other integers"),
        ("blocks.0.norm2.bias", "'blocks.0.norm2.bias' has other integers"),
        ("blocks.0.attn.qkv.scale", "'blocks.0.attn.qkv' has fraction length"),
        ("blocks.2.attn.scores.scale", "'blocks.2.attn.scores' has fraction length"),
        ("blocks.0.mlp.fc1.scale", "'blocks.0.mlp.fc1' has fraction length"),
        ("blocks.1.mlp.gelu.scale", "'blocks.1.mlp.gelu' has fraction length"),
        ("blocks.2.norm2.scale", "'blocks.2.norm2' has fraction length"),
        ("head.weight.scale", "'head.weight' has fraction length"),
    ],
)
def test_other_weights_and_formats_are_refused(
    run: Path, tmp_path: Path, name: str, message: str
) -> None:
    files = exported_models(run)

    def change(values: Any) -> Any:
        changed = values.copy()
        if name.endswith(".scale"):
            return np.array(2 * changed, values.dtype)
        changed.flat[0] += 0.25
        return changed

    other = _changed(files["dense"], tmp_path / "other.qonnx", name, change)
    with pytest.raises(ToolsError, match="'sparse' and 'dense' cannot share") as caught:
        compile_models({"sparse": files["sparse"], "dense": other})
    assert message in str(caught.value)
    assert "trivit quantize RUN --keep" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_classes_are_refused(run: Path, tmp_path: Path) -> None:
    files = exported_models(run)
    model = onnx.load_model(str(files["dense"]))
    [entry] = [p for p in model.metadata_props if p.key == "trivit"]
    entry.value = entry.value.replace("class 4", "another")
    onnx.save_model(model, str(tmp_path / "other.qonnx"))
    with pytest.raises(ToolsError, match="they differ in class_names"):
        compile_models({"sparse": files["sparse"], "dense": tmp_path / "other.qonnx"})
