"""`trivit adapt` and `trivit compile --training --update`: results, going on, refusals."""

import errno
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from exported_model import build

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession
from trivit.models.data import DatasetInfo
from trivit.models.data.synthetic import INFO, load
from trivit.models.experiment.config_files import load_config, save_config
from trivit.tools.adaptation import runs
from trivit.tools.adaptation.images import read, spread

from .conftest import CONFIG, Outcome, Trivit, files_in

SIZES: dict[str, Any] = {
    "image_size": 28, "patch_size": 7, "depth": 2, "mlp_ratio": 4.0, "num_classes": 10,
    "selector_blocks": (), "token_keep_ratio": 1.0, "attention_keep_ratio": 1.0,
}  # fmt: skip


def make_run(run: Path, info: DatasetInfo, data: str, **sizes: Any) -> Path:
    """Return a run folder as `trivit quantize` leaves it: configuration and export."""
    path = build(**{**SIZES, **sizes}).save(run / "quantized")
    model = onnx.load_model(str(path))
    for entry in model.metadata_props:
        if entry.key == "trivit":
            entry.value = json.dumps({**json.loads(entry.value), "class_names": info.class_names})
    onnx.save_model(model, str(path))
    save_config(load_config(CONFIG, [data]), run / "config.yaml")
    return run


