"""``trivit run --images`` with photos: what evaluation sees, and nothing left out unsaid."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from programs import Shape, random_bundle

from trivit.host.backends import open_backend
from trivit.models.augmentation.evaluation import EvaluatedImages, evaluation_view
from trivit.models.data import load_test_images
from trivit.tools.cli import main
from trivit.tools.photos import find_photos, load_photos

from .conftest import Trivit

NAMES = ("Käfer", "cat", "dog", "emu", "fox", "gnu", "hen", "ibis", "jay", "kit")
GREY, _ = random_bundle(3)
COLOUR, _ = random_bundle(3, Shape(channels=3))
SIDE = COLOUR.preprocessing.height


def photo(path: Path, seed: int, size: tuple[int, int] = (30, 40), orientation: int = 1) -> Path:
    """Write a random photo of ``size`` (height, width) with an EXIF orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "program.trivit"
    path.write_bytes(replace(COLOUR, class_names=NAMES[: len(COLOUR.class_names)]).to_bytes())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos, one of them in a subfolder, and a file that is none."""
    folder = tmp_path / "photos [1]"
    for seed, name in enumerate(["b.png", "sub/c.PNG", "a.png"]):
        photo(folder / name, seed)
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_photos_are_the_images_that_evaluation_sees(tmp_path: Path) -> None:
    for seed, orientation in enumerate((1, 1, 6, 3)):
        path = tmp_path / "set" / "test" / f"class{seed % 2}" / f"{seed}.png"
        photo(path, seed, (30, 30), orientation)
    source, store = tmp_path / "set" / "test", tmp_path / "store"
    assert main(["data", "prepare", str(source), "--part", "test", "--out", str(store)]) == 0
    _, images = load_test_images(str(store))
    expected = EvaluatedImages(images, SIDE).in_memory().pixels.numpy()  # type: ignore[arg-type]
    by_name = dict(zip(map(str.lower, images.names()), expected, strict=True))  # type: ignore[attr-defined]
    found, left_out = find_photos([source])
    photos = load_photos(found, (3, SIDE, SIDE))
    assert not left_out and len(photos.files) == 4
    for path, pixels in zip(photos.files, photos.pixels, strict=True):
        (name,) = [name for name in by_name if name.endswith(path.name)]
        np.testing.assert_array_equal(pixels, by_name[name])


def test_each_photo_gets_a_line_with_names_and_top_5(
    trivit: Trivit, bundle: Path, folder: Path
) -> None:
    run = ("run", bundle, "--backend", "reference", "--images", folder)
    outcome = trivit(*run, "--json")
    assert outcome.status == 0, outcome.err
    report = json.loads(outcome.out)
    photos = report["photos"]
    names = ["a.png", "b.png", "sub/c.PNG"]
    assert [row["file"] for row in photos] == [str(folder / name) for name in names]
    assert report["left_out"] == [str(folder / "notes.txt")]
    assert report["unreadable"] == []
    pixels = load_photos([folder / name for name in names], (3, SIDE, SIDE)).pixels
    logits = open_backend("reference").run(COLOUR, pixels).logits
    for row, expected in zip(photos, logits, strict=True):
        top = [guess["class"] for guess in row["top"]]
        assert top == np.argsort(-expected.astype(int), kind="stable")[:5].tolist()
        assert [guess["name"] for guess in row["top"]] == [NAMES[k] for k in top]
        shares = [guess["probability"] for guess in row["top"]]
        values = np.exp(expected / 2.0 ** report["logits_fraction_length"])
        np.testing.assert_allclose(shares, (values / values.sum())[top])
    lines = trivit(*run).out.splitlines()
    best = photos[0]["top"]
    assert lines[0] == f"{folder / 'a.png'}: " + ", ".join(
        f"{guess['name']} {100 * guess['probability']:.1f} %" for guess in best
    )
    assert lines[3] == f"left out 1 files that are no photos by their name: {folder}/notes.txt"
    assert lines[4] == f"3 of 3 photos resized and cut to {SIDE} x {SIDE}"


def test_unreadable_photos_are_named_and_fail_the_command(
    trivit: Trivit, bundle: Path, folder: Path, tmp_path: Path
) -> None:
    whole = photo(tmp_path / "whole.jpg", 7).read_bytes()
    cut = folder / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    run = ("run", bundle, "--backend", "reference", "--images", folder, "--images")
    outcome = trivit(*run, tmp_path / "gone.jpg")
    outcome.refused("2 of 5 photos could not be read", "cut.jpg", "gone.jpg (no such file")
    assert "a.png: " in outcome.out and "cut.jpg: cannot be read" in outcome.out
    report = json.loads(trivit(*run, tmp_path / "gone.jpg", "--json").out)
    assert len(report["photos"]) == 3
    assert [Path(row["file"]).name for row in report["unreadable"]] == ["cut.jpg", "gone.jpg"]
    trivit(*run, cut, "--sweep").refused("2 of 5 photos could not be read")


def test_several_photos_under_any_name(trivit: Trivit, bundle: Path, tmp_path: Path) -> None:
    one = photo(tmp_path / "one.png", 1)
    other = photo(tmp_path / "two.png", 2).rename(tmp_path / "upload")
    run = ("run", bundle, "--backend", "reference", "--json", "--images", one)
    report = json.loads(trivit(*run, "--images", other).out)
    assert [row["file"] for row in report["photos"]] == [str(one), str(other)]
    assert len(json.loads(trivit(*run, "--images", other, "--count", 1).out)["photos"]) == 1


def test_a_model_of_one_channel_sees_luma_and_says_so(tmp_path: Path) -> None:
    colour = photo(tmp_path / "c.png", 1, (SIDE, SIDE))
    Image.open(colour).convert("L").save(tmp_path / "g.png")
    photos = load_photos([colour, tmp_path / "g.png"], (1, SIDE, SIDE))
    np.testing.assert_array_equal(photos.pixels[0], photos.pixels[1])
    np.testing.assert_array_equal(photos.pixels[1, 0], np.asarray(Image.open(tmp_path / "g.png")))
    assert photos.notes == ("1 of 2 photos made grey, as the model takes one channel",)


def test_what_is_no_photo_is_refused_by_name(
    trivit: Trivit, bundle: Path, folder: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "readme.md").write_text("")
    run = ("run", bundle, "--images")
    trivit(*run, empty).refused(str(empty), "folder of photos", "1 other files")
    trivit(*run, tmp_path / "gone.jpg").refused("gone.jpg (no such file or directory)")
    trivit(*run, empty / "readme.md").refused("none of 1 photos can be read", "readme.md")
    trivit(*run, folder, "--images", "fashion_mnist").refused("fashion_mnist", "give it alone")
    trivit(*run, folder, "--images", "x.npy").refused("x.npy", "give it alone")
    (folder / "link").symlink_to(empty)
    assert find_photos([folder])[1] == [folder / "link", folder / "notes.txt"]
    two, _ = random_bundle(3, Shape(channels=2))
    bundle.write_bytes(two.to_bytes())
    trivit(*run, folder).refused(f"2 x {SIDE} x {SIDE}", ".npy")


def test_classes_of_a_store_are_compared_with_the_bundle_s(
    trivit: Trivit, bundle: Path, tmp_path: Path
) -> None:
    count = len(COLOUR.class_names)
    for number in range(count):
        photo(tmp_path / "test" / f"class{number}" / "1.png", number, (SIDE, SIDE))
    store = tmp_path / "store"
    source = str(tmp_path / "test")
    assert main(["data", "prepare", source, "--part", "test", "--out", str(store)]) == 0
    run = ("run", bundle, "--backend", "reference", "--images", store)
    trivit(*run).refused("class 0 is 'class0'", "'Käfer' in this bundle", "same classes")
    names = tuple(f"class{number}" for number in range(count))
    bundle.write_bytes(replace(COLOUR, class_names=names).to_bytes())
    assert json.loads(trivit(*run, "--json").out)["notes"] == []


def test_the_view_of_a_panorama_takes_the_memory_of_its_window() -> None:
    """The whole resized side would be a matrix of 100 GB."""
    pixels = torch.zeros(1, 3, 4, 20_000, dtype=torch.uint8)
    pixels[..., 9_990:10_010] = 200
    view = evaluation_view(pixels, 224)
    assert view.shape == (1, 3, 224, 224)
    assert (view == 200).all()
