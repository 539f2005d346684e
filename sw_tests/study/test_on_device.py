"""The study of training on the device: its float32 twin, its queue, its report."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exported_model import Exported, build

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import StepResult, target_row
from trivit.models.errors import ModelsError
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.training.flat_weights import is_decayed
from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.study.on_device import runs as study_runs
from trivit.tools.study.on_device.forward import check, forward
from trivit.tools.study.on_device.plan import Run, Study, load_study
from trivit.tools.study.on_device.report import describe, markdown
from trivit.tools.study.on_device.runs import carry_out, read_result
from trivit.tools.study.on_device.twin import FloatTwin
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.export import master_weights, weights

SIZES: dict[str, Any] = {
    "image_size": 12, "patch_size": 3, "num_classes": 5, "embed_dim": 32, "depth": 3,
    "num_heads": 2, "mlp_ratio": 4.0, "selector_blocks": (0, 1), "token_keep_ratio": 0.6,
}  # fmt: skip
MODEL = """
model: {name: micro_28, patch_size: 7, embed_dim: 32, depth: 1, num_heads: 2, selector_blocks: [0]}
data: {dataset: synthetic}
"""
STUDY = """
model: model.yaml
data: synthetic
seeds: 1
training: {steps: 200, learning_rate: 3e-3, warmup_steps: 20, checkpoint_every: 100,
           test_images: 50}
rows:
  dense: {text: dense}
  token_0.5: {text: token keep 0.5, token_keep_ratio: 0.5}
  nearest: {text: to the nearest, beside: dense, training: {stochastic: false}}
  levels:
    text: three levels
    token_keep_ratio: 0.5
    attention_keep_ratio: 0.5
    warmup_ratios: [1.0]
    training: {train_images: 100, keep_warmup: [0.2, 0.6],
               examples: {keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 1}}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    (tmp_path / "model.yaml").write_text(MODEL)
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def study(study_file: Path, tmp_path: Path) -> Study:
    return load_study(study_file, tmp_path / "out")


def float_model(exported: Exported, dtype: torch.dtype) -> VisionTransformer:
    model = VisionTransformer(exported.config)
    model.load_state_dict(exported.floating.state_dict())
    return model.to(dtype)


@pytest.mark.parametrize(("token", "attention"), [(1.0, 1.0), (0.6, 1.0), (1.0, 0.4), (0.6, 0.4)])
def test_the_functions_compute_the_model(token: float, attention: float) -> None:
    exported = build(**SIZES)
    model = float_model(exported, torch.float64)
    model.set_keep_ratios(token=token, attention=attention)
    torch.manual_seed(0)
    images_BCHW = torch.randn(3, 1, 12, 12, dtype=torch.float64)
    weights = {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}
    got = forward(weights, exported.config, images_BCHW, token, attention, shown_block=2)
    wanted = model.forward_details(images_BCHW, variance_block=-1)
    assert torch.allclose(got.logits, wanted.logits, rtol=0, atol=1e-11)
    assert got.cls_row is not None and wanted.cls_variance is not None
    variances = got.cls_row.var(-1, correction=0)
    assert torch.allclose(variances, wanted.cls_variance.double(), rtol=1e-5)
    got.logits.square().sum().backward()
    wanted.logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        gradient = weights[name].grad
        assert gradient is not None and parameter.grad is not None, name
        assert torch.allclose(gradient, parameter.grad, rtol=1e-8, atol=1e-10), name


@pytest.mark.parametrize(
    ("setting", "words"),
    [({"pooling": "mean"}, "pooling is 'mean'"), ({"token_score": "static"}, "token_score is")],
)
def test_models_without_a_twin_are_refused(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolsError, match=f"{words}.*no float32 twin"):
        check(replace(build(**SIZES).config, **setting))


def steps_of(twin: FloatTwin, first: int, last: int) -> list[StepResult]:
    rng = np.random.default_rng(3)
    images = rng.integers(-9000, 9000, (last, 1, 12, 12)).astype(np.int16)
    return [
        twin.step(images[step], target_row(step % 5, 5, 0.1), 0.01 / (1 + step))
        for step in range(first, last)
    ]


@cache
def bundle() -> TrainingBundle:
    with TemporaryDirectory() as folder:
        exported = build(attention_keep_ratio=1.0, **SIZES)
        return training_bundle(exported.save(Path(folder)), variance_block=-1)


