"""``trivit run`` refuses damaged bundles and images that do not fit."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image as png
from networks import random_network
from PIL import Image
from programs import Shape, random_bundle

from trivit.host.backends import open_backend
from trivit.host.generated.spec import OPCODES, TIMING
from trivit.models.augmentation.evaluation import EvaluatedImages
from trivit.models.data import load_test_images
from trivit.tools.cli import main
from trivit.tools.estimate import modelled_cycles
from trivit.tools.estimate.image_cycles import model_cycles
from trivit.tools.report.sweep_picture import draw_sweep
from trivit.tools.sweep import sweep

from .conftest import Trivit

SINGLE, IMAGES = random_bundle(3)
_OTHER = SINGLE.program.copy()
_OTHER[2, 0] &= ~np.uint32(1 << (8 + OPCODES["matmul"].flags["residual"]))
BUNDLE = dataclasses.replace(
    SINGLE,
    programs=(
        dataclasses.replace(SINGLE.first, name="sparse", token_keep_ratio=0.5, info={"macs": 7}),
        dataclasses.replace(SINGLE.first, name="dense", token_keep_ratio=1.0, instructions=_OTHER),
    ),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    return path


@pytest.mark.parametrize("backend", ["reference", "emulator"])
def test_good_input_runs(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path, backend: str
) -> None:
    logits = tmp_path / "logits.npy"
    outcome = trivit(
        "run", bundle, "--backend", backend, "--images", images, "--logits", logits, "--count", 1
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert np.load(logits).shape == (1, len(BUNDLE.class_names))
    assert ("(-march=" in outcome.out) == (backend == "emulator")


@pytest.mark.parametrize(("keep", "name"), [("0.5", "sparse"), ("1", "dense"), ("dense", "dense")])
def test_a_program_is_chosen(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path, keep: str, name: str
) -> None:
    logits = tmp_path / "logits.npy"
    outcome = trivit(
        "run", bundle, "--images", images, "--keep", keep, "--logits", logits, "--json"
    )
    report = json.loads(outcome.out)
    assert report["program"] == name
    assert report["emulator"] == open_backend("emulator").form
    expected = open_backend("reference").run(BUNDLE, IMAGES, program=name).logits
    assert (np.load(logits) == expected).all()
    other = "sparse" if name == "dense" else "dense"
    assert (expected != open_backend("reference").run(BUNDLE, IMAGES, program=other).logits).any()


def test_a_program_that_is_not_there_is_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    run = ("run", bundle, "--images", images)
    trivit(*run, "--keep", "0.6").refused("0.6", "sparse (0.5), dense (1)", "the nearest is 0.5")
    trivit(*run, "--keep", "fast").refused("'fast'", "sparse (0.5), dense (1)")


def test_a_sweep_runs_every_program(trivit: Trivit, bundle: Path, images: Path) -> None:
    run = ("run", bundle, "--images", images, "--sweep")
    outcome = trivit(*run, "--json")
    assert outcome.status == 0, outcome.err
    points = json.loads(outcome.out)["programs"]
    assert [(p["name"], p["token_keep_ratio"]) for p in points] == [("dense", 1.0), ("sparse", 0.5)]
    table = trivit(*run).out
    emulator = open_backend("emulator")
    for point in points:
        result = emulator.run(BUNDLE, IMAGES, program=point["name"])
        counted = model_cycles(BUNDLE.choose(point["name"]))
        assert (point["cycles"], point["reason"]) == (counted.cycles, counted.reason)
        assert counted.reason is None or counted.reason in table
        assert point["saturations"] == int(result.saturations.sum())
        assert point["top1"] is None
    assert [p["macs"] for p in points] == [None, 7]
    assert "dense" in table and "sparse" in table and "0.00 M" in table


def test_sweep_options_that_contradict_are_refused(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path
) -> None:
    run = ("run", bundle, "--images", images)
    picture = tmp_path / "p.png"
    trivit(*run, "--sweep", "--keep", "0.5").refused("--sweep", "--keep")
    trivit(*run, "--picture", picture).refused("--sweep")
    trivit(*run, "--sweep", "--picture", picture).refused("labels")
    assert not picture.exists()


def test_cycles_of_a_sweep(tmp_path: Path) -> None:
    """They are those of the schedule, whatever backend computes the logits."""
    network = random_network(4)
    layout = network.preprocessing
    shape = (2, layout.channels, layout.height, layout.width)
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for backend in ("reference", "emulator"):
        (point,) = sweep(network, open_backend(backend), pixels, np.arange(2))
        assert point.cycles == modelled_cycles(network) > 100
        assert point.latency_ms == point.cycles / (TIMING["clock_mhz"] * 1e3)
        assert (point.evidence, point.reason) == ("modelled", None)
    assert point.top1 in (0.0, 50.0, 100.0)
    draw_sweep(tmp_path / "sweep.png", [point], "one program")
    assert png.imread(tmp_path / "sweep.png").std() > 0.05


def test_a_board_that_is_not_there_is_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    run = ("run", bundle, "--images", images, "--backend", "board")
    trivit(*run).refused("pynq", "--backend simulation")


def test_a_missing_bundle_is_refused(trivit: Trivit, tmp_path: Path, images: Path) -> None:
    trivit("run", tmp_path / "none.trivit", "--images", images).refused("none.trivit")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_bundle_is_refused(
    trivit: Trivit, bundle: Path, images: Path, share: float
) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(len(data) * share)])
    trivit("run", bundle, "--images", images).refused("program.trivit", "compile it again")


def test_a_wrong_checksum_is_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    parameters = BUNDLE.params.astype("<i2").tobytes()
    data = bytearray(bundle.read_bytes())
    place = bytes(data).index(parameters)
    data[place + len(parameters) // 2] ^= 1
    bundle.write_bytes(bytes(data))
    trivit("run", bundle, "--images", images).refused("program.trivit", "damaged")


def test_a_bundle_of_another_kernel_version_is_refused(
    trivit: Trivit, bundle: Path, images: Path
) -> None:
    bundle.write_bytes(dataclasses.replace(BUNDLE, kernel_version=99).to_bytes())
    trivit("run", bundle, "--images", images).refused("version 99", "compile it again")


@pytest.mark.parametrize("backend", ["reference", "emulator"])
def test_a_program_that_the_kernel_refuses_stops(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path, backend: str
) -> None:
    program = BUNDLE.program.copy()
    program[2, 0] = 0xEE
    bundle.write_bytes(BUNDLE.with_instructions(program).to_bytes())
    logits = tmp_path / "logits.npy"
    outcome = trivit("run", bundle, "--images", images, "--backend", backend, "--logits", logits)
    outcome.refused("instruction 2", "unknown_opcode")
    assert not logits.exists()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (IMAGES.astype(np.float32), ["float32", "uint8"]),
        (IMAGES.astype(np.int64), ["int64", "uint8"]),
        (IMAGES[:, :, :-1], ["images.npy", "shape"]),
        (np.repeat(IMAGES, 3, axis=1), ["shape"]),
        (IMAGES[0, 0], ["shape"]),
        (IMAGES[:0], ["no image"]),
    ],
)
def test_images_of_another_type_or_shape_are_refused(
    trivit: Trivit, bundle: Path, images: Path, array: np.ndarray, words: list[str]
) -> None:
    np.save(images, array)
    trivit("run", bundle, "--images", images).refused(*words)


def test_files_that_hold_no_images_are_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    whole = images.read_bytes()
    archive = io.BytesIO()
    np.savez(archive, a=IMAGES)
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for content in (b"", b"hello", whole[:-7], whole[:20], archive.getvalue(), pickled.getvalue()):
        images.write_bytes(content)
        trivit("run", bundle, "--images", images).refused("images.npy")


def test_missing_images_are_refused(trivit: Trivit, bundle: Path, tmp_path: Path) -> None:
    trivit("run", bundle, "--images", tmp_path / "none.npy").refused("none.npy")


def test_an_unknown_data_set_is_refused(trivit: Trivit, bundle: Path) -> None:
    trivit("run", bundle, "--images", "imagenet").refused("imagenet", "fashion_mnist")


def test_a_data_set_of_another_shape_is_refused(trivit: Trivit, bundle: Path) -> None:
    trivit("run", bundle, "--images", "synthetic").refused("28 x 28", "12 x 12")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of test images, 16 x 16, two of each of ten classes."""
    folder = tmp_path_factory.mktemp("images")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        path = folder / "test" / f"class{number % 10}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    store = folder / "store"
    assert (
        main(["data", "prepare", str(folder / "test"), "--part", "test", "--out", str(store)]) == 0
    )
    return store


