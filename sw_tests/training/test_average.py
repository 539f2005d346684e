"""The moving average of the weights: what it is, and who takes it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.data import load_dataset
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import ExperimentConfig, evaluate, load_run, loop, train, trainer
from trivit.models.training.optimisation import WeightAverage, warmed_up_decay
from trivit.models.training.run_state import RunState

from .conftest import records

Everything = Callable[..., ExperimentConfig]


def small_model() -> VisionTransformer:
    return VisionTransformer(model_config("micro_28", depth=2, selector_blocks=()))


def test_follows_the_weights_with_a_decay_that_warms_up() -> None:
    model = small_model()
    average = WeightAverage(model, 0.25)
    expected = {name: p.detach().double() for name, p in model.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    for decay in (1 / 10, 2 / 11, 3 / 12, 0.25, 0.25):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += torch.randn(parameter.shape, generator=generator)
        average.begin_step()
        average.update()
        for name, parameter in model.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * parameter.detach().double()
    for name, parameter in average.model.named_parameters():
        torch.testing.assert_close(parameter.double(), expected[name], rtol=1e-5, atol=1e-6)
        assert not parameter.requires_grad
    average.restart()
    assert average.updates == 0
    for kept, now in zip(average.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(kept, now)


def test_a_short_run_exports_what_it_has_learned() -> None:
    # DeiT's decay over 300 steps: without a warm-up 98.8 % of the average are initial weights.
    model = small_model()
    average = WeightAverage(model, 0.99996)
    with torch.no_grad():
        model.head.bias.fill_(1.0)
    for _ in range(300):
        average.begin_step()
        average.update()
    assert float(average.model.head.bias[0]) > 0.999
    assert [warmed_up_decay(0.99996, n) for n in (0, 224_980, 225_000)] == [
        0.1,
        pytest.approx(0.99996, abs=1e-8),
        0.99996,
    ]


def test_a_run_from_before_the_warm_up_keeps_its_constant_decay(
    everything: Everything, tmp_path: Path
) -> None:
    train(everything("training.epochs=1"), tmp_path)
    checkpoint = load_checkpoint(tmp_path / "checkpoint")
    state = RunState(everything(), load_dataset(everything().data).train, torch.device("cpu"))
    assert state.average is not None
    assert checkpoint.state["average_updates"] == 9
    state.restore(checkpoint, first=True)
    assert state.average.updates == 9
    del checkpoint.state["average_updates"]
    state.restore(checkpoint, first=True)
    before = state.average.model.head.bias.clone()
    with torch.no_grad():
        state.model.head.bias += 1.0
    state.average.begin_step()
    state.average.update()
    torch.testing.assert_close(
        state.average.model.head.bias, 0.9 * before + 0.1 * state.model.head.bias
    )
    again = state.checkpoint({}, torch.zeros(2))
    assert again.state["average_updates"] is None


@pytest.mark.parametrize(("last", "warned"), [(69.3, True), (12.7, True), (12.5, False)])
def test_a_worse_export_is_told_in_one_line(
    last: float,
    warned: bool,
    everything: Everything,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {"float_top1": 11.6, "model_top1": last}
    monkeypatch.setattr(trainer.Trainer, "_evaluate", lambda self: dict(found))
    summary = train(everything("training.epochs=1"), tmp_path)
    assert {name: summary[name] for name in found} == found
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == warned
    if warned:
        assert lines[0].startswith("the exported average has 11.60 % and the last step's weights ")
        assert "--weights model" in lines[0]


def test_is_what_a_run_exports(everything: Everything, tmp_path: Path) -> None:
    summary = train(everything("training.evaluate_every=2"), tmp_path)
    saved = load_checkpoint(tmp_path / "checkpoint", training=False)
    assert saved.average.keys() == saved.model.keys()
    assert not torch.equal(saved.average["head.weight"], saved.model["head.weight"])
    for weights, tensors in (
        ("auto", saved.average),
        ("ema", saved.average),
        ("model", saved.model),
    ):
        model = load_run(tmp_path, weights).model  # type: ignore[arg-type]
        assert torch.equal(model.head.weight, tensors["head.weight"])
    assert summary["weights"] == "ema"
    figures = evaluate(tmp_path)
    assert (figures["weights"], figures["float_top1"]) == ("ema", summary["float_top1"])
    figures = evaluate(tmp_path, weights="model")
    assert (figures["weights"], figures["float_top1"]) == ("model", summary["model_top1"])
    assert ["model_top1" in record for record in records(tmp_path)] == [False, True, True]


def test_without_an_average_there_is_none_to_take(everything: Everything, tmp_path: Path) -> None:
    summary = train(everything("training.ema_decay=null", "training.epochs=1"), tmp_path)
    assert summary["weights"] == "model"
    assert "model_top1" not in summary
    assert load_run(tmp_path).model.head.weight.requires_grad
    with pytest.raises(ModelsError, match="the run keeps no average: use model"):
        load_run(tmp_path, "ema")


@pytest.mark.parametrize("decay", ["0", "1", "-0.5"])
def test_a_decay_out_of_range_is_refused(decay: str, everything: Everything) -> None:
    with pytest.raises(ModelsError, match=r"training.ema_decay is .*: use more than 0 and below 1"):
        everything(f"training.ema_decay={decay}")


def test_pretrained_weights_start_model_and_average(
    everything: Everything,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train(everything("training.epochs=1"), tmp_path / "first")
    assert "init_from" not in capsys.readouterr().err
    (weights,) = (tmp_path / "first" / "checkpoint").glob("model-*.safetensors")
    seen: list[torch.Tensor] = []
    original = loop.training_step

    def watching(weights, *arguments, **settings):  # type: ignore[no-untyped-def]
        if not seen:
            models = (weights.model, weights.average.model)
            seen.extend(model.head.weight.clone() for model in models)
        return original(weights, *arguments, **settings)

    monkeypatch.setattr(loop, "training_step", watching)
    train(everything("training.epochs=1", f"training.init_from={weights}"), tmp_path / "second")
    expected = load_checkpoint(tmp_path / "first" / "checkpoint").model["head.weight"]
    assert all(torch.equal(weight, expected) for weight in seen)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "training.init_from:"
    assert shown[1].endswith(f"tensors of {weights}")
    summary = json.loads((tmp_path / "second" / "train.json").read_text())
    assert summary["initial_weights"] == {"path": str(weights), "taken": ""}
    with pytest.raises(ModelsError, match=r"nowhere\.safetensors"):
        missing = tmp_path / "nowhere.safetensors"
        train(everything(f"training.init_from={missing}"), tmp_path / "third")
    assert not (tmp_path / "third").exists()