def twin_of() -> FloatTwin:
    config = build(attention_keep_ratio=1.0, **SIZES).config
    return FloatTwin(config, bundle(), momentum=0.8, weight_decay=0.05, shown_block=2)


def test_a_twin_takes_the_steps_of_torch_on_the_model() -> None:
    twin, model = twin_of(), VisionTransformer(build(attention_keep_ratio=1.0, **SIZES).config)
    model.load_state_dict(master_weights(bundle()), strict=True)
    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if is_decayed(n, p)], "weight_decay": 0.05},
        {"params": [p for n, p in named if not is_decayed(n, p)]},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.8)
    rng = np.random.default_rng(3)
    images = rng.integers(-9000, 9000, (8, 1, 12, 12)).astype(np.int16)
    scale = np.float32(2.0 ** -bundle().program.by_name["image"].frac)
    results = steps_of(twin, 0, 8)
    for step, result in enumerate(results):
        target = torch.from_numpy(target_row(step % 5, 5, 0.1)[None] / np.float32(2**14))
        images_BCHW = torch.from_numpy(images[step : step + 1] * scale)
        details = model.forward_details(images_BCHW, variance_block=-1)
        loss = F.cross_entropy(details.logits, target)
        assert result.loss == pytest.approx(loss.item(), abs=1e-4)
        assert result.class_attention is not None and details.cls_variance is not None
        variance = result.class_attention.variance()
        assert variance == pytest.approx(details.cls_variance.item(), rel=1e-3)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 / (1 + step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, parameter in named:
        assert torch.allclose(twin.weights[name], parameter, atol=1e-4), name
    exported = weights(twin)
    assert all(torch.equal(exported[name], twin.weights[name]) for name, _ in named)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images[:1] * scale)).double().numpy()[0]
    assert twin.logits(images[0]) == pytest.approx(wanted, abs=1e-3)


def test_a_resumed_twin_is_the_twin_itself(tmp_path: Path) -> None:
    whole, half, again = twin_of(), twin_of(), twin_of()
    steps_of(whole, 0, 8)
    steps_of(half, 0, 4)
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(half.to_bytes({"seed": 1}, {"seen": np.arange(3)}))
    assert again.restore(path, {"seed": 1})["seen"].tolist() == [0, 1, 2]
    steps_of(again, 4, 8)
    assert again.steps == whole.steps == 8
    for name, weight in whole.weights.items():
        assert torch.equal(weight, again.weights[name]), name
    with pytest.raises(ToolsError, match="is of another run"):
        again.restore(path, {"seed": 2})


