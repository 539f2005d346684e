"""`trivit bench train`: what is compared with what, not how fast it is."""

import json
import sys
import time
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.methods.table import method_rows
from trivit.models.nested_settings import overlay
from trivit.models.training import compilation, parse_config
from trivit.models.training.device import choose_device
from trivit.tools.bench.train import bench, presets
from trivit.tools.bench.train.measure import memory_mib, mixed, spread, time_rounds
from trivit.tools.bench.train.presets import PRESETS, Preset
from trivit.tools.bench.train.rows import cyclic_weights, mac_limit, rows, shapes
from trivit.tools.bench.train.steps import experiment, make_batch, make_step
from trivit.tools.cli import main

TINY = Preset(
    name="tiny",
    text="for tests",
    settings={
        "model": {"name": "micro_28", "embed_dim": 16, "depth": 4, "num_heads": 2},
        "training": {"batch_size": 8, "device": "cpu", "precision": "float32"},
    },
    train_images=100,
    compile=False,
    threads=1,
    steps=1,
    rounds=2,
    warmup=1,
)

ALL = [shape.name for shape in shapes(compiled=True, with_timm=True)]


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr(bench, "has_timm", lambda: False)


def test_all_methods_are_compared_with_dense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    out = tmp_path / "new"
    assert main(["bench", "train", "--preset", "tiny", "--out", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((out / "train-tiny.json").read_text())
    assert (out / "train-tiny.png").read_bytes().startswith(b"\x89PNG")
    assert torch.get_num_threads() == threads
    found = {row["row"]: row for row in result["rows"]}
    assert list(found) == [row.name for row in rows(ALL) if row.name not in _NOT_HERE]
    assert result["fastest_dense"] == "dense"
    assert found["dense"]["ratio"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert found["dense"]["mac_limit"] == found["pss_none"]["mac_limit"] == 1.0
    assert found["example"]["mac_limit"] == pytest.approx(0.8)
    limits = [found[f"token_{r:g}"]["mac_limit"] for r in (0.9, 0.8, 0.7, 0.5)]
    assert limits == sorted(limits, reverse=True) and limits[0] < 1 and limits[-1] > 0.3
    memory = [found[name]["memory"]["mib"] for name in ("dense", "token_0.9", "token_0.5")]
    assert memory == sorted(memory, reverse=True)
    assert result["bookkeeping"]["steps_between_updates"] == 80 // 8 * 30
    assert {"machine", "versions", "when", "load_average_before"} <= result.keys()
    table = (out / "train-tiny.md").read_text()
    assert "| token keep 0.7 |" in table and "Bookkeeping" in table


_NOT_HERE = ("dense_eager", "dense_timm")


def test_chosen_rows_bring_the_dense_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "train", "--preset", "tiny", "--row", "token_0.7", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in result["rows"]] == ["dense", "token_0.7"]
    assert set(result["shapes_ms"]) == {"dense", "token_0.7"}
    assert result["bookkeeping"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "tpu"], "unknown preset 'tpu'"),
        (["--preset", "tiny", "--row", "magic"], "unknown row 'magic'"),
        pytest.param(
            ["--preset", "h200"],
            "no CUDA device is here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA"),
        ),
    ],
)
def test_bad_requests_are_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "train", *arguments, "--out", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_limits_of_deit_small_are_the_published_ones() -> None:
    """PSS, Table 2 and the ceilings that follow from the sizes: 0.65 and 0.64."""
    preset = PRESETS["h200"]
    found = {shape.name: shape for shape in shapes(compiled=True, with_timm=True)}
    vits = {name: experiment(preset, shape).model for name, shape in found.items()}
    limits = {row.name: mac_limit(row, vits, found) for row in rows(ALL)}
    assert limits["token_0.7"] == pytest.approx(0.65, abs=0.01)
    assert limits["pss_cyclic_code"] == pytest.approx(0.64, abs=0.01)
    assert limits["dense_timm"] == 1.0


def test_shapes_have_the_settings_of_the_methods() -> None:
    preset, methods = PRESETS["cpu"], method_rows()
    found = {shape.name: shape for shape in shapes(compiled=False, with_timm=False)}
    for name, method in (
        ("token_0.7", "token_cls"),
        ("attention", "attention"),
        ("example", "example_online"),
        ("pss_1", "pss_baseline"),
    ):
        settings = overlay(preset.settings, methods[method].settings)
        assert experiment(preset, found[name]) == parse_config(settings), name
    assert experiment(preset, found["token_0.5"]).model.token_keep_ratio == 0.5


def test_cyclic_weights_follow_the_schedule() -> None:
    code, paper = cyclic_weights("code"), cyclic_weights("paper")
    assert list(code) == list(paper) == ["pss_0.2", "pss_0.4", "pss_0.6", "pss_0.8", "pss_1"]
    assert list(paper.values()) == pytest.approx([0.2] * 5, abs=1e-3)
    assert list(code.values()) == pytest.approx([1 / 9, *[2 / 9] * 4], abs=1e-3)


