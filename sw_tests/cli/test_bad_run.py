"""Damaged run folders are refused by the stage that reads them, and stay as they are."""

import json
from pathlib import Path

import pytest

from .conftest import CONFIG, Trivit, files_in, tiny_settings


def weights(run: Path) -> Path:
    return next((run / "checkpoint").glob("model-*.safetensors"))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("command", ["evaluate", "quantize"])
def test_a_truncated_checkpoint_is_refused(trivit: Trivit, run_copy: Path, command: str) -> None:
    truncate(weights(run_copy))
    before = files_in(run_copy)
    trivit(command, run_copy).refused("model-", "checksum")
    assert files_in(run_copy) == before


def test_one_wrong_bit_in_the_weights_is_refused(trivit: Trivit, run_copy: Path) -> None:
    data = bytearray(weights(run_copy).read_bytes())
    data[-5] ^= 1
    weights(run_copy).write_bytes(bytes(data))
    trivit("evaluate", run_copy).refused("checksum")


def test_missing_weights_are_refused(trivit: Trivit, run_copy: Path) -> None:
    weights(run_copy).unlink()
    trivit("evaluate", run_copy).refused("model-")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_state_is_refused(trivit: Trivit, run_copy: Path, content: str) -> None:
    (run_copy / "checkpoint" / "state.json").write_text(content)
    trivit("evaluate", run_copy).refused("state.json")


def test_weights_of_another_model_are_refused(trivit: Trivit, run_copy: Path) -> None:
    config = run_copy / "config.yaml"
    config.write_text(config.read_text().replace("embed_dim: 16", "embed_dim: 32"))
    trivit("evaluate", run_copy).refused("another model")


def test_a_finished_run_is_not_overwritten(trivit: Trivit, run_copy: Path) -> None:
    before = files_in(run_copy)
    trivit("train", CONFIG, *tiny_settings(), "--out", run_copy).refused("--resume")
    assert files_in(run_copy) == before


def test_resuming_with_other_settings_is_refused(trivit: Trivit, run_copy: Path) -> None:
    before = files_in(run_copy)
    trivit(
        "train", CONFIG, *tiny_settings(), "--set", "seed=7", "--out", run_copy, "--resume"
    ).refused("seed")
    assert files_in(run_copy) == before


def test_resuming_a_finished_run_says_what_it_reached(trivit: Trivit, run_copy: Path) -> None:
    outcome = trivit("train", CONFIG, *tiny_settings(), "--out", run_copy, "--resume")
    assert outcome.status == 0
    reached = json.loads((run_copy / "train.json").read_text())["float_top1"]
    assert f"{reached:.4g}" in outcome.out


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "missing"])
def test_a_damaged_export_is_refused(trivit: Trivit, run_copy: Path, damage: str) -> None:
    export = run_copy / "quantized" / "model.qonnx"
    if damage == "truncated":
        truncate(export)
    elif damage == "missing":
        export.unlink()
    else:
        export.write_text("" if damage == "empty" else "not a model\n")
    before = files_in(run_copy)
    trivit("compile", run_copy).refused("model.qonnx")
    assert files_in(run_copy) == before


def test_evaluation_prints_json(trivit: Trivit, finished_run: Path) -> None:
    outcome = trivit("evaluate", finished_run, "--json")
    reached = json.loads((finished_run / "train.json").read_text())["float_top1"]
    assert json.loads(outcome.out)["float_top1"] == reached