def killed(run: Run) -> Any:
    """Return what a process that is killed in the middle of ``run`` leaves: step 100 is saved."""
    step, count = FloatTwin.step, 0

    def until_150(self: FloatTwin, *arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count > 150:
            raise KeyboardInterrupt
        return step(self, *arguments)

    return until_150


def test_a_study_is_carried_out_reported_and_gone_on_with(
    study_file: Path, study: Study, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    command = ["study", "on-device", str(study_file), "--out", str(study.out)]
    runs = study.runs()
    assert [(run.name, run.number) for run in runs] == [
        ("dense", "device"), ("dense", "float32"), ("token_0.5", "device"),
        ("token_0.5", "float32"), ("nearest", "device"), ("levels", "device"),
        ("levels", "float32"),
    ]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(FloatTwin, "step", killed(runs[1]))
        done = []
        with pytest.raises(KeyboardInterrupt):
            for run in carry_out(runs):
                done.append(run)
    assert done == runs[:1] and read_result(runs[1]) is None
    lines = (runs[1].folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [100]
    assert main(command) == 0
    assert "7 of 7 runs." in capsys.readouterr().out
    described = json.loads((study.out / "study.json").read_text())
    assert [row["row"] for row in described["rows"]] == ["dense", "token_0.5", "nearest", "levels"]
    assert all(len(row["seeds"]) == 1 for row in described["rows"])
    assert (study.out / "study.png").read_bytes().startswith(b"\x89PNG")
    # The example level made the same kind of updates on both sides.
    updates = [
        [json.loads(line) for line in (run.folder / "examples.jsonl").open()] for run in runs[-2:]
    ]
    assert (
        [line["step"] for line in updates[0]] == [line["step"] for line in updates[1]] == [81, 161]
    )
    assert all(line["in_play"] == 80 for lines in updates for line in lines)
    # The run that was interrupted ends where another one that was not does.
    shutil.copytree(study.out / "start", tmp_path / "other/start")
    other = load_study(study_file, tmp_path / "other").runs(["dense"])[1]
    assert [run.number for run in carry_out([other])] == ["float32"]
    for name in ("checkpoint.npz", "metrics.jsonl", "training.trivit"):
        assert (other.folder / name).read_bytes() == (runs[1].folder / name).read_bytes()
    # Other settings are refused; nothing is trained to write the report again.
    assert main([*command, "--set", "training.learning_rate=1e-3"]) == 2
    assert "trained with other settings" in capsys.readouterr().err
    monkeypatch.setattr(study_runs, "_carry_out", None)
    assert main([*command, "--minutes", "0"]) == 0


@pytest.fixture
def busy(study: Study) -> Iterator[Run]:
    """Return a run whose folder another process works in, as its lock says."""
    run = study.runs()[0]
    run.folder.mkdir(parents=True)
    handle = os.open(run.folder / "running.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield run
    os.close(handle)


def test_processes_share_a_study(study: Study, busy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(study_runs, "_carry_out", taken.append)
    runs = study.runs()
    assert list(carry_out(runs)) == runs[1:] == taken
    assert describe(runs)["finished_runs"] == 0


def test_a_run_that_another_process_has_just_finished_is_left_alone(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None, {}])
    monkeypatch.setattr(study_runs, "read_result", lambda run: next(answers))
    monkeypatch.setattr(study_runs, "_carry_out", None)
    assert len(list(carry_out(study.runs()[:1]))) == 1


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.seed=3", "a study varies the seed"),
        (
            "rows.nearest.beside=other",
            r"rows.nearest.beside is 'other': name a row that has float32",
        ),
        ("rows.dense.masters=8", "rows.dense.masters is 8: use 32 or 16"),
        ("training.clip_norm=1", "rows.dense: the float32 twin neither clips nor accumulates"),
        ("training.stps=3", "did you mean 'steps'"),
        ("training.checkpoint_every=150", "multiple of 100"),
        ("rows.dense.txt=x", r"unknown setting 'rows.dense.txt'"),
    ],
)
def test_settings_are_refused_in_one_line(study_file: Path, setting: str, words: str) -> None:
    with pytest.raises((ToolsError, ModelsError), match=words) as error:
        load_study(study_file, study_file.parent / "out", [setting])
    assert "\n" not in str(error.value)


def test_rows_and_files_that_do_not_exist_are_named(
    study: Study, study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ToolsError, match="no row 'sparse' in the study: choose from dense"):
        study.runs(["sparse"])
    # A row that is compared with another one brings that one's float32 runs.
    chosen = [(run.name, run.number) for run in study.runs(["nearest"])]
    assert chosen == [("dense", "float32"), ("nearest", "device")]
    assert main(["study", "on-device", str(study_file.with_name("no.yaml"))]) == 2
    assert "cannot read the study" in capsys.readouterr().err
    assert main(["study", "on-device", str(study_file), "--out", str(study.out),
                 "--minutes", "0"]) == 2  # fmt: skip
    assert "holds no finished run" in capsys.readouterr().err


def test_differences_are_paired_by_seed(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """80 and 83 against 79 and 84 differ by +1 and -1; half a pair is left out."""
    top1 = {("device", 0): 80.0, ("device", 1): 83.0, ("device", 2): 50.0,
            ("float32", 0): 79.0, ("float32", 1): 84.0}  # fmt: skip

    def result(run: Run) -> dict[str, Any] | None:
        if run.name != "dense" or (run.number, run.seed) not in top1:
            return None
        return {
            "row": run.name, "number": run.number, "seed": run.seed, "settings": {},
            "test_top1": top1[run.number, run.seed], "machine": {}, "versions": {},
            "metrics": [{"step": 100, "loss": 1.0 + run.seed, "top1": 50.0}],
        }  # fmt: skip

    monkeypatch.setattr("trivit.tools.study.on_device.report.read_result", result)
    described = describe(study.runs(["dense"], seeds=3))
    [dense] = [row for row in described["rows"] if row["row"] == "dense"]
    assert [seed["difference"] for seed in dense["seeds"]] == [1.0, -1.0]
    assert dense["difference"]["mean"] == 0 and dense["device"]["mean"] == 81.5
    assert described["missing_runs"] == ["dense, float32, seed 2"]
    assert "| dense | 81.50 ± 2.12 | 81.50 ± 3.54 | +0.00 ± 1.41 |" in markdown(described)