class _Dummy:
    """Stands for a step that takes a known time."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def run(self) -> None:
        self.log.append(self.name)


def test_rounds_interleave_in_orders_of_their_own_and_warm_each_shape_up() -> None:
    log: list[str] = []
    steps: Any = {name: _Dummy(name, log) for name in "abcd"}
    advanced: list[int] = []
    times = time_rounds(steps, torch.device("cpu"), rounds=6, steps_each=2, advance=advanced.append)
    rounds = ["".join(log[start : start + 12]) for start in range(0, len(log), 12)]
    assert len(rounds) == 6 and len(set(rounds)) > 3
    for order in rounds:
        assert sorted(order[::3]) == list("abcd")
        assert all(order[i : i + 3] == 3 * order[i] for i in range(0, 12, 3))
    assert {name: len(values) for name, values in times.items()} == dict.fromkeys("abcd", 6)
    assert len(advanced) == 24


def test_the_processor_clock_does_not_count_waiting() -> None:
    class Waiting:
        def run(self) -> None:
            time.sleep(0.05)

    steps: Any = {"a": Waiting()}
    device = torch.device("cpu")
    wall = time_rounds(steps, device, rounds=1, steps_each=1)["a"][0]
    processor = time_rounds(steps, device, rounds=1, steps_each=1, clock="processor")["a"][0]
    assert wall >= 0.05 > 0.04 > processor


def test_ratios_are_taken_within_each_round_and_against_the_fastest_dense() -> None:
    """A slow round slows both sides: the ratio does not see it."""
    names = ["dense", "dense_timm", "token_0.7", "example"]
    table = rows(names)
    times = {
        "dense": [3.0, 30.0, 3.0],
        "dense_timm": [2.0, 20.0, 2.0],
        "token_0.7": [1.0, 10.0, 1.2],
        "example": [2.0, 20.0, 2.0],
    }
    batch = make_batch(TINY)
    found = {s.name: s for s in shapes(compiled=False, with_timm=False)}
    found["dense_timm"] = replace(found["dense"], name="dense_timm")
    steps = {name: make_step(TINY, found[name], batch, 1) for name in names}
    memory = {name: {"mib": 1.0, "of": "x"} for name in names}
    compared = bench._compared(table, steps, times, memory, 8)
    assert compared["fastest_dense"] == "dense_timm"
    ratios = {row["row"]: row["ratio"]["median"] for row in compared["rows"]}
    assert ratios["dense_timm"] == 1.0 and ratios["dense"] == 1.5
    assert ratios["token_0.7"] == 0.5
    assert ratios["example"] == pytest.approx(0.8)  # an epoch has a fifth fewer steps
    assert compared["rows"][0]["images_per_second"] == pytest.approx(8 / 3)


def test_loading_is_measured_beside_the_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(
        "model: {name: micro_28}\n"
        "data: {dataset: synthetic, train_images: 60, test_images: 10, flip: true}\n"
    )
    command = ["bench", "train", "--preset", "tiny", "--row", "token_0.7", "--rounds", "1"]
    assert main([*command, "--data", str(experiment), "--json"]) == 0
    loading = json.loads(capsys.readouterr().out)["loading"]
    assert loading["dataset"] == "synthetic" and loading["batches"] == 60 // 8 - 3
    assert loading["reading_images_per_second"] > 0 < loading["batches_images_per_second"]
    assert main([*command, "--data", str(experiment)]) == 0
    assert f"Loading for {experiment}" in capsys.readouterr().out
    experiment.write_text(experiment.read_text().replace("60", "20"))
    assert main([*command, "--data", str(experiment)]) == 2
    assert "has 20 training images" in capsys.readouterr().err


def test_mixes_and_quartiles() -> None:
    times = {"a": [1.0, 2.0], "b": [3.0, 6.0]}
    assert mixed(times, {"a": 0.25, "b": 0.75}) == [2.5, 5.0]
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}


def test_memory_counts_each_kept_storage_once() -> None:
    batch = make_batch(TINY)
    step = make_step(TINY, shapes(compiled=False, with_timm=False)[0], batch, 1)
    first, second = (memory_mib(step, choose_device("cpu"))["mib"] for _ in range(2))
    state = sum(p.numel() for p in step.weights.runs.parameters()) * 4 * 3 / 2**20
    vit = step.config.model
    tokens = 8 * (1 + vit.num_patches) * vit.embed_dim * 4 / 2**20
    # A block keeps some 20 times its tokens.
    assert second >= first and state < second
    assert 8 * vit.depth * tokens < second - state < 40 * vit.depth * tokens


def test_a_compiled_preset_uses_the_compiler_except_for_the_eager_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    graphs: list[Any] = []
    original = compilation.compiled

    def counting(forward: Any, count: int) -> Any:
        graphs.append(forward)
        return original(forward, count)

    monkeypatch.setattr("trivit.tools.bench.train.steps.compiled", counting)
    preset = replace(TINY, compile=True)
    result = bench.bench_train(preset, rounds=1, only=["token_0.7"])
    assert [row["row"] for row in result["rows"]] == ["dense", "dense_eager", "token_0.7"]
    assert len(graphs) == 2


class _StandIn(nn.Module):
    """Has the signature that timm's model is called with."""

    def __init__(self, **sizes: Any) -> None:
        super().__init__()
        sizes["image_size"] = sizes.pop("img_size")
        sizes["in_channels"] = sizes.pop("in_chans")
        self.inner = VisionTransformer(ViTConfig(**sizes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner(images)


def test_timm_joins_as_a_dense_row_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("timm.models.vision_transformer")
    module.VisionTransformer = _StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "timm.models.vision_transformer", module)
    monkeypatch.setattr(bench, "has_timm", lambda: True)
    result = bench.bench_train(TINY, rounds=1, only=["token_0.7"])
    assert [row["row"] for row in result["rows"]] == ["dense", "dense_timm", "token_0.7"]
    assert result["rows"][1]["memory"]["mib"] == pytest.approx(
        result["rows"][0]["memory"]["mib"], rel=0.05
    )
