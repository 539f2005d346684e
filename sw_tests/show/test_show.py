"""`trivit show`: the data behind the pictures, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trivit.models.methods.counts import keep_count, sampled_patches
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import load_run
from trivit.tools.cli import main
from trivit.tools.show.forgetting import forgetting
from trivit.tools.show.kept_tokens import (
    Stage,
    keep_frequency,
    kept_masks,
    kept_on_images,
    open_run,
)
from trivit.tools.show.schedules import schedules
from trivit.tools.show.views import test_views as views_of


class Shown:
    """Runs `trivit show` and reads what it printed and drew."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> Any:
        self.capsys.readouterr()
        assert main(["show", *map(str, arguments), "--json"]) == 0
        return json.loads(self.capsys.readouterr().out)

    def refused(self, *arguments: object) -> str:
        self.capsys.readouterr()
        assert main(["show", *map(str, arguments)]) == 2
        error = self.capsys.readouterr().err
        assert error.count("\n") == 1 and error.startswith("trivit: ")
        return error


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Shown:
    return Shown(capsys)


def is_picture(path: Path, least: int = 100) -> bool:
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
        return image.format == "PNG" and min(image.size) >= least and pixels.std() > 5


def test_tokens_after_each_selector(sparse_run: Path, tmp_path: Path, show: Shown) -> None:
    out = tmp_path / "new" / "tokens.png"
    data = show("tokens", sparse_run, "--images", 3, "--out", out)
    assert is_picture(out)
    assert [path.name for path in out.parent.iterdir()] == ["tokens.png"]
    first, second = data["stages"]
    assert first["tokens"] == keep_count(49, 0.6) == len(first["kept"][0])
    assert second["tokens"] == keep_count(first["tokens"], 0.6)
    for before, after in zip(first["kept"], second["kept"], strict=True):
        assert set(after) < set(before) and max(before) < 49
    assert len(data["labels"]) == len(first["kept"]) == 3 and "pixels" not in data


def test_kept_tokens_are_the_models(sparse_run: Path) -> None:
    """The masks hold the positions that the model itself tracked."""
    run, stages = open_run(sparse_run, ())
    images = next(views_of(run, 5)).images
    masks, predictions = kept_masks(run, images, stages)
    with torch.inference_mode():
        details = run.model.forward_details(images, track_tokens=True)
    for mask, kept in zip(masks, details.kept_tokens, strict=True):
        assert [torch.nonzero(row).squeeze(1).tolist() for row in mask] == kept.tolist()
    assert torch.equal(predictions[0], details.logits.argmax(dim=1))


def test_tokens_by_share_of_the_patches(patch_run: Path, tmp_path: Path, show: Shown) -> None:
    data = show("tokens", patch_run, "--images", 2, "--out", tmp_path / "t.png")
    assert [stage["name"] for stage in data["stages"]] == [
        f"rho {ratio}" for ratio in (0.8, 0.6, 0.4, 0.2)
    ]
    assert [s["tokens"] for s in data["stages"]] == [
        sampled_patches(49, ratio) for ratio in (0.8, 0.6, 0.4, 0.2)
    ]
    kept = [set(stage["kept"][0]) for stage in data["stages"]]
    assert kept[0] > kept[1] > kept[2] > kept[3]  # one order, cut at different places


def test_any_run_can_be_shown_at_chosen_shares(dense_run: Path) -> None:
    data = kept_on_images(dense_run, 2, (1.0, 0.5))
    assert [stage["tokens"] for stage in data["stages"]] == [49, sampled_patches(49, 0.5)]


def test_a_random_order_is_the_same_at_every_share(patch_run: Path) -> None:
    run, _ = open_run(patch_run, ())
    schedule = run.config.patch_schedule
    object.__setattr__(schedule, "order", "random")
    images = next(views_of(run, 4)).images
    masks, _ = kept_masks(run, images, [Stage("a", patch_ratio=0.8), Stage("b", patch_ratio=0.4)])
    assert bool((masks[0] | ~masks[1]).all())
    assert not torch.equal(masks[1][0], masks[1][1])


