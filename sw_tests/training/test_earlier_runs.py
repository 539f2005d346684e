"""Run folders of earlier versions: they load, and go on to the bits of a run of today."""

import shutil
from collections.abc import Callable
from pathlib import Path

from trivit.models.experiment.config_files import load_config
from trivit.models.runs.checkpoint import load_checkpoint, save_checkpoint
from trivit.models.training import ExperimentConfig, evaluate, load_run, train

from .conftest import assert_same_bits, computed
from .test_resume import train_until

Everything = Callable[..., ExperimentConfig]

CONFIG = Path(__file__).with_name("run_of_before_families.yaml")


def made_earlier(run: Path) -> None:
    """Turn a run folder of today into one as an earlier version left it."""
    shutil.copyfile(CONFIG, run / "config.yaml")
    checkpoint = load_checkpoint(run / "checkpoint")
    del checkpoint.state["files"], checkpoint.state["initial_weights"]
    del checkpoint.state["dataset"]["info"]
    save_checkpoint(run / "checkpoint", checkpoint)


def test_their_settings_are_those_of_today(everything: Everything) -> None:
    assert load_config(CONFIG) == everything("training.checkpoint_every_steps=2")


def test_they_go_on(everything: Everything, tmp_path: Path) -> None:
    config = everything("training.checkpoint_every_steps=2")
    train(config, tmp_path / "whole")
    train_until(config, tmp_path / "run", 13)
    made_earlier(tmp_path / "run")
    summary = train(load_config(tmp_path / "run" / "config.yaml"), tmp_path / "run", resume=True)
    assert summary["initial_weights"] is None
    assert_same_bits(tmp_path / "run", tmp_path / "whole")
    assert computed(tmp_path / "run") == computed(tmp_path / "whole")


def test_they_are_read(everything: Everything, tmp_path: Path) -> None:
    config = everything("training.epochs=1", "training.checkpoint_every_steps=2")
    summary = train(config, tmp_path)
    made_earlier(tmp_path)
    loaded = load_run(tmp_path)
    assert loaded.model.config == config.model
    assert loaded.info.name == "synthetic"
    assert evaluate(tmp_path)["float_top1"] == summary["float_top1"]
