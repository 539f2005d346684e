"""`trivit bench train`: what is compared with what, not how fast it is."""

import json
import random
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
from trivit.models.training import compilation, load_config, parse_config
from trivit.models.training.device import choose_device
from trivit.tools.bench.train import bench
from trivit.tools.bench.train.measure import memory_mib, mixed, spread, time_round
from trivit.tools.bench.train.presets import PRESETS, Target
from trivit.tools.bench.train.processes import Processes
from trivit.tools.bench.train.report import footer
from trivit.tools.bench.train.results import Measured
from trivit.tools.bench.train.rows import cyclic_weights, mac_limit, rows, waves
from trivit.tools.bench.train.shapes import Shape, experiment, shapes, variants
from trivit.tools.bench.train.steps import StepMaker, make_batch
from trivit.tools.cli import main

from .conftest import TINY


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
    everything = rows(TINY, shapes(TINY, with_timm=False))
    assert list(found) == [row.name for row in everything]
    assert list(found)[:2] == ["dense", "token_0.7"]  # the most important ones first
    assert result["complete"] and result["missing"] == [] and result["targets"] == []
    assert found["pss_cyclic_code"]["own"]["row"] == "pss_none"
    assert found["token_0.7"]["rounds"] == result["rounds"] > found["token_0.5"]["rounds"] >= 2
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
            ["--preset", "deit_small"],
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
    """PSS, Table 2; Tri-Level with tokens 0.7 and attention 0.2; what follows from the sizes."""
    preset = PRESETS["deit_small"]
    found = shapes(preset, with_timm=True)
    vits = {name: experiment(preset, shape).model for name, shape in found.items()}
    table = {row.name: row for row in rows(preset, found)}
    limits = {name: mac_limit(row, vits, found) for name, row in table.items()}
    assert limits["token_0.7"] == pytest.approx(0.65, abs=0.01)
    assert limits["pss_cyclic_code"] == pytest.approx(0.64, abs=0.01)
    assert limits["tri_level"] == pytest.approx(0.651, abs=0.001)
    assert limits["dense_timm"] == 1.0
    assert table["tri_level"].examples == pytest.approx(0.8)
    assert sum(table["tri_level"].weights.values()) == pytest.approx(1)
    assert len(table["tri_level"].weights) == 6
    assert set(preset.targets) <= set(table)


def test_tri_level_is_the_experiment_of_the_configurations() -> None:
    """All but the stages of the descent, and attention 0.2 as in Table 4."""
    root = Path(__file__).parents[2] / "configs"
    published = load_config(root / "tri_level" / "deit_small_0.7.yaml")
    preset = PRESETS["deit_small"]
    config = parse_config(overlay(preset.settings, preset.tri_level))
    assert config.model.attention_keep_ratio == 0.2
    assert replace(config.sparsity.warmup, steps=10) == published.sparsity.warmup
    assert replace(config.sparsity, warmup=published.sparsity.warmup) == published.sparsity
    assert config.model.token_keep_ratio == published.model.token_keep_ratio
    assert config.training.epochs == published.training.epochs


def test_shapes_have_the_settings_of_the_methods() -> None:
    preset, methods = PRESETS["cpu"], method_rows()
    found = shapes(preset, with_timm=False)
    for name, method in (
        ("token_0.7", "token_cls"),
        ("attention", "attention"),
        ("example", "example_online"),
        ("pss_1", "pss_baseline"),
    ):
        settings = overlay(preset.settings, methods[method].settings)
        assert experiment(preset, found[name]) == parse_config(settings), name
    assert experiment(preset, found["token_0.5"]).model.token_keep_ratio == 0.5


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_offer_every_row_that_they_name(name: str) -> None:
    preset = PRESETS[name]
    table = rows(preset, shapes(preset, with_timm=True))
    undone = {variant.shape.name for variant in variants(with_timm=True)}
    here = [row for row in preset.rows if preset.compile or row not in undone]
    assert [row.name for row in table] == here
    assert set(preset.targets) <= set(preset.rows)


def test_variants_undo_one_change_each() -> None:
    found = {variant.shape.name: variant.shape for variant in variants(with_timm=True)}
    preset = PRESETS["deit_small"]
    plain = experiment(preset, Shape(name="dense"))
    for name, changed in (
        ("dense_launched", {"cuda_graphs": False}),
        ("dense_triton", {"attention": "triton"}),
        ("dense_before", {"cuda_graphs": False, "attention": "torch"}),
        ("dense_cast", {}),
    ):
        expected = replace(plain, training=replace(plain.training, **changed))
        assert experiment(preset, found[name]) == expected, name
    assert [name for name, shape in found.items() if not shape.copies] == [
        "dense_before",
        "token_0.7_before",
        "pss_none_before",
        "dense_cast",
    ]


