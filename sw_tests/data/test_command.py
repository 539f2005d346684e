"""``trivit data``, and training from a store."""

import json
from pathlib import Path

import pytest

from trivit.tools.cli.main import main

from .conftest import encoded, smooth_pixels, write_files


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_prepare_verify_info(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    write_files(folder, {"train/cat/bad.png": b"bad"})
    status, out, err = run(capsys, "data", "prepare", folder, "--out", store)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "cat/bad.png is corrupt (no image)" in err
    skip = ("--on-corrupt", "skip", "--workers", 2)
    status, out, err = run(capsys, "data", "prepare", folder, "--out", store, *skip)
    assert (status, err) == (0, "") and "skipped as corrupt" in out and "cat/bad.png" in out
    status, out, _ = run(capsys, "data", "info", store, "--json")
    figures = json.loads(out)
    assert figures["shape"] == [3, 12, 12] and figures["class_names"] == ["cat", "dog", "eel"]
    assert figures["parts"]["train"]["images"] == 15
    assert figures["parts"]["train"]["corrupt"] == [{"name": "cat/bad.png", "reason": "no image"}]
    status, out, _ = run(capsys, "data", "verify", store, "--source")
    assert status == 0 and "21 images, store and source are as prepared" in out
    victim = folder / "val" / "dog" / "001.png"
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)
    status, out, _ = run(capsys, "data", "verify", store)
    assert status == 0 and "the store is as prepared" in out
    status, out, err = run(capsys, "data", "verify", store, "--source")
    assert status == 2 and "changed since" in err and err.count("\n") == 1


def test_test_images_from_another_source(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--test", folder / "val", "--out", tmp_path / "a", "--json")
    status, out, _ = run(capsys, "data", "prepare", folder / "train", *more)
    assert status == 0
    parts = json.loads(out)["parts"]
    assert {name: part["images"] for name, part in parts.items()} == {"train": 15, "test": 6}
    status, out, _ = run(capsys, "data", "verify", tmp_path / "a", "--source")
    assert status == 0
    only = ("--part", "test", "--out", tmp_path / "b", "--json")
    status, out, _ = run(capsys, "data", "prepare", folder / "val", *only)
    assert status == 0 and set(json.loads(out)["parts"]) == {"test"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prepare", "none", "--out", "store"), "none does not exist"),
        (("prepare", "images", "--out", "s", "--format", "png"), "image_format is 'png'"),
        (("prepare", "images", "--out", "s", "--kind", "imagnet"), "unknown kind of source"),
        (("prepare", "images", "--out", "s", "--part", "val"), "part is 'val'"),
        (("prepare", "images", "--out", "s", "--size", "0"), "--size"),
        (("prepare", "images"), "--out"),
        (("verify", "images"), "no prepared store"),
        (("info", "none"), "no prepared store"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    words: tuple[str, ...],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder.parent)
    status, _, err = run(capsys, "data", *words)
    assert status == 2 and message in err and err.count("\n") == 1
    assert [path.name for path in folder.parent.iterdir()] == ["images"]


def test_training_from_a_store_larger_than_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        f"{part}/{name}/{number}.png": encoded(smooth_pixels(7 * number + label, 36, 36))
        for part, count in (("train", 12), ("test", 4))
        for label, name in enumerate(("a", "b"))
        for number in range(count)
    }
    folder = write_files(tmp_path / "images", files)
    store = tmp_path / "store"
    assert run(capsys, "data", "prepare", folder, "--out", store, "--format", "jpeg")[0] == 0
    config = tmp_path / "config.yaml"
    config.write_text(
        f"model: {{name: micro_32, num_classes: 2, embed_dim: 16, depth: 2, selector_blocks: []}}\n"
        f"data: {{dataset: store, path: {store}, workers: 2}}\n"
        "augmentation: {random_resized_crop: true}\n"
        "training: {epochs: 2, warmup_epochs: 0, batch_size: 8, timing_rounds: 0, device: cpu}\n"
    )
    status, _, err = run(capsys, "train", config, "--out", tmp_path / "run")
    assert status == 0, err
    status, out, err = run(capsys, "evaluate", tmp_path / "run", "--json")
    assert status == 0, err
    assert json.loads(out)["test_images"] == 8
    with (store / "train" / "images.bin").open("ab") as file:
        file.write(b"x")
    status, _, err = run(capsys, "train", config, "--out", tmp_path / "run2")
    assert status == 2 and "prepare the store again" in err and err.count("\n") == 1
    assert not (tmp_path / "run2").exists()
