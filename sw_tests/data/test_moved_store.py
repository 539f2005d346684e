"""A run whose store has moved, and runs on images of others."""

import json
import shutil
from collections.abc import Sized
from pathlib import Path

import pytest
import yaml

from trivit.models.data import DataConfig, DatasetInfo, load_dataset
from trivit.models.data.sources import open_source
from trivit.models.data.store import prepare
from trivit.models.errors import ModelsError
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import load_run
from trivit.tools.cli.main import main

from .conftest import encoded, smooth_pixels, write_files
from .test_command import run as command

CLASSES = ("cat", "dog")
Captured = pytest.CaptureFixture[str]


def images(root: Path, classes: tuple[str, ...] = CLASSES, shade: int = 0) -> Path:
    return write_files(
        root,
        {
            f"{part}/{name}/{number}.png": encoded(
                smooth_pixels(2 * number + label, 16, 16) // 2 + shade
            )
            for part, count in (("train", 8), ("test", 6))
            for label, name in enumerate(classes)
            for number in range(count)
        },
    )


def store_of(folder: Path, out: Path) -> Path:
    source = open_source(str(folder))
    prepare(source, source, out)
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``store``, and ``run`` trained on it with 10 of its 12 test images."""
    root = tmp_path_factory.mktemp("moved")
    store_of(images(root / "images"), root / "store")
    (root / "config.yaml").write_text(
        "model: {name: micro_32, image_size: 16, num_classes: 2, embed_dim: 16, depth: 2, "
        "selector_blocks: [0], token_keep_ratio: 0.5}\n"
        f"data: {{dataset: store, path: {root / 'store'}, workers: 1, test_images: 10}}\n"
        "sparsity: {examples: {keep_ratio: 0.9, period_epochs: 3}, "
        "warmup: {start_epoch: 0, end_epoch: 1}}\n"
        "training: {epochs: 3, warmup_epochs: 0, batch_size: 4, timing_rounds: 0, device: cpu}\n"
    )
    assert main(["train", str(root / "config.yaml"), "--out", str(root / "run")]) == 0
    return root


@pytest.fixture
def moved(trained: Path, tmp_path: Path) -> Path:
    """The same, with the store moved to ``st2`` and a run that still names the old place."""
    shutil.copytree(trained / "store", tmp_path / "st2")
    shutil.copytree(trained / "run", tmp_path / "run")
    config = (tmp_path / "run" / "config.yaml").read_text()
    gone = config.replace(str(trained / "store"), str(tmp_path / "gone"))
    (tmp_path / "run" / "config.yaml").write_text(gone)
    return tmp_path


def test_evaluation_takes_the_new_place(trained: Path, moved: Path, capsys: Captured) -> None:
    before = json.loads((trained / "run" / "train.json").read_text())
    status, out, err = command(capsys, "evaluate", moved / "run", "--json")
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "gone is no prepared store" in err and "say with --data where it is now" in err
    status, out, err = command(capsys, "evaluate", moved / "run", "--json", "--data", moved / "st2")
    assert status == 0, err
    shown = json.loads(out)
    assert (shown["test_images"], shown["float_top1"]) == (10, before["float_top1"])


def test_resuming_keeps_the_new_place(trained: Path, moved: Path, capsys: Captured) -> None:
    words = ("train", trained / "config.yaml", "--out", moved / "run", "--resume")
    place = ("--set", f"data.path={moved / 'st2'}")
    status, _, err = command(capsys, *words, *place)
    assert status == 0, err
    config = yaml.safe_load((moved / "run" / "config.yaml").read_text())
    assert config["data"]["path"] == str(moved / "st2")
    assert command(capsys, "evaluate", moved / "run")[0] == 0
    # Other images do not take the place.
    store_of(images(moved / "others", shade=9), moved / "other_store")
    before = (moved / "run" / "config.yaml").read_bytes()
    status, _, err = command(capsys, *words, "--set", f"data.path={moved / 'other_store'}")
    assert status == 2 and "the dataset changed since the run started" in err
    assert (moved / "run" / "config.yaml").read_bytes() == before


def test_pictures_take_the_new_place(moved: Path, capsys: Captured) -> None:
    for words in (("tokens", "--images", 2), ("frequency",), ("examples",)):
        where = (words[0], moved / "run", *words[1:])
        status, _, err = command(capsys, "show", *where)
        assert status == 2 and "say with --data where it is now" in err
        status, _, err = command(capsys, "show", *where, "--data", moved / "st2")
        assert status == 0, err
    assert command(capsys, "show", "schedules", moved / "run")[0] == 0  # needs no images
    # The places of forgotten examples mean nothing in other images.
    store_of(images(moved / "others", shade=9), moved / "other_store")
    status, _, err = command(
        capsys, "show", "examples", moved / "run", "--data", moved / "other_store"
    )
    assert status == 2 and "the dataset changed since the run started" in err


def test_quantization_takes_the_new_place(
    moved: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pytest.importorskip("trivit.models.quantization.pipeline")

    def calibrate(model: object, train: Sized, info: DatasetInfo, *rest: object) -> None:
        raise ModelsError(f"calibrates on {len(train)} images of {info.class_names} {info.mean}")

    monkeypatch.setattr(pipeline, "_calibrate", calibrate)
    status, _, err = command(capsys, "quantize", moved / "run")
    assert status == 2 and "say with --data where it is now" in err
    own = load_run(moved / "run", data=str(moved / "st2")).info
    store = store_of(images(moved / "bright", shade=100), moved / "bright_store")
    for place in (moved / "st2", store):
        status, _, err = command(capsys, "quantize", moved / "run", "--data", place)
        assert f"calibrates on 16 images of {own.class_names} {own.mean}" in err
    store = store_of(images(moved / "others", ("dog", "eel")), moved / "other_store")
    status, _, err = command(capsys, "quantize", moved / "run", "--data", store)
    assert status == 2 and "class 0 is 'dog' in" in err


def test_other_images_are_normalised_as_the_runs(moved: Path) -> None:
    own = load_checkpoint(moved / "run" / "checkpoint", training=False).state["dataset"]["info"]
    store = store_of(images(moved / "bright", shade=100), moved / "bright_store")
    config, _, info = load_run(moved / "run", data=str(store))
    assert list(info.mean) == own["mean"]
    bright = load_dataset(DataConfig(dataset="store", path=str(store)))
    assert bright.info.mean[0] > info.mean[0] + 0.3
    assert (config.data.path, config.data.test_images) == (str(store), None)  # not cut


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("ant", "dog"), "class 0 is 'ant' in .*store and 'cat' in .*run"),
        (("dog", "eel"), "class 0 is 'dog' in .*store and 'cat' in .*run"),
    ],
)
def test_classes_of_other_names_are_refused(
    classes: tuple[str, ...], message: str, moved: Path, capsys: Captured
) -> None:
    store = store_of(images(moved / "others", classes), moved / "other_store")
    with pytest.raises(ModelsError, match=message):
        load_run(moved / "run", data=str(store))
    words = ("evaluate", moved / "run", "--data", store)
    status, _, err = command(capsys, *words)
    assert status == 2 and "--by-number" in err and err.count("\n") == 1
    assert command(capsys, *words, "--by-number")[0] == 0
    # Nor where the run says that its own images are.
    config = (moved / "run" / "config.yaml").read_text()
    (moved / "run" / "config.yaml").write_text(config.replace(str(moved / "gone"), str(store)))
    with pytest.raises(ModelsError, match=message):
        load_run(moved / "run")


def test_numbered_classes_and_stores_without_training_images(moved: Path) -> None:
    source = open_source(str(images(moved / "numbers", ("0", "1"))))
    prepare(None, source, moved / "test_only")
    _, _, info = load_run(moved / "run", data=str(moved / "test_only"))
    assert info.class_names == CLASSES
    assert main(["evaluate", str(moved / "run"), "--data", str(moved / "test_only")]) == 0


def test_a_run_of_an_earlier_version(moved: Path) -> None:
    """It knows its images by their checksum alone."""
    state = moved / "run" / "checkpoint" / "state.json"
    tree = json.loads(state.read_text())
    del tree["dataset"]["info"]
    state.write_text(json.dumps(tree))
    config, _, info = load_run(moved / "run", data=str(moved / "st2"))
    assert info.class_names == CLASSES and config.data.test_images == 10
    store = store_of(images(moved / "others", shade=9), moved / "other_store")
    with pytest.raises(ModelsError, match=r"an earlier version and needs .*gone is no"):
        load_run(moved / "run", data=str(store))


def test_imported_weights_take_the_images_that_are_named(moved: Path) -> None:
    """They have no images of their own, or only those that a configuration has by default."""
    state = moved / "run" / "checkpoint" / "state.json"
    tree = json.loads(state.read_text())
    del tree["dataset"]
    state.write_text(json.dumps(tree))
    path = moved / "run" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["data"] |= {"dataset": "fashion_mnist", "path": None}
    path.write_text(yaml.safe_dump(config))
    _, _, info = load_run(moved / "run", data=str(moved / "st2"))
    assert info.channels == 3 and info.class_names == CLASSES
