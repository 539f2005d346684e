"""Estimates of configurations without weights, against compiled exports and known figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from trivit.host.bundle import Bundle
from trivit.host.generated.spec import ACTIVATION_DEPTH
from trivit.host.instructions import decode
from trivit.models.errors import ModelsError
from trivit.models.families.vision_transformer import ViTConfig
from trivit.tools.cli import main
from trivit.tools.compiler.named import named_program, untrained_program
from trivit.tools.estimate import estimate_bundle
from trivit.tools.estimate.image_cycles import model_cycles
from trivit.tools.estimate.kinds import by_kind
from trivit.tools.estimate.work import ARRAY_MACS

#: A kernel that was explored for DeiT-T has no memory for more.
roomy = pytest.mark.skipif(ACTIVATION_DEPTH < 7200, reason="DeiT-S needs 7,200 words in a bank")

SMALL: dict[str, Any] = {
    "image_size": 12,
    "patch_size": 3,
    "in_channels": 1,
    "num_classes": 5,
    "embed_dim": 32,
    "depth": 3,
    "num_heads": 2,
    "mlp_ratio": 2.0,
    "selector_blocks": (0, 1),
    "token_keep_ratio": 0.6,
    "attention_keep_ratio": 0.5,
}


def export_and_compile(config: ViTConfig, folder: Path) -> Any:
    import onnx
    import torch

    from trivit.models.families.vision_transformer import VisionTransformer
    from trivit.models.quantization.calibration import calibrate
    from trivit.models.quantization.qonnx_graph import export
    from trivit.models.quantization.vision_transformer import QuantVisionTransformer
    from trivit.tools.compiler import compile_model

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = QuantVisionTransformer.from_float(VisionTransformer(config))
    side, channels = config.image_size, config.in_channels
    calibrate(model, [torch.randn(2, channels, side, side)], headroom=1.25)
    details = {
        "format": 1,
        "model": "test",
        "image": {"channels": channels, "height": side, "width": side},
        "mean": [0.5] * channels,
        "std": [0.5] * channels,
        "class_names": [f"class {i}" for i in range(config.num_classes)],
    }
    path = folder / "model.qonnx"
    onnx.save_model(export(model, details, sparse=True), str(path))
    return compile_model(path)


def sizes(bundle: Bundle) -> list[Any]:
    names = ("rows", "depth_words", "out_words", "tokens", "heads", "keep", "kept")
    decoded = [decode(words) for words in bundle.program]
    return [(i.opcode, i.flags, [i.fields.get(n) for n in names]) for i in decoded if i]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"token_keep_ratio": 1.0},
        {"attention_keep_ratio": 1.0},
        {"token_keep_ratio": 1.0, "attention_keep_ratio": 1.0},
        {"selector_blocks": (2,), "qkv_bias": False},
        {"in_channels": 3, "embed_dim": 48, "num_heads": 3, "num_classes": 40},
    ],
    ids=str,
)
def test_structure_is_that_of_a_compiled_export(changes: dict[str, Any], tmp_path: Path) -> None:
    config = ViTConfig(**{**SMALL, **changes})
    named = untrained_program(config, "test")
    compiled = export_and_compile(config, tmp_path)
    assert named.first.info["instructions"] == compiled.first.info["instructions"]
    assert sizes(named) == sizes(compiled)
    counted = model_cycles(compiled)
    # Untrained weights can give fraction lengths that the units do not have.
    assert counted.reason or counted == model_cycles(named)


@pytest.mark.parametrize(
    ("model", "keep", "limit_ms"),
    [
        # At 150 MHz: padding of 8 x 32 x 8 tiles and nothing else.
        ("deit_tiny", 1.0, 4.19),
        ("deit_tiny", 0.9, 3.68),
        ("deit_tiny", 0.8, 3.10),
        ("deit_tiny", 0.7, 2.76),
        pytest.param("deit_small", 1.0, 15.30, marks=roomy),
        pytest.param("deit_small", 0.7, 10.14, marks=roomy),
    ],
)
def test_limit_of_the_array(model: str, keep: float, limit_ms: float) -> None:
    cost = estimate_bundle(named_program(model, token_keep=keep))
    assert cost.limit_cycles / 150e3 == pytest.approx(limit_ms, abs=0.006)
    assert cost.cycles > cost.limit_cycles > cost.macs / ARRAY_MACS


@pytest.mark.parametrize(
    ("model", "keep", "most_ms"),
    [
        ("deit_tiny", 1.0, 4.6),
        ("deit_tiny", 0.7, 3.2),
        pytest.param("deit_small", 1.0, 16.5, marks=roomy),
        pytest.param("deit_small", 0.7, 11.3, marks=roomy),
    ],
)
def test_latency_reaches_its_goal(model: str, keep: float, most_ms: float) -> None:
    assert estimate_bundle(named_program(model, token_keep=keep)).latency_ms <= most_ms


def test_parts_of_an_instruction_add_up() -> None:
    cost = estimate_bundle(named_program("deit_tiny", token_keep=0.7))
    for op in cost.instructions:
        assert min(op.waits.values(), default=1) > 0, op
        assert op.limit_cycles >= op.macs / ARRAY_MACS, op
        assert 0 <= op.utilisation <= 1, op
        assert op.bound == "array" or op.limit_cycles < max(op.waits.values(), default=1), op
    assert cost.cycles == cost.limit_cycles + sum(cost.waits.values())
    assert {"command", "source", "end"} <= cost.waits.keys()
    kinds = by_kind(cost.instructions)
    assert sum(k.cycles for k in kinds) == cost.cycles
    assert sum(k.ddr_bytes for k in kinds) == cost.ddr_bytes
    assert sum(k.waits.get("source", 0) for k in kinds) == cost.waits["source"]
    # Every weight comes from DDR once; image, commands and reports besides.
    assert 2 * 5_700_000 < cost.ddr_bytes < 2 * 6_000_000


def test_command_prints_json_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "roofline.png"
    arguments = ["estimate", "deit_tiny", "--keep", "0.7", "--roofline", str(picture), "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["latency_ms"] == pytest.approx(found["cycles"] / found["clock_mhz"] / 1e3)
    assert found["cycles"] == sum(op["cycles"] for op in found["ops"])
    assert found["macs"] == sum(op["macs"] for op in found["ops"]) == 812_089_728
    assert 0 < found["utilisation"] < 1 and found["ddr_bytes"] > 0
    assert [row["paper_ms"] for row in found["paper"]] == [10.91, 9.68, 8.50, 7.36]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_command_names_the_nearest_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "deit_tny"]) == 2
    assert "did you mean 'deit_tiny'" in capsys.readouterr().err
    with pytest.raises(ModelsError, match="above 0"):
        named_program("deit_tiny", token_keep=0.0)


def test_command_estimates_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.trivit"
    program = untrained_program(ViTConfig(**{**SMALL, "attention_keep_ratio": 1.0}), "test")
    path.write_bytes(program.to_bytes())
    assert main(["estimate", str(path), "--keep", "0.6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cycles"] == estimate_bundle(program).cycles
    assert main(["estimate", str(path), "--keep", "0.3"]) == 2
    assert main(["estimate", str(path), "--attention-keep", "0.3"]) == 2


def test_other_architectures_are_refused() -> None:
    config = ViTConfig(
        **{
            **SMALL,
            "class_token": False,
            "pooling": "mean",
            "token_score": "column_sum",
            "selector_blocks": (),
            "token_keep_ratio": 1.0,
            "attention_keep_ratio": 1.0,
        }
    )
    with pytest.raises(ModelsError, match=r"model.class_token is False, .* use True"):
        untrained_program(config, "test")
