"""`trivit compile CONFIG --training --untrained`: training on the device starts from scratch."""

import errno
import shutil
from pathlib import Path

import pytest
import torch

from trivit.host.training.bundle import TrainingBundle
from trivit.models.experiment.config_files import load_config
from trivit.models.experiment.schedules import derive_seed
from trivit.models.families import build_model
from trivit.tools.training import untrained
from trivit.tools.training.export import master_weights

from .conftest import CONFIG, Trivit, files_in

EXPERIMENT = CONFIG.with_name("fashion_mnist_micro_dense.yaml")
SETTINGS = ("seed=3", "data.dataset=synthetic", "model.patch_size=7", "model.embed_dim=32",
            "model.depth=1", "model.selector_blocks=[0]", "model.num_heads=2")  # fmt: skip
OPTIONS = ("--training", "--untrained", *(w for s in SETTINGS for w in ("--set", s)))


def test_it_starts_with_the_weights_of_trivit_train(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patched:  # ended before it is quantized

        def full(*arguments: object) -> None:
            raise OSError(errno.ENOSPC, "no space")

        patched.setattr(untrained, "quantize", full)
        assert trivit("compile", EXPERIMENT, *OPTIONS, "--out", run).status != 0
    other = trivit("compile", EXPERIMENT, *OPTIONS, "--set", "training.epochs=2", "--out", run)
    other.refused("already holds a run", "another folder")
    outcome = trivit("compile", EXPERIMENT, *OPTIONS, "--out", run)
    assert outcome.status == 0, outcome.err
    bundle = TrainingBundle.load(run / "training.trivit")
    torch.manual_seed(derive_seed(3, "model"))
    model = build_model(load_config(EXPERIMENT, list(SETTINGS)).model)
    found = master_weights(bundle)
    assert found.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        step = 2.0 ** -bundle.program.by_name[name].frac
        assert (found[name] - parameter).abs().max() <= step / 2, name
    before = files_in(run)
    trivit("compile", EXPERIMENT, *OPTIONS, "--out", run).refused("already holds a run")
    assert files_in(run) == before
    out = tmp_path / "out"
    options = ("--data", "synthetic", "--steps", 100, "--test-images", 20, "--out", out)
    outcome = trivit("train-on-device", run / "training.trivit", *options)
    assert outcome.status == 0, outcome.err


def test_a_trained_run_is_not_taken_for_one(trivit: Trivit, run_copy: Path) -> None:
    shutil.rmtree(run_copy / "quantized")
    before = files_in(run_copy)
    outcome = trivit("compile", EXPERIMENT, *OPTIONS, "--out", run_copy)
    outcome.refused("already holds a run", "another folder")
    assert files_in(run_copy) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--untrained",), ("--untrained", "add --training")),
        (("--training", "--out", "x"), ("--out and --set", "add --untrained")),
        (("--training", "--set", "seed=1"), ("--out and --set", "add --untrained")),
    ],
)
def test_options_that_do_not_fit_are_refused(
    trivit: Trivit, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    trivit("compile", EXPERIMENT, *arguments).refused(*words)
