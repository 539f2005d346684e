"""Whether a training from a store keeps up: photographs, the training, and the comparison."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trivit.models.data.store import load_part
from trivit.models.experiment.config_files import load_config
from trivit.tools.bench.gpu.loading import compare, experiment, loading_line, loading_result
from trivit.tools.bench.gpu.photographs import make_store, photograph
from trivit.tools.bench.gpu.plans import PLANS
from trivit.tools.bench.train.presets import PRESETS
from trivit.tools.bench.train.shapes import Shape
from trivit.tools.bench.train.shapes import experiment as bare_experiment
from trivit.tools.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"

EPOCH: dict[str, Any] = {
    "epoch": 3,
    "images_per_second": 9_800.0,
    "step_seconds_by_part": {"data": 0.2, "step": 1.8},
    "data_seconds_by_cause": {"reading": 0.15, "copying": 0.05, "augmenting": 0.0, "other": 0.0},
}


def test_a_training_from_photographs_is_compared_with_the_bare_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(PLANS["cpu"].loading, images=64)
    store, file, run = tmp_path / "store", tmp_path / "loading.yaml", tmp_path / "run"
    bare = tmp_path / "train-cpu.json"
    make_store(store, plan.images, plan.side, plan.classes, processes=2)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    file.write_text(experiment(plan, CONFIGS, store))
    assert loading_result(plan, bare, run)["why_not_measured"] == (
        "the training has ended no epoch; the bare dense step was not measured"
    )
    rates = {"token_0.7": 9e9, "dense": 1e-3}
    rows = [{"row": name, "images_per_second": rate} for name, rate in rates.items()]
    bare.write_text(json.dumps({"benchmark": "train", "complete": False, "rows": rows}))
    assert main(["train", str(file), "--out", str(run)]) == 0, capsys.readouterr().err
    found = loading_result(plan, bare, run)
    assert (found["epoch"], found["reached"]) == (2, True)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert found["ratio"] == pytest.approx(last["images_per_second"] / 1e-3)
    assert found["data_seconds_by_cause"] == last["data_seconds_by_cause"]
    (run / "metrics.jsonl").write_text(f"{lines[0]}\n{lines[1][:20]}")  # cut off
    assert loading_result(plan, bare, run)["epoch"] == 1


def test_photographs_are_seeded_and_as_large_as_real_ones(tmp_path: Path) -> None:
    sizes = []
    for number in range(6):
        file = io.BytesIO()
        photograph(number, 256).save(file, "JPEG", quality=85)
        sizes.append(file.tell())
    assert min(sizes) > 13_000 and max(sizes) < 33_000 and max(sizes) - min(sizes) > 2_000
    assert photograph(3, 64).tobytes() == photograph(3, 64).tobytes()
    assert photograph(3, 64).tobytes() != photograph(4, 64).tobytes()
    make_store(tmp_path / "store", 12, 32, 5, processes=2)
    info, images = load_part(tmp_path / "store", "train")
    assert len(info.class_names) == 5
    assert sorted(images.labels.tolist()) == sorted(i % 5 for i in range(12))


def test_the_training_is_the_bare_step_with_deits_augmentation(tmp_path: Path) -> None:
    published = load_config(CONFIGS / "tri_level" / "deit_small_dense.yaml")
    for plan in (PLANS["gpu"].loading, PLANS["cpu"].loading):
        file = tmp_path / "loading.yaml"
        file.write_text(experiment(plan, CONFIGS, tmp_path / "store"))
        config = load_config(file)
        preset = PRESETS[plan.preset]
        bare = bare_experiment(preset, Shape(name="dense"))
        if plan.preset == "deit_small":
            assert (config.model, config.sparsity) == (bare.model, bare.sparsity)
        for name in ("batch_size", "device", "precision", "ema_decay", "gradient_clip"):
            assert getattr(config.training, name) == getattr(bare.training, name)
        assert config.training.compile == preset.compile and config.training.cuda_graphs
        assert config.augmentation == published.augmentation
        assert config.model.num_classes == plan.classes
        assert plan.images // config.training.batch_size >= 3


@pytest.mark.parametrize(
    ("bare", "reached", "said"),
    [
        (10_000.0, True, "0.980 of the bare step's 10,000, at least 0.97 wanted: reached."),
        (10_200.0, False, "0.961 of the bare step's 10,200, at least 0.97 wanted: **not reached**"),
    ],
)
def test_the_target_is_reached_or_not(bare: float, reached: bool, said: str) -> None:
    found = compare(bare, EPOCH, "no reason")
    assert (found["reached"], found["why_not_measured"]) == (reached, None)
    assert found["waits_for"] == "reading and decoding 8 %, copies to the device 2 %"
    line = loading_line(described(found))
    assert said in line and "decoded by 15 processes on 16 cores" in line
    assert "9,800 images/s in epoch 3 of 3, waiting for reading and decoding 8 %" in line


def test_what_is_missing_is_not_measured() -> None:
    """A missing side gives a reason, and the other side is told all the same."""
    found = compare(None, EPOCH, "no reason")
    assert (found["ratio"], found["reached"]) == (None, None)
    line = loading_line(described(found))
    assert "9,800 images/s" in line
    assert "not measured against the bare step (the bare dense step was not measured)" in line
    found = compare(10_000.0, None, "the training: failed")
    assert (found["reached"], found["images_per_second"]) == (None, None)
    assert "not measured against the bare step (the training: failed)" in loading_line(
        described(found)
    )


def described(found: dict[str, Any]) -> dict[str, Any]:
    of = {"preset": "deit_small", "images": 38_400, "side": 256, "epochs": 3}
    return {**of, "processes": 15, "cores": 16, **found}
