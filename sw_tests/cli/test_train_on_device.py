"""`trivit compile --training` and `trivit train-on-device`: what works, one line for the rest."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from exported_model import build
from programs import random_bundle

from .conftest import CONFIG, Trivit, files_in

SIZES = {
    "image_size": 28, "patch_size": 7, "depth": 2, "mlp_ratio": 4.0, "selector_blocks": (),
    "token_keep_ratio": 1.0, "attention_keep_ratio": 1.0,
}  # fmt: skip
#: The same model as an experiment.
MODEL = (
    "model.patch_size=7", "model.embed_dim=32", "model.depth=2", "model.num_heads=2",
    "model.selector_blocks=[]", "data.dataset=synthetic", "data.test_images=20",
)  # fmt: skip


def quantized(folder: Path, classes: int = 10, **sizes: object) -> Path:
    build(num_classes=classes, **{**SIZES, **sizes}).save(folder / "quantized")
    return folder


@pytest.fixture
def bundle(trivit: Trivit, tmp_path: Path) -> Path:
    run = quantized(tmp_path / "run")
    assert trivit("compile", run, "--training").status == 0
    return run / "training.trivit"


def train(trivit: Trivit, bundle: Path, out: Path, *more: object, rate: float = 0.003):
    options = ("--data", "synthetic", "--test-images", 20, "--checkpoint-every", 100)
    return trivit("train-on-device", bundle, *options, "--learning-rate", rate, "--out", out, *more)


def test_weights_come_back_as_a_run_that_evaluate_reads(
    trivit: Trivit, bundle: Path, tmp_path: Path
) -> None:
    out, imported = tmp_path / "out", tmp_path / "imported"
    outcome = train(trivit, bundle, out, "--steps", 200)
    assert outcome.status == 0 and "test top1" in outcome.out, outcome.err
    assert sorted(files_in(out)) == ["checkpoint.npz", "metrics.jsonl", "weights.safetensors"]
    again = train(trivit, bundle, out, "--steps", 200, "--resume")
    assert again.status == 0, again.err
    settings = [word for setting in MODEL for word in ("--set", setting)]
    config = CONFIG.with_name("fashion_mnist_micro_dense.yaml")
    outcome = trivit(
        "import", out / "weights.safetensors", "--config", config, *settings, "--out", imported
    )
    assert outcome.status == 0, outcome.err
    outcome = trivit("evaluate", imported, "--json")
    assert outcome.status == 0 and json.loads(outcome.out)["test_images"] == 20, outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--masters", 8), ("--masters 8", "use 32 or 16")),
        (("--optimizer", "lion"), ("lion", "sgd")),
        (("--kept-tokens",), ("--kept-tokens", "leave it out with --training")),
        (("--keep", 0.5), ("has no model with keep ratio 0.5", "trivit quantize")),
        (("--keep", "1,0.5"), ("has no model with keep ratio 0.5", "trivit quantize")),
        (("--variance-block", 2), ("variance block 2", "blocks 0 to 1", "-1 is the last")),
    ],
    ids=["masters", "optimizer", "kept tokens", "ratio", "ratios", "block"],
)
def test_compile_refuses(
    trivit: Trivit, tmp_path: Path, arguments: tuple[object, ...], words: tuple[str, ...]
) -> None:
    run = quantized(tmp_path / "run")
    before = files_in(run)
    trivit("compile", run, "--training", *arguments).refused(*words)
    assert files_in(run) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "nowhere"), ("no data set 'nowhere'", "name one of")),
        (("--checkpoint-every", 150), ("--checkpoint-every 150", "a multiple of 100")),
        (("--clip", "unfused"), ("--clip unfused", "give --clip-norm")),
        (("--steps", 100, "--accumulate", 8), ("100 steps", "--accumulate 8", "--steps 104")),
        (("--accumulate", 20000, "--steps", 20000), ("over 20000 images", "use 1 to 16384")),
        (("--momentum", 1), ("momentum 1.0", "less than 1")),
        (("--weight-decay", -1), ("weight decay -1.0", "use 0 or more")),
        (("--beta2", 1), ("beta2 1.0", "less than 1")),
        (("--epsilon", 0), ("epsilon 0.0", "use 1e-12 to 1")),
        (("--learning-rate", -1), ("--learning-rate -1", "use 0 or more")),
        (("--clip-norm", 0), ("--clip-norm 0", "use more than 0")),
        (("--resume",), ("no checkpoint.npz to go on from", "leave out --resume")),
        (("--steps", 0), ("--steps", "greater than or equal to 1")),
        (("--steps", 9, "--epochs", 1), ("--steps and --epochs", "one of them")),
        (("--rate-drops", "5"), ("--rate-schedule step", "belong together")),
        (("--rate-drops", "5,x"), ("--rate-drops 5,x", "numbers with commas")),
        (("--keep", 0.5), ("no program with keep ratio 0.5", "--training --keep 0.5")),
        (("--keep-warmup", 1), ("--keep-warmup 1", "2 numbers")),
        (("--keep-warmup", "0,1"), ("--keep-warmup", "keeps everything")),
        (("--example-keep", 0), ("sparsity.examples.keep_ratio is 0.0", "above 0")),
        (("--example-keep", 0.8, "--example-method", "best"), ("best", "online")),
        (("--example-period", 3), ("--example-period", "without --example-keep")),
        (("--evaluate-every", 9, "--evaluate-every-epochs", 1), ("one of them",)),
        (("--config", "none.yaml"), ("none.yaml",)),
    ],
    ids=[
        "data",
        "checkpoints",
        "clip",
        "last images",
        "images",
        "momentum",
        "decay",
        "beta2",
        "epsilon",
        "rate",
        "clip",
        "resume",
        "steps",
        "epochs",
        "drops",
        "drops as words",
        "keep",
        "warm-up",
        "warm-up to everything",
        "examples",
        "method",
        "period",
        "evaluations",
        "config",
    ],
)
def test_training_refuses(
    trivit: Trivit, bundle: Path, tmp_path: Path, arguments: tuple[object, ...], words: tuple[str]
) -> None:
    out = tmp_path / "out"
    train(trivit, bundle, out, *arguments).refused(*words)
    assert not out.exists()


def test_three_levels_by_options_and_by_an_experiment(trivit: Trivit, tmp_path: Path) -> None:
    run = quantized(tmp_path / "run", selector_blocks=(0,), token_keep_ratio=0.7)
    build(num_classes=10, **SIZES).save(run / "quantized", "model_dense.qonnx")
    outcome = trivit("compile", run, "--training", "--keep", "1,0.7")
    assert outcome.status == 0 and "dense, sparse" in outcome.out, outcome.err
    bundle = run / "training.trivit"
    config = tmp_path / "config.yaml"
    config.write_text(
        "model: {name: micro_28, token_keep_ratio: 0.7}\n"
        "sparsity:\n"
        "  examples: {keep_ratio: 0.9, update_ratio: 0.05, period_epochs: 1}\n"
        "  warmup: {start_epoch: 0.05, end_epoch: 0.1}\n"
    )
    by_options = (
        *("--keep", 0.7, "--keep-warmup", "0.05,0.1", "--example-keep", 0.9),
        *("--example-update", 0.05, "--example-period", 1),
    )
    outs = []
    for name, options in (("options", by_options), ("config", ("--config", config))):
        out = tmp_path / name
        outcome = train(trivit, bundle, out, "--steps", 200, "--evaluate-every", 100, *options)
        assert outcome.status == 0 and "best top1" in outcome.out, outcome.err
        outs.append(files_in(out))
    assert outs[0] == outs[1] and "best.safetensors" in outs[0]
    lines = [json.loads(line) for line in outs[0]["metrics.jsonl"].splitlines()]
    assert [line["keep"] for line in lines] == [1.0, 0.7]
    assert [line["examples"] for line in lines] == [1800, 1800]


@pytest.mark.full
def test_the_command_killed_at_any_moment(bundle: Path, tmp_path: Path) -> None:
    """SIGKILL from its start on, then --resume until it ends: the files of a whole run."""
    command = [sys.executable, "-m", "trivit.tools.cli", "train-on-device", str(bundle)]
    command += ["--data", "synthetic", "--test-images", "20", "--checkpoint-every", "100"]
    command += ["--steps", "3000", "--learning-rate", "0.003", "--evaluate-every", "300", "--out"]
    rng, out, kills = np.random.default_rng(int(time.time())), tmp_path / "out", 0
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    while True:
        resume = ["--resume"] if (out / "checkpoint.npz").is_file() else []
        process = subprocess.Popen([*command, str(out), *resume], stdout=subprocess.DEVNULL)
        try:
            assert process.wait(rng.uniform(0, 12) if kills < 12 else 600) == 0
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills and files_in(out) == files_in(tmp_path / "whole")


def test_a_bundle_for_inference_is_refused(trivit: Trivit, tmp_path: Path) -> None:
    path = tmp_path / "program.trivit"
    path.write_bytes(random_bundle(3)[0].to_bytes())
    train(trivit, path, tmp_path / "out").refused(
        str(path), "a bundle for inference", "trivit compile RUN --training"
    )
    assert not (tmp_path / "out").exists()


def test_labels_out_of_range_are_refused(trivit: Trivit, tmp_path: Path) -> None:
    run = quantized(tmp_path / "run", classes=5)
    assert trivit("compile", run, "--training").status == 0
    outcome = train(trivit, run / "training.trivit", tmp_path / "out")
    outcome.refused("label", "the model has classes 0 to 4")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("compiled", "trained", "words"),
    [
        (("--optimizer", "adamw"), (), ("optimizer 'sgd', not 'adamw'",)),
        (("--masters", 16), (), ("a run with bundle",)),
        ((), ("--steps", 200), ("steps 100, not 200",)),
    ],
    ids=["optimizer", "program", "settings"],
)
def test_another_runs_state_is_refused(
    trivit: Trivit,
    bundle: Path,
    tmp_path: Path,
    compiled: tuple[object, ...],
    trained: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    out = tmp_path / "out"
    assert train(trivit, bundle, out, "--steps", 100).status == 0
    before = files_in(out)
    assert trivit("compile", bundle.parent, "--training", *compiled).status == 0
    outcome = train(trivit, bundle, out, *(trained or ("--steps", 100)), "--resume")
    outcome.refused(str(out / "checkpoint.npz"), *words, "another --out")
    train(trivit, bundle, out, "--steps", 100).refused("holds a run", "--resume")
    assert files_in(out) == before


def test_adamw_trains_and_resumes(trivit: Trivit, bundle: Path, tmp_path: Path) -> None:
    assert trivit("compile", bundle.parent, "--training", "--optimizer", "adamw").status == 0
    out = tmp_path / "out"
    outcome = train(trivit, bundle, out, "--steps", 300, "--warmup-steps", 20, rate=0.001)
    assert outcome.status == 0, outcome.err
    losses = [json.loads(line)["loss"] for line in (out / "metrics.jsonl").open()]
    assert losses[-1] < losses[0]
    before = files_in(out)
    more = ("--steps", 300, "--warmup-steps", 20, "--resume")
    assert train(trivit, bundle, out, *more, rate=0.001).status == 0
    assert files_in(out) == before


def test_a_diverging_loss_stops_and_keeps_the_state_before(
    trivit: Trivit, bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = train(trivit, bundle, out, "--steps", 1000, "--warmup-steps", 200, rate=20.0)
    outcome.refused("the loss diverges", "at most 6.908", str(out), "lower --learning-rate")
    assert sorted(files_in(out)) == ["checkpoint.npz", "metrics.jsonl", "weights.safetensors"]
    assert train(trivit, bundle, tmp_path / "free", "--steps", 100, "--largest-loss", 0.1).status


def test_a_full_disk_keeps_the_checkpoint_before(
    trivit: Trivit, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, flushes = tmp_path / "out", []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        """Let two checkpoints through (with weights, behind metrics if any), not the third."""
        flushes.append(descriptor)
        if len(flushes) > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr("trivit.models.files.os.fsync", fsync)
    outcome = train(trivit, bundle, out, "--steps", 300)
    outcome.refused(str(out / "checkpoint.npz"), "no space left", "free some")
    assert sorted(files_in(out)) == ["checkpoint.npz", "metrics.jsonl", "weights.safetensors"]
    monkeypatch.undo()
    whole = tmp_path / "whole"
    assert train(trivit, bundle, out, "--steps", 300, "--resume").status == 0
    assert train(trivit, bundle, whole, "--steps", 300).status == 0
    assert files_in(out) == files_in(whole)