def test_the_most_important_shapes_become_ready_first() -> None:
    preset = PRESETS["deit_small"]
    found = shapes(preset, with_timm=True)
    table = rows(preset, found)
    groups = waves(table, 6)
    assert groups[0][:3] == ["dense", "dense_timm", "token_0.7"]
    assert all(len(group) >= 6 for group in groups[:-1])
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert set(names) == {name for row in table for name in row.weights}


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
    order = random.Random(0)
    for _ in range(6):
        times = time_round(steps, torch.device("cpu"), order, steps_each=2)
        assert sorted(times) == list("abcd")
    rounds = ["".join(log[start : start + 12]) for start in range(0, len(log), 12)]
    assert len(rounds) == 6 and len(set(rounds)) > 3
    for each in rounds:
        assert sorted(each[::3]) == list("abcd")
        assert all(each[i : i + 3] == 3 * each[i] for i in range(0, 12, 3))


def test_the_processor_clock_does_not_count_waiting() -> None:
    class Waiting:
        def run(self) -> None:
            time.sleep(0.05)

    steps: Any = {"a": Waiting()}
    device, order = torch.device("cpu"), random.Random(0)
    wall = time_round(steps, device, order, steps_each=1)["a"]
    processor = time_round(steps, device, order, steps_each=1, clock="processor")["a"]
    assert wall >= 0.05 > 0.04 > processor


def measured(rounds: list[dict[str, float]], **targets: Target) -> Measured:
    """Return what would have been measured, with timm at hand."""
    preset = replace(TINY, targets=targets)
    found = shapes(preset, with_timm=True)
    table = [row for row in rows(preset, found) if row.name in KNOWN]
    names = {name for round_ in rounds for name in round_}
    configs = {name: experiment(preset, found[name]) for name in names}
    memory = {name: {"mib": 1.0, "of": "x"} for name in names}
    return Measured(preset, table, found, rounds, configs, memory)


KNOWN = ("dense", "dense_timm", "token_0.7", "example", "pss_none", "pss_cyclic_paper")
FIRST = {"dense": 3.0, "dense_timm": 2.0, "token_0.7": 1.0}


def test_ratios_are_taken_within_each_round_and_against_the_fastest_dense() -> None:
    """A slow round slows both sides: the ratio does not see it."""
    rounds = [
        FIRST,
        {name: 10 * value for name, value in FIRST.items()} | {"example": 20.0},
        FIRST | {"token_0.7": 1.2, "example": 2.0},
    ]
    summary = measured(rounds).summary()
    assert summary["fastest_dense"] == "dense_timm"
    found = {row["row"]: row for row in summary["rows"]}
    ratios = {name: row["ratio"]["median"] for name, row in found.items()}
    assert ratios["dense_timm"] == 1.0 and ratios["dense"] == 1.5
    assert ratios["token_0.7"] == 0.5
    assert ratios["example"] == pytest.approx(0.8)  # an epoch has a fifth fewer steps
    assert found["dense"]["images_per_second"] == pytest.approx(8 / 3)
    assert found["dense"]["own"] == {
        "row": "dense_timm",
        "ratio": {"median": 1.5, "low": 1.5, "high": 1.5},
    }
    assert (found["dense"]["rounds"], found["example"]["rounds"]) == (3, 2)


def test_a_row_counts_when_a_round_holds_all_its_shapes() -> None:
    partly = [FIRST | {f"pss_{r:g}": r for r in (1.0, 0.8, 0.6, 0.4)}]
    summary = measured(partly).summary()
    assert [row["row"] for row in summary["missing"]] == ["example", "pss_cyclic_paper"]
    assert {row["why"] for row in summary["missing"]} == {"no time was left"}
    assert [row["row"] for row in summary["rows"]] == [
        "dense",
        "dense_timm",
        "token_0.7",
        "pss_none",
    ]
    whole = measured([partly[0], partly[0] | {"pss_0.2": 0.2}])
    row = {row["row"]: row for row in whole.summary()["rows"]}["pss_cyclic_paper"]
    assert row["rounds"] == 1
    assert row["own"]["ratio"]["median"] == pytest.approx(0.6, abs=1e-3)
    assert row["ratio"]["median"] == pytest.approx(0.3, abs=1e-3)
    partly_failed = measured(partly)
    partly_failed.failed["pss_0.2"] = "does not fit"
    missing = {row["row"]: row["why"] for row in partly_failed.summary()["missing"]}
    assert missing["pss_cyclic_paper"] == "pss_0.2: does not fit"


def test_targets_say_reached_or_not_or_not_measured() -> None:
    found = measured(
        [FIRST | {"example": 2.0}],
        dense=Target(0.8, "own"),
        pss_none=Target(1.05, "dense"),
        example=Target(0.005, "bookkeeping"),
        **{"token_0.7": Target(0.5, "dense")},
    )
    found.counters = {"record": 0.1, "update": 0.1}
    targets = {target["row"]: target for target in found.summary()["targets"]}
    assert {name: target["reached"] for name, target in targets.items()} == {
        "dense": False,
        "token_0.7": True,
        "pss_none": None,
        "example": True,
    }
    assert targets["dense"]["measured"] == 1.5 and targets["dense"]["to"] == "dense_timm"
    assert targets["example"]["measured"] == -0.5  # both sides are noisy


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
    for what in ("reading", "augmentation", "batches"):
        assert loading[f"{what}_images_per_second"] > 0
    assert loading["store"] is None  # in memory: nothing is decoded
    assert main([*command, "--data", str(experiment)]) == 0
    assert f"Loading for {experiment}" in capsys.readouterr().out
    experiment.write_text(experiment.read_text().replace("60", "20"))
    assert main([*command, "--data", str(experiment)]) == 2
    assert "has 20 training images" in capsys.readouterr().err


