"""``trivit evaluate``: which weights, which images, which labels."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trivit.models.data import DataConfig, load_dataset
from trivit.models.data.store.images import load_part
from trivit.models.training import ExperimentConfig, accuracy, evaluate, load_run, train
from trivit.tools.cli.main import main

Everything = Callable[..., ExperimentConfig]

LEARNS = (
    "training.epochs=8",
    "augmentation={repeats: 1, random_resized_crop: false, flip: 0, erasing: 0}",
    "augmentation={mixup: 0, cutmix: 0}",
    "model.drop_path=0",
    "model.relative_position_bias=false",
    "patch_schedule.schedule=none",
    "data.train_images=600",
    "training.ema_decay=0.98",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a run that beats chance, made by the first test."""
    return tmp_path_factory.mktemp("trained") / "run"


@pytest.fixture(autouse=True)
def trained(run: Path, everything: Everything) -> None:
    if not run.exists():
        train(everything(*LEARNS), run)


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_takes_the_weights_that_are_asked_for(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = json.loads((run / "train.json").read_text())
    assert reached["float_top1"] > 20  # chance is 10
    for weights, name in (("ema", "float_top1"), ("model", "model_top1")):
        shown = evaluated(capsys, run, "--weights", weights, "--rho", "0.5")
        assert (shown["weights"], shown["float_top1"]) == (weights, reached[name])
        (half,) = shown["by_keep_ratio"]  # type: ignore[misc]
        assert half["patches"] == 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image folder of 10 classes of textures, wider than the models' images."""
    root = tmp_path_factory.mktemp("images")
    dataset = load_dataset(DataConfig(dataset="synthetic", train_images=200, test_images=60))
    for part, images in (("train", dataset.train), ("val", dataset.test)):
        for number, (pixels, label) in enumerate(
            zip(images.pixels[:, 0].numpy(), images.labels.tolist(), strict=True), 1
        ):
            path = root / part / f"class_{label}" / f"ILSVRC2012_val_{number:08d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            wide = np.pad(np.stack([pixels] * 3, axis=-1), ((2, 2), (6, 6), (0, 0)))
            Image.fromarray(wide).save(path)
    return root


def prepare(folder: Path, store: Path) -> Path:
    assert main(["data", "prepare", str(folder), "--out", str(store), "--size", "32"]) == 0
    return store


def test_trains_from_a_store_and_evaluates_with_real_labels(
    folder: Path,
    everything: Everything,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = prepare(folder, tmp_path / "store")
    all_images = "train_images: null, test_images: null, shift: 0"
    data = f"data={{dataset: store, path: {store}, {all_images}, workers: 2}}"
    config = everything(data, "model.in_channels=3", "training.epochs=2")
    summary = train(config, tmp_path / "run")
    assert (summary["test_images"], summary["images_seen"]) == (60, 360)
    # The right class, and for every second image one more; the first ten have none at all.
    info, images = load_part(store, "test")
    _, model, _ = load_run(tmp_path / "run")
    found = torch.cat([classes for _, classes in accuracy.predictions(model, images, info, 20)])
    lists: list[list[int]] = [[] for _ in range(60)]
    counted = right = 0
    for name, label, guess in zip(
        images.names(), images.labels.tolist(), found.tolist(), strict=True
    ):
        number = int(name.split("_val_")[1][:8])
        if number > 10:
            lists[number - 1] = [label, 3] if number % 2 else [label]
            counted += 1
            right += guess in lists[number - 1]
    (tmp_path / "real.json").write_text(json.dumps(lists))
    capsys.readouterr()
    shown = evaluated(capsys, tmp_path / "run", "--real", tmp_path / "real.json")
    assert shown["float_top1"] == summary["float_top1"]
    assert shown["real_images"] == counted == 50
    assert shown["real_top1"] == pytest.approx(100 * right / counted)
    # Elsewhere the same images continue the run; others do not.
    moved = everything(
        data.replace("workers: 2", "workers: 2, download: false").replace(str(store), f"{store}2"),
        "model.in_channels=3",
        "training.epochs=2",
    )
    prepare(folder, tmp_path / "store2")
    assert train(moved, tmp_path / "run", resume=True) == summary


def test_other_images_are_named(
    run: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = prepare(folder, tmp_path / "store")
    capsys.readouterr()
    shown = evaluated(capsys, run, "--data", "synthetic")
    assert (shown["dataset"], shown["test_images"]) == ("synthetic", 500)
    for arguments, message in (
        (["--data", "nothing"], "no data set 'nothing': name one of fashion_mnist"),
        (["--data", str(store)], "images of 3 channels and the model takes 1"),
        (["--data", "cifar100"], "trivit: "),
        (["--real", "real.json"], "ReaL labels go with the names of a store's images"),
        (["--rho", "0"], "patch keep ratio is 0.0: choose a ratio above 0 and at most 1"),
        (["--weights", "best"], "'best' is not one of"),
    ):
        assert main(["evaluate", str(run), *arguments]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1


def test_quantizing_takes_the_weights_that_are_asked_for(run: Path) -> None:
    """Not the average, which it takes by default."""
    quantization = pytest.importorskip("trivit.models.quantization")
    settings = quantization.QuantizeConfig(
        weights="model",
        calibration_images=20,
        reference_images=1,
        qonnx_images=1,
        onnxruntime_images=20,
    )
    reached = quantization.quantize(run, settings)["float_top1"]
    average, model = (evaluate(run, weights=w)["float_top1"] for w in ("ema", "model"))
    assert reached == model != average
