"""Training: it learns, resumes exactly, and never leaves half a checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import TrainingConfig
from trivit.models.experiment.schedules import learning_rate
from trivit.models.runs import checkpoint as checkpoint_module
from trivit.models.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from trivit.models.training import ExperimentConfig, evaluate, load_run, train
from trivit.models.training.optimisation import make_optimizer
from trivit.models.training.reporting import Metrics
from trivit.models.training.trainer import Trainer

Tiny = Callable[..., ExperimentConfig]


def records(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def computed(run: Path) -> list[dict[str, float]]:
    """The records without what is measured."""
    measured = (
        "seconds",
        "step_seconds_by_part",
        "data_seconds_by_cause",
        "images_per_second",
        "peak_memory_mib",
    )
    return [{k: v for k, v in r.items() if k not in measured} for r in records(run)]


def test_all_three_levels_learn_the_synthetic_images(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = tiny("training.epochs=12", "training.timing_rounds=3", "sparsity.warmup.end_epoch=2")
    summary = train(settings, run)
    assert summary["float_top1"] > 80  # chance is 10
    assert summary["example_updates"] == 3
    assert summary["images_seen"] == 12 * 500  # 540 in play, whole batches of 50
    assert summary["sparse_step_speedup"] > 0
    assert json.loads((run / "train.json").read_text()) == summary
    assert evaluate(run)["float_top1"] == summary["float_top1"]
    history = records(run)
    assert [record["epoch"] for record in history] == list(range(1, 13))
    assert history[0]["token_keep_ratio"] == pytest.approx(0.7 + 0.3 * 0.8535, abs=1e-4)
    assert history[-1]["token_keep_ratio"] == 0.7
    config, model, info = load_run(run)
    assert (model.token_keep_ratio, model.attention_keep_ratio) == (0.7, 0.5)
    assert not model.training
    assert info.class_names[3] == "texture 3"
    assert config == settings


def interrupted(config: ExperimentConfig, run: Path, epochs: int) -> None:
    """Train ``epochs`` epochs and stop as a killed process would."""

    class KilledError(Exception):
        pass

    original = Trainer._run_epoch

    def stopping(self: Trainer, progress: object) -> dict[str, object]:
        if self.epochs_done == epochs:
            raise KilledError
        return original(self, progress)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_run_epoch", stopping)
        train(config, run)


@pytest.mark.parametrize("stop_after", [1, 3])
def test_resumed_run_ends_with_the_same_bits(stop_after: int, tiny: Tiny, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    expected = train(tiny(), whole)
    interrupted(tiny(), resumed, stop_after)
    assert not (resumed / "train.json").exists()
    torch.rand(17)  # the global generator must not matter
    summary = train(tiny(), resumed, resume=True)
    first, second = (load_checkpoint(run / "checkpoint") for run in (whole, resumed))
    for part in ("model", "training"):
        a, b = getattr(first, part), getattr(second, part)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a), part
    assert summary["float_top1"] == expected["float_top1"]
    assert computed(whole) == computed(resumed)


def test_resume_of_a_finished_run_returns_its_summary(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny("training.epochs=1")
    assert train(config, tmp_path / "run") == train(config, tmp_path / "run", resume=True)


def test_a_run_is_not_overwritten(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny("training.epochs=1")
    train(config, tmp_path / "run")
    with pytest.raises(ModelsError, match="already holds a run: continue it with --resume"):
        train(config, tmp_path / "run")
    changed = tiny("training.epochs=1", "sparsity.examples.keep_ratio=0.8")
    with pytest.raises(ModelsError, match=r"sparsity.examples.keep_ratio was 0.9, now 0.8"):
        train(changed, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model.in_channels=3"],
            "images of 1 channels and the model takes 3: set model.in_channels",
        ),
        (["data.shift=28"], "data.shift is 28: use fewer than the 28 pixels"),
        (["model.num_classes=7"], "has 10 classes and the model 7"),
        (["training.batch_size=1000"], "batch_size is 1000: only 540 training examples"),
    ],
)
def test_nothing_is_written_when_the_data_do_not_fit(
    overrides: list[str], message: str, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(ModelsError, match=message):
        train(tiny(*overrides), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bfloat16_trains_too(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny("training.precision=bfloat16", "training.epochs=6", "data.train_images=400")
    summary = train(config, tmp_path / "run")
    assert summary["precision"] == "bfloat16"
    assert summary["float_top1"] > 25  # chance is 10
    assert all(t.dtype == torch.float32 for t in load_run(tmp_path / "run").model.parameters())


def test_a_diverging_run_stops_with_the_last_good_checkpoint(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny("training.learning_rate=1e30", "training.warmup_epochs=0")
    with pytest.raises(ModelsError, match=r"the loss of epoch 1 is .*: lower training.learning"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint").exists()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_draws_the_same_examples_and_resumes(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny("training.epochs=1"), tmp_path / "cpu")
    summary = train(tiny("training.epochs=1", "training.device=cuda"), tmp_path / "cuda")
    assert summary["precision"] == "bfloat16"
    shown = [
        load_checkpoint(tmp_path / name / "checkpoint").training["examples/presentations"]
        for name in ("cpu", "cuda")
    ]
    assert torch.equal(*shown)
    interrupted(tiny("training.device=cuda"), tmp_path / "resumed", 2)
    assert train(tiny("training.device=cuda"), tmp_path / "resumed", resume=True)["epochs"] == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_without_cuda_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="no CUDA device is here"):
        train(tiny("training.device=cuda"), tmp_path / "run")


def make_checkpoint(epoch: int) -> Checkpoint:
    tensors = {"a": torch.full((3,), float(epoch))}
    return Checkpoint({"epoch": epoch}, tensors, {"b": torch.tensor(epoch)})


def test_saving_an_epoch_again_never_touches_the_named_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1))
    other = Checkpoint({"epoch": 1}, {"a": torch.zeros(3)}, {"b": torch.tensor(1)})
    real = checkpoint_module.atomic_write

    def fail_at_state(path: Path):  # type: ignore[no-untyped-def]
        if path.name == "state.json":
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(checkpoint_module, "atomic_write", fail_at_state)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, other)
    assert load_checkpoint(tmp_path).model["a"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("failing_write", [0, 1, 2])
def test_a_failing_save_leaves_the_old_checkpoint(
    failing_write: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1))
    writes = iter(range(3))
    real = checkpoint_module.atomic_write

    def full_disk(path: Path):  # type: ignore[no-untyped-def]
        if next(writes) == failing_write:
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(checkpoint_module, "atomic_write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, make_checkpoint(2))
    loaded = load_checkpoint(tmp_path)
    assert loaded.state["epoch"] == 1
    assert loaded.model["a"].tolist() == [1, 1, 1]
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.undo()
    save_checkpoint(tmp_path, make_checkpoint(3))
    assert load_checkpoint(tmp_path).training["b"] == 3
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", ["truncate", "flip", "missing", "state", "format", "names"])
def test_damaged_checkpoints_are_one_line(damage: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1))
    (model,) = tmp_path.glob("model-*.safetensors")
    state = tmp_path / "state.json"
    data = bytearray(model.read_bytes())
    if damage == "truncate":
        model.write_bytes(data[:-4])
    elif damage == "flip":
        data[-1] ^= 1
        model.write_bytes(data)
    elif damage == "missing":
        model.unlink()
    elif damage == "state":
        state.write_text(state.read_text()[:20])
    elif damage == "format":
        state.write_text('{"format": 99}')
    else:
        state.write_text('{"format": 1, "files": {}}')
    with pytest.raises(ModelsError, match="train again") as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_folders_without_a_run_are_refused(tmp_path: Path) -> None:
    for function in (evaluate, load_run):
        with pytest.raises(ModelsError, match="holds no training run"):
            function(tmp_path)  # type: ignore[operator]
    with pytest.raises(ModelsError, match="holds no checkpoint"):
        load_checkpoint(tmp_path / "checkpoint")


def test_checkpoint_of_another_model_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny("training.epochs=1"), tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text.replace("embed_dim: 32", "embed_dim: 64"))
    with pytest.raises(ModelsError, match="of another model"):
        load_run(tmp_path)


def test_metrics_forget_what_will_be_written_again(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl")
    for epoch in (1, 2, 3):
        metrics.append({"epoch": epoch})
    with metrics.path.open("a") as file:
        file.write('{"epoch": 4, "lo')  # cut off by a crash
    metrics.keep_until(2)
    assert records(tmp_path) == [{"epoch": 1}, {"epoch": 2}]


def test_learning_rate_rises_then_follows_the_cosine() -> None:
    config = TrainingConfig(epochs=10, learning_rate=1.0, min_learning_rate=0.1, warmup_epochs=2.0)
    rates = [learning_rate(config, step, 5) for step in range(50)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[0] == pytest.approx(1 / 11)
    assert rates[10] == 1.0
    assert rates[30] == pytest.approx(0.55)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


def test_only_matrices_decay(tiny: Tiny) -> None:
    model = torch.nn.ModuleDict({"fc": torch.nn.Linear(3, 2), "norm": torch.nn.LayerNorm(3)})
    model.register_parameter("pos_embed", torch.nn.Parameter(torch.zeros(1, 4, 3)))
    decayed, plain = make_optimizer(model, tiny().training).param_groups
    assert [p.shape for p in decayed["params"]] == [(2, 3)]
    assert len(plain["params"]) == 4
    assert plain["weight_decay"] == 0


def test_progress_speaks_on_terminals_only(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny("training.epochs=1")
    with (tmp_path / "terminal.txt").open("w") as file:
        train(config, tmp_path / "a", console=Console(file=file, force_terminal=True, width=150))
    with (tmp_path / "pipe.txt").open("w") as file:
        train(config, tmp_path / "b", console=Console(file=file, force_terminal=False))
    assert "test top-1" in (tmp_path / "terminal.txt").read_text()
    assert (tmp_path / "pipe.txt").read_text() == ""
