"""Training that diverges: nothing broken is saved, and what the message advises can be done."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from trivit.models.errors import ModelsError
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import ExperimentConfig, load_config, loop, train

from .conftest import records, tensors

Everything = Callable[..., ExperimentConfig]

EVERY = "training.checkpoint_every_steps=1"


@pytest.fixture
def broken(everything: Everything, tmp_path: Path) -> Path:
    """A run whose optimizer state overflows in its second epoch while the loss stays finite."""
    original, steps = loop.training_step, 0

    def overflowing(weights, *arguments, **settings):  # type: ignore[no-untyped-def]
        nonlocal steps
        result = original(weights, *arguments, **settings)
        steps += 1
        if steps == 12:
            weights.tensors()["optimizer/head.weight/exp_avg_sq"][0, 0] = float("inf")
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "training_step", overflowing)
        with pytest.raises(ModelsError) as caught:
            train(everything(EVERY), tmp_path / "run")
    assert str(caught.value) == (
        "epoch 2 left weights or optimizer state that are not finite: lower "
        "training.learning_rate (0.004) or set training.gradient_clip, and go on from the last "
        "checkpoint with --resume, or start again with another --out"
    )
    return tmp_path / "run"


def test_nothing_that_is_not_finite_is_saved(broken: Path) -> None:
    state = load_checkpoint(broken / "checkpoint").state
    assert (state["epoch"], state["step"]) == (1, 2)
    assert all(bool(t.isfinite().all()) for t in tensors(broken).values())


def test_the_advice_can_be_followed(
    broken: Path, everything: Everything, capsys: pytest.CaptureFixture[str]
) -> None:
    calmer = ("training.learning_rate=1e-3", "training.gradient_clip=1")
    capsys.readouterr()
    assert train(everything(EVERY, *calmer), broken, resume=True)["epochs"] == 3
    shown = capsys.readouterr().err.splitlines()
    assert "training.learning_rate was 0.004, from here on 0.001" in shown
    assert "training.gradient_clip was None, from here on 1.0" in shown
    saved = load_config(broken / "config.yaml").training
    assert (saved.learning_rate, saved.gradient_clip) == (1e-3, 1.0)
    assert [record["epoch"] for record in records(broken)] == [1, 2, 3]
    with pytest.raises(ModelsError, match=r"other settings: training\.weight_decay was"):
        train(everything("training.weight_decay=0.1"), broken, resume=True)


def test_ill_scaled_imported_weights_are_named(everything: Everything, tmp_path: Path) -> None:
    train(everything("training.epochs=1"), tmp_path / "good")
    weights = load_checkpoint(tmp_path / "good" / "checkpoint").model
    save_file(
        {k: v.contiguous() * 1e30 for k, v in weights.items()}, tmp_path / "large.safetensors"
    )
    config = everything(f"training.init_from={tmp_path / 'large.safetensors'}")
    with pytest.raises(ModelsError) as caught:
        train(config, tmp_path / "run")
    message = str(caught.value)
    assert message.startswith("the loss of epoch 1 is nan: check the scale of the weights in ")
    assert "large.safetensors, or lower training.learning_rate" in message
    assert message.endswith("and start again")
    assert not (tmp_path / "run" / "checkpoint").exists()
    assert torch.isfinite(weights["head.weight"]).all()