def test_fused_tokens_stand_for_no_patch(sparse_run: Path) -> None:
    run = load_run(sparse_run)
    object.__setattr__(run.model.config, "fuse_tokens", True)
    images = next(views_of(run, 4)).images
    masks, _ = kept_masks(run, images, [Stage("first", selector=0)])
    assert masks[0].sum(dim=1).tolist() == [keep_count(49, 0.6)] * 4


def test_frequency_is_the_mean_over_the_test_set(
    sparse_run: Path, tmp_path: Path, show: Shown
) -> None:
    out = tmp_path / "f.png"
    data = show("frequency", sparse_run, "--out", out)
    assert is_picture(out) and data["test_images"] == 30
    for stage, kept in zip(data["stages"], (30, 18), strict=True):
        map_ = np.array(stage["frequency"])
        assert map_.shape == (7, 7) and map_.min() >= 0 and map_.max() <= 1
        assert map_.sum() == pytest.approx(kept)
    shown = kept_on_images(sparse_run, 10, ())
    frequency = np.array(keep_frequency(sparse_run, 10, ())["stages"][0]["frequency"]).ravel()
    counts = np.bincount(np.concatenate(shown["stages"][0]["kept"]), minlength=49)
    assert frequency == pytest.approx(counts / 10)


def test_forgotten_examples_come_from_the_statistics(
    sparse_run: Path, tmp_path: Path, show: Shown
) -> None:
    out = tmp_path / "e.png"
    data = show("examples", sparse_run, "--count", 4, "--out", out)
    assert is_picture(out)
    tensors = load_checkpoint(sparse_run / "checkpoint").training
    forgotten, learned = tensors["examples/forgotten"], tensors["examples/learned"]
    assert data["examples_seen"] == 96  # 0.8 of 120, with no update
    assert sum(data["by_forgetting_events"]) == 96
    assert data["by_forgetting_events"][0] < 96, "nothing was forgotten: the test says nothing"
    most = [entry["forgotten"] for entry in data["most_forgotten"]]
    assert most == sorted(most, reverse=True) and most[0] == int(forgotten.max())
    assert data["never_forgotten"]
    for entry in data["never_forgotten"]:
        assert forgotten[entry["index"]] == 0 and bool(learned[entry["index"]])
    variances = [entry["mean_variance"] for entry in data["never_forgotten"]]
    assert variances == sorted(variances)


def test_examples_are_the_images_of_their_indices(sparse_run: Path) -> None:
    from trivit.models.data import load_dataset

    data = forgetting(sparse_run, 3)
    indices = [e["index"] for key in ("most_forgotten", "never_forgotten") for e in data[key]]
    train = load_dataset(load_run(sparse_run).config.data).train.in_memory()
    assert torch.equal(data["pixels"], train.pixels[indices])


