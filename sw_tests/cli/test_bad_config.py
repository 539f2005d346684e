"""An experiment that cannot be run is refused before anything is written."""

from pathlib import Path

import pytest

from .conftest import CONFIG, Trivit, files_in, tiny_settings


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model.name=micro_82", ["micro_82", "micro_28"]),
        ("model.num_heads=3", ["3"]),
        ("model.num_heads=0", ["0"]),
        ("model.patch_size=5", ["5", "28"]),
        ("model.embed_dim=-16", ["-16"]),
        ("model.depth=0", ["0"]),
        ("model.token_keep_ratio=1.5", ["1.5"]),
        ("model.token_keep_ratio=0", ["token_keep_ratio"]),
        ("model.attention_keep_ratio=-0.1", ["-0.1"]),
        ("model.selector_blocks=[1, 9]", ["9"]),
        ("sparsity.examples.keep_ratio=0", ["keep_ratio"]),
        ("training.epoch=3", ["training.epoch", "training.epochs"]),
        ("training.batch_size=many", ["batch_size", "many"]),
        ("training.learning_rate=.nan", ["learning_rate"]),
        ("data.dataset=imagenet", ["imagenet", "fashion_mnist"]),
        ("data.train_images=0", ["train_images"]),
        ("training.batch_size=1000", ["1000"]),
        ("epochs", ["epochs"]),
        ("model.in_channels=3", ["1 channels", "takes 3", "model.in_channels"]),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    trivit: Trivit, tmp_path: Path, setting: str, words: list[str]
) -> None:
    outcome = trivit("train", CONFIG, *tiny_settings(), "--set", setting, "--out", tmp_path / "run")
    outcome.refused(*words)
    assert not files_in(tmp_path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("model: [", "YAML"),
        ("model:\n  name: micro_28\ntrainig:\n  epochs: 1\n", "training"),
        ("- a\n- b\n", "mapping"),
        ("", "is empty"),
        ("model: {name: micro_28}\nseed: 1\nmodel: {depth: 3}\n", "on lines 1 and 3"),
        ("\x00\x01", "YAML"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(
    trivit: Trivit, tmp_path: Path, text: str, word: str
) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text(text)
    trivit("train", config, "--out", tmp_path / "run").refused("broken.yaml", word)
    assert not (tmp_path / "run").exists()


def test_a_missing_config_is_refused(trivit: Trivit, tmp_path: Path) -> None:
    trivit("train", tmp_path / "none.yaml").refused("none.yaml")


@pytest.mark.parametrize("command", ["evaluate", "quantize", "compile"])
def test_a_folder_without_a_run_is_refused(trivit: Trivit, tmp_path: Path, command: str) -> None:
    trivit(command, tmp_path / "none").refused("none")
    trivit(command, tmp_path).refused(tmp_path.name)
    assert not files_in(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["frobnicate"], "frobnicate"),
        (["train"], "config"),
        (["train", "x.yaml", "--sets", "a=b"], "--sets"),
        (["run", "x.trivit", "--backend", "gpu"], "gpu"),
        (["run", "x.trivit", "--count", "0"], "--count"),
        (["run", "x.trivit", "--batch-size", "few"], "--batch-size"),
        (["quantize", "run", "--set", "headroom"], "headroom"),
        (["quantize", "run", "--set", "headrom=2"], "headroom"),
        (["quantize", "run", "--set", "seed=1", "--set", "seed=2"], "contradict each other"),
        (["quantize", "run", "--keep", "0.9", "--set", "keep_ratios=[0.8]"], "give one of them"),
        (["train", CONFIG, "--set", "seed=1", "--set", "seed=2"], "contradict each other"),
        (["quantize", "run", "--set", "calibration_images=0"], "calibration_images"),
    ],
)
def test_a_wrong_command_line_is_refused(
    trivit: Trivit, arguments: list[object], word: str
) -> None:
    trivit(*arguments).refused(word)