@pytest.fixture
def quantized(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", INFO, "data.dataset=synthetic")


def adapt(trivit: Trivit, run: Path, *more: object) -> Outcome:
    few = ("--images", 60, "--epochs", 2, "--test-images", 40)
    return trivit("adapt", run, "--shift", "rotation=30", *few, *more)


def test_an_adaptation_reports_every_set_and_goes_on_where_it_stopped(
    trivit: Trivit, quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, real = [], runs.run

    def run(*arguments: Any) -> Any:
        done.append(arguments)
        if len(done) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "checkpoint.npz")
        return real(*arguments)

    monkeypatch.setattr(runs, "run", run)
    adapt(trivit, quantized).refused("checkpoint.npz", "no space left")
    assert adapt(trivit, quantized).status == 0
    assert len(done) == 4, "the first set was not trained again"
    out = quantized / "adapted"
    study = json.loads((out / "adapt.json").read_text())
    rows = {row["update"]: row for row in study["rows"]}
    assert list(rows) == ["all", "last-block", "biases"]
    assert len({row["before_shifted_top1"]["mean"] for row in rows.values()}) == 1
    assert rows["all"]["cost"]["state_bytes"] > rows["last-block"]["cost"]["state_bytes"]
    assert study["machine"]["processor"] in (out / "adapt.md").read_text()
    assert (out / "adapt.png").read_bytes().startswith(b"\x89PNG")
    # The program that is left classifies as the report says.
    test = read(load().test, spread(500, 40))
    for update in rows:
        folder = out / "rotation-30" / f"{update}-0"
        result = json.loads((folder / "result.json").read_text())
        assert result["steps"] == 120 and result["processor_ms_a_step"] > 0
        program = Bundle.load(folder / "program.trivit")
        logits = open_backend("emulator").run(program, test.pixels).logits
        right = 100 * float((logits.argmax(1) == test.labels).mean())
        assert right == result["after"]["original_top1"]
    # Started again, nothing is done; other settings need another folder.
    before = files_in(out)
    assert adapt(trivit, quantized).status == 0 and len(done) == 4
    assert files_in(out).keys() == before.keys()
    adapt(trivit, quantized, "--momentum", 0.5).refused(str(out), "momentum 0.9, not 0.5", "--out")


def test_a_stopped_training_ends_as_if_it_had_not(
    trivit: Trivit, quantized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--update", "biases", "--images", 130, "--epochs", 1)
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert adapt(trivit, quantized, *options, "--out", whole).status == 0
    step = TrainingSession.step

    def until_70(session: TrainingSession, *arguments: Any) -> Any:
        if session.steps == 70:
            raise OSError(errno.EIO, os.strerror(errno.EIO), "somewhere")
        return step(session, *arguments)

    monkeypatch.setattr(TrainingSession, "step", until_70)
    assert adapt(trivit, quantized, *options, "--out", part).status == 2
    monkeypatch.undo()
    assert adapt(trivit, quantized, *options, "--out", part).status == 0
    folder = "rotation-30/biases-0"
    for name in ("checkpoint.npz", "weights.safetensors", "program.trivit"):
        assert (part / folder / name).read_bytes() == (whole / folder / name).read_bytes()
    results = [json.loads((out / folder / "result.json").read_text()) for out in (whole, part)]
    assert results[0]["after"] == results[1]["after"]
    assert results[1]["processor_ms_a_step"] is None, "the time of some steps is not known"


def test_other_classes_get_a_new_head(trivit: Trivit, quantized: Path, tmp_path: Path) -> None:
    outcome = trivit(
        "adapt", quantized, "--shift", "classes=synthetic", "--update", "last-block",
        "--images", 50, "--epochs", 1, "--test-images", 30, "--seeds", 2, "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    study = json.loads((tmp_path / "out/adapt.json").read_text())
    (row,) = study["rows"]
    assert row["shift"] == "classes=synthetic" and row["seeds"] == 2
    first, second = (one["before"] for one in study["trainings"])
    assert first["original_top1"] == second["original_top1"], "the old head, before anything"
    # Their heads differ, so what is kept of each does too.
    programs = [
        Bundle.load(tmp_path / f"out/classes-synthetic/last-block-{seed}/program.trivit").params
        for seed in (0, 1)
    ]
    assert not np.array_equal(*programs)


def store_of(trivit: Trivit, cifar10: Path, classes: tuple[str, ...], out: Path) -> Path:
    """Prepare a store of a few of a user's images: 60 of each class to train, 20 to test."""
    for part, count in (("train", 60), ("test", 20)):
        with zipfile.ZipFile(cifar10 / f"{part}.zip") as archive:
            for name in classes:
                members = sorted(m for m in archive.namelist() if m.startswith(f"{name}/"))
                archive.extractall(out / part, [m for m in members if m[-1] != "/"][:count])
    store = out / "store"
    outcome = trivit("data", "prepare", out / "train", "--test", out / "test", "--out", store)
    assert outcome.status == 0, outcome.err
    return store


def test_a_model_of_animals_learns_the_vehicles_of_cifar10(trivit: Trivit, tmp_path: Path) -> None:
    found = Path(os.environ.get("TRIVIT_DATA", "")) / "cifar10"
    if not all((found / f"{part}.zip").is_file() for part in ("train", "test")):
        pytest.skip("TRIVIT_DATA names no folder with CIFAR-10 as train.zip and test.zip")
    animals = store_of(trivit, found, ("bird", "cat", "frog"), tmp_path / "animals")
    vehicles = store_of(trivit, found, ("automobile", "ship"), tmp_path / "vehicles")
    info = replace(INFO, class_names=("bird", "cat", "frog"))
    sizes = {"image_size": 32, "patch_size": 8, "in_channels": 3, "num_classes": 3}
    run = make_run(tmp_path / "run", info, f"data={{dataset: store, path: {animals}}}", **sizes)
    outcome = trivit(
        "adapt", run, "--shift", f"classes={vehicles}", "--update", "last-block",
        "--images", 120, "--epochs", 5, "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    (result,) = json.loads((tmp_path / "out/adapt.json").read_text())["trainings"]
    assert result["last_loss"] < result["first_loss"]
    assert result["after"]["shifted_top1"] > 60, "two classes, by their colours"
    (program,) = (tmp_path / "out").glob("classes-*/last-block-0/program.trivit")
    assert Bundle.load(program).class_names == ("automobile", "ship")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shift", "rotation=30.0"), ("rotation=30 comes twice", "each once")),
        (("--shift", "rotation"), ("--shift rotation:", "write rotation=DEGREES")),
        (("--shift", "rotation=left"), ("--shift rotation=left", "'left' is no number")),
        (("--shift", "rotation=300"), ("rotation 300", "-180 to 180")),
        (("--shift", "shear=3"), ("no shift 'shear'", "rotation, noise, blur")),
        (("--shift", "classes=nowhere"), ("no data set 'nowhere'", "name one of")),
        (("--images", 3000), ("--images 3000", "synthetic has 2000")),
        (("--learning-rate", 0), ("--learning-rate 0", "more than 0")),
        (("--momentum", 1), ("momentum 1.0", "less than 1")),
        (("--update", "head"), ("head", "last-block")),
        (("--seeds", 0), ("--seeds", "greater than or equal to 1")),
        (("--keep", 0.5), ("no model with keep ratio 0.5", "trivit quantize")),
        (("--data", "nowhere"), ("no data set 'nowhere'",)),
        (("--out", "config"), ("config", "is no folder")),
        (("--out", "full"), ("full", "no adaptation wrote")),
    ],
)
def test_wrong_arguments_get_one_line(
    trivit: Trivit,
    quantized: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config").touch()
    shutil.copytree(quantized, "full")
    before = files_in(tmp_path)
    adapt(trivit, quantized, *arguments).refused(*words)
    assert files_in(tmp_path) == before


def test_a_folder_that_is_no_quantized_run_is_refused(trivit: Trivit, quantized: Path) -> None:
    (quantized / "config.yaml").unlink()
    adapt(trivit, quantized).refused("holds no training run", "trivit train")
    shutil.rmtree(quantized / "quantized")
    adapt(trivit, quantized).refused("model.qonnx")


@pytest.mark.parametrize("update", ["last-block", "biases"])
def test_compile_writes_the_program_of_a_set(
    trivit: Trivit, quantized: Path, tmp_path: Path, update: str
) -> None:
    outcome = trivit("compile", quantized, "--training", "--update", update)
    assert outcome.status == 0, outcome.err
    assert ["updates", update] in [line.split() for line in outcome.out.splitlines()]
    path = quantized / f"training-{update}.trivit"
    program = TrainingBundle.load(path).program
    assert sum(o.phase == "update" for o in program.operations) < len(program.parameters)
    outcome = trivit(
        "train-on-device", path, "--data", "synthetic", "--steps", 100, "--test-images", 10,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