def test_schedules_of_a_file_and_of_its_run(sparse_run: Path, tmp_path: Path, show: Shown) -> None:
    out = tmp_path / "s.png"
    data = show("schedules", sparse_run, "--out", out)
    assert is_picture(out)
    assert data["steps"] == 4 * (96 // 20) == len(data["step"])
    assert data["token"][0] == 1.0 and data["token"][-1] == 0.6
    assert set(data["examples"]) == {96}
    assert max(data["learning_rate"]) <= 4e-3 and data["patch"] == [1.0] * 16
    lines = (sparse_run / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["learning_rate"] == pytest.approx(data["learning_rate"][-1])
    copied = tmp_path / "experiment.yaml"
    shutil.copy(sparse_run / "config.yaml", copied)
    assert schedules(copied)["learning_rate"] == data["learning_rate"]
    assert schedules(copied, 1)["steps"] == 4


def test_a_cycle_within_an_epoch_shows_all_its_levels(patch_run: Path) -> None:
    data = schedules(patch_run, 1)
    assert data["patch"] == [0.2, 0.4, 0.8, 1.0, 0.8, 0.4]  # the triangle, cut at six steps


def test_sweep_of_several_runs(
    patch_run: Path, dense_run: Path, tmp_path: Path, show: Shown
) -> None:
    out = tmp_path / "w.png"
    data = show("sweep", patch_run, dense_run, "--keep", 1, "--keep", 0.4, "--out", out)
    assert is_picture(out) and [run["run"] for run in data] == [str(patch_run), str(dense_run)]
    for run in data:
        assert [point["keep_ratio"] for point in run["points"]] == [1.0, 0.4]
        assert all(point["images_per_second"] > 0 for point in run["points"])


def test_curves_of_several_runs(
    sparse_run: Path, dense_run: Path, tmp_path: Path, show: Shown
) -> None:
    out = tmp_path / "c.png"
    sparse, dense = show("curves", sparse_run, dense_run, "--out", out)
    assert is_picture(out)
    assert sparse["epoch"] == [1, 2, 3, 4] and dense["epoch"] == [1, 2]
    assert sparse["step"] == [4, 8, 12, 16]
    assert sparse["accuracy"]["step"] == [8, 16] and len(sparse["accuracy"]["float_top1"]) == 2
    assert sparse["seconds"] == sorted(sparse["seconds"])
    assert sparse["accuracy"]["seconds"] == [sparse["seconds"][1], sparse["seconds"][3]]


def test_pictures_go_into_the_run_folder(
    dense_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(dense_run, tmp_path / "run"))
    assert main(["show", "curves", str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(run / "curves.png")
    assert is_picture(run / "curves.png")


@pytest.mark.parametrize("command", ["tokens", "frequency", "examples", "curves", "sweep"])
def test_a_folder_without_a_run_is_one_line(command: str, tmp_path: Path, show: Shown) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    assert str(folder) in show.refused(command, folder)
    assert "missing" in show.refused(command, tmp_path / "missing")
    assert list(folder.iterdir()) == []


def test_odd_runs_are_one_line(
    dense_run: Path, patch_run: Path, tmp_path: Path, show: Shown
) -> None:
    out = tmp_path / "out" / "x.png"
    assert "keeps all tokens" in show.refused("tokens", dense_run, "--out", out)
    assert "keeps all tokens" in show.refused("frequency", dense_run, "--out", out)
    assert "recorded no statistics" in show.refused("examples", dense_run, "--out", out)
    assert "the test set has 30" in show.refused("tokens", patch_run, "--images", 31)
    assert "patch keep ratio is 1.5" in show.refused("tokens", dense_run, "--keep", 1.5)
    assert "trains for 2" in show.refused("schedules", dense_run, "--epochs", 3, "--out", out)
    assert "does not exist" in show.refused("schedules", tmp_path / "no.yaml", "--out", out)
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('{"epoch": 1, "step": 2, "loss": 1.0}\n', "line 1 has no seconds"),
        ('{"epoch"\n{"epoch": 2}\n', "line 1 is no JSON"),
    ],
)
def test_odd_metrics_are_one_line(text: str, words: str, tmp_path: Path, show: Shown) -> None:
    (tmp_path / "metrics.jsonl").write_text(text)
    assert words in show.refused("curves", tmp_path)


def test_a_last_line_that_was_cut_off_is_left_out(dense_run: Path, tmp_path: Path) -> None:
    from trivit.tools.show.curves import curve

    whole = (dense_run / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(whole + '{"epoch": 3, "st')
    assert curve(tmp_path)["epoch"] == [1, 2]


def test_a_run_that_saw_no_example_twice_says_so(tmp_path: Path, show: Shown) -> None:
    from .conftest import make_run

    run = make_run(
        tmp_path / "run",
        "training.epochs=2",
        "sparsity.examples={keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 1}",
    )
    assert "saw no example twice" in show.refused("examples", run)