def test_mixes_and_quartiles() -> None:
    times = [{"a": 1.0, "b": 3.0}, {"a": 1.0}, {"a": 2.0, "b": 6.0}]
    assert mixed(times, {"a": 0.25, "b": 0.75}) == {0: 2.5, 2: 5.0}
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}


def test_memory_counts_each_kept_storage_once() -> None:
    batch = make_batch(TINY)
    step = StepMaker(TINY, batch, 1).make(Shape(name="dense"))
    first, second = (memory_mib(step, choose_device("cpu"))["mib"] for _ in range(2))
    state = sum(p.numel() for p in step.weights.runs.parameters()) * 4 * 3 / 2**20
    vit = step.config.model
    tokens = 8 * (1 + vit.num_patches) * vit.embed_dim * 4 / 2**20
    # A block keeps some 20 times its tokens.
    assert second >= first and state < second
    assert 8 * vit.depth * tokens < second - state < 40 * vit.depth * tokens


def test_shapes_of_one_model_share_its_weights() -> None:
    found = shapes(TINY, with_timm=False)
    maker = StepMaker(TINY, make_batch(TINY), len(found))
    steps = {name: maker.make(shape) for name, shape in found.items()}
    assert (
        len({id(step.weights.runs) for step in steps.values()}) == 2
    )  # with the bias, and without
    assert steps["dense"].weights is steps["token_0.5"].weights
    for name in ("token_0.5", "dense", "pss_0.4", "tri_1"):
        steps[name].run()
        module: Any = steps[name].weights.runs
        ratios = (module.token_keep_ratio, module.attention_keep_ratio)
        assert (*ratios, module.patch_sampling.keep_ratio) == {
            "token_0.5": (0.5, 1.0, 1.0),
            "dense": (1.0, 1.0, 1.0),
            "pss_0.4": (1.0, 1.0, 0.4),
            "tri_1": (1.0, 1.0, 1.0),
        }[name]


class _Tape:
    """Records on a CPU: the work itself is what is replayed."""

    def __init__(self, error: str | None = None) -> None:
        self.error, self.replays = error, 0

    def warm_up(self, work: Any) -> None:
        work()

    def record(self, work: Any) -> Any:
        if self.error is not None:
            raise RuntimeError(self.error)

        def replay() -> None:
            self.replays += 1
            work()

        return replay


def test_steps_are_replayed_and_say_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = _Tape()
    monkeypatch.setattr("trivit.tools.bench.train.steps.recorder_for", lambda *_: tape)
    result = bench.bench_train(TINY, rounds=1, only=["token_0.7"])
    assert result["not_recorded"] == {}
    # Each of two shapes: once after its recording; twice in each round, one of them is timed.
    assert tape.replays == 2 + 2 * 2 * result["rounds"]
    without = replace(TINY, settings=overlay(TINY.settings, {"training": {"cuda_graphs": False}}))
    tape.replays = 0
    bench.bench_train(without, rounds=1, only=["token_0.7"])
    assert tape.replays == 0
    tape.error = "it waits for the device\nand more"
    result = bench.bench_train(TINY, rounds=1, only=["token_0.7"])
    why = "recording failed, it waits for the device"
    assert result["not_recorded"] == {"dense": why, "token_0.7": why}
    assert f"Not replayed as a CUDA graph: dense ({why})." in footer(result)


def test_a_compiled_preset_uses_the_compiler_except_for_the_eager_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    ahead: list[str] = []

    def told(self: Processes, jobs: Any, seconds: float | None = None) -> list[float]:
        ahead.extend(shape.name for _, shape in jobs)
        return [1.0] * len(jobs)

    monkeypatch.setattr(Processes, "run", told)
    graphs: list[Any] = []
    original = compilation.compiled

    def counting(forward: Any, count: int) -> Any:
        graphs.append(forward)
        return original(forward, count)

    monkeypatch.setattr("trivit.tools.bench.train.steps.compiled", counting)
    preset = replace(TINY, compile=True)
    only = ["token_0.7", "dense_eager"]
    result = bench.bench_train(preset, rounds=1, only=only, cache=tmp_path / "cache")
    assert [row["row"] for row in result["rows"]] == ["dense", *only]
    assert len(graphs) == 1  # of a model that the shapes share
    assert ahead == ["dense", "token_0.7"]
    bench.bench_train(preset, rounds=1, only=only, cache=tmp_path / "cache")
    assert ahead == ["dense", "token_0.7"]  # they are there already
    assert result["compilation"]["seconds"] == {"dense": 1.0, "token_0.7": 1.0}


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