def test_images_of_a_store(trivit: Trivit, tmp_path: Path, store: Path) -> None:
    """They are what evaluation sees, with their labels."""
    side = SINGLE.preprocessing.height
    colour, _ = random_bundle(3, Shape(channels=3))
    assert colour.preprocessing.height == side != 16
    path, seen = tmp_path / "program.trivit", tmp_path / "seen.npy"
    path.write_bytes(colour.to_bytes())
    _, images = load_test_images(str(store))
    view = EvaluatedImages(images.first(7), side).in_memory()
    np.save(seen, view.pixels.numpy())
    run = ("run", path, "--backend", "reference", "--json", "--images")
    from_store = json.loads(trivit(*run, store, "--count", 7).out)
    from_file = json.loads(trivit(*run, seen).out)
    assert from_store["classes"] == from_file["classes"]
    right = np.array(from_file["classes"]) == view.labels.numpy()
    assert from_store["top1"] == pytest.approx(100 * right.mean())
    assert "top1" not in from_file


def test_a_store_of_other_classes_or_channels_is_refused(
    trivit: Trivit, bundle: Path, tmp_path: Path, store: Path
) -> None:
    trivit("run", bundle, "--images", store).refused("3 x 16 x 16", "1 x 12 x 12")
    trivit("run", bundle, "--images", tmp_path).refused("neither a store")
    colour, _ = random_bundle(3, Shape(channels=3))
    few = dataclasses.replace(colour, class_names=colour.class_names[:9])
    bundle.write_bytes(few.to_bytes())
    trivit("run", bundle, "--images", store).refused("10 classes and this bundle 9")
