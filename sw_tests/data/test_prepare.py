"""Preparing stores: contents, resuming after SIGKILL, corrupt images, changes found later."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trivit.models.data.sources import open_source
from trivit.models.data.store import (
    PrepareConfig,
    StoreIndex,
    check_store,
    prepare,
    verify_store,
)
from trivit.models.data.store import prepare as prepare_function
from trivit.models.data.store.index import read_index
from trivit.models.decoding.decode import decode
from trivit.models.errors import ModelsError

from .conftest import contents, encoded, smooth_pixels, write_files

MakeFolder = Callable[..., Path]
prepare_module = sys.modules[prepare_function.__module__]


def make_store(path: Path, out: Path, **settings: object) -> StoreIndex:
    source = open_source(str(path))
    return prepare(source, source, out, PrepareConfig(**settings))  # type: ignore[arg-type]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_module, "CHUNK_IMAGES", 4)


def test_pixels_labels_names_and_measures(folder: Path, tmp_path: Path, small_chunks: None) -> None:
    index = make_store(folder, tmp_path / "store", workers=2)
    assert index == read_index(tmp_path / "store")
    assert index.image_format == "uint8" and index.class_names == ("cat", "dog", "eel")
    source = open_source(str(folder))
    for part, count in (("train", 15), ("test", 6)):
        stored = index.parts[part]
        assert [chunk.images for chunk in stored.chunks] == [4] * (count // 4) + [count % 4 or 4]
        raw = (tmp_path / "store" / part / "images.bin").read_bytes()
        pixels = np.frombuffer(raw, np.uint8).reshape(count, 3, 12, 12)
        images = source.part(part)
        expected = [decode(images.read(i)) for i in range(count)]  # type: ignore[arg-type]
        assert np.array_equal(pixels, np.stack(expected).transpose(0, 3, 1, 2))
        labels = np.fromfile(tmp_path / "store" / part / "labels.bin", dtype="<i8")
        assert labels.tolist() == images.labels.tolist()
        names = (tmp_path / "store" / part / "names.txt").read_text().splitlines()
        assert names == list(images.names)
        if part == "train":
            values = pixels / 255
            assert index.mean == pytest.approx(values.mean((0, 2, 3)), abs=1e-6)
            assert index.std == pytest.approx(values.std((0, 2, 3)), abs=1e-6)


def test_jpeg_files_of_the_right_size_are_kept_as_they_are(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    path = make_folder(kind="jpg")
    make_store(path, tmp_path / "store", image_format="jpeg")
    source = open_source(str(path)).part("train")
    files = [source.read(index) for index in range(len(source))]
    offsets = np.fromfile(tmp_path / "store" / "train" / "offsets.bin", dtype="<i8")
    stored = (tmp_path / "store" / "train" / "images.bin").read_bytes()
    assert [stored[a:b] for a, b in itertools.pairwise(offsets)] == files


@pytest.mark.parametrize("image_format", ["uint8", "jpeg"])
def test_images_are_resized(image_format: str, make_folder: MakeFolder, tmp_path: Path) -> None:
    path = make_folder(side=30)
    write_files(path, {"train/cat/wide.png": encoded(smooth_pixels(3, 20, 50))})
    index = make_store(path, tmp_path / "store", size=16, image_format=image_format)
    assert (index.channels, index.height, index.width) == (3, 16, 16)
    assert index.parts["train"].images == 16


def test_images_of_several_sizes_need_a_size(folder: Path, tmp_path: Path) -> None:
    write_files(folder, {"train/dog/wide.png": encoded(smooth_pixels(3, 20, 50))})
    with pytest.raises(ModelsError, match=r"dog/wide.png is 50 x 20 pixels and the first .*--size"):
        make_store(folder, tmp_path / "store", on_corrupt="skip")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert make_store(folder, tmp_path / "store", size=8).width == 8


@pytest.mark.parametrize("image_format", ["uint8", "jpeg"])
def test_neither_workers_nor_interruptions_change_a_byte(
    image_format: str, make_folder: MakeFolder, tmp_path: Path, small_chunks: None
) -> None:
    path = make_folder(side=20)
    write_files(path, {"train/cat/bad.png": b"bad"})
    settings = {"size": 16, "image_format": image_format, "on_corrupt": "skip"}
    make_store(path, tmp_path / "whole", workers=1, **settings)

    class StopError(Exception):
        pass

    for stop in range(6):  # after each chunk in turn, in the same folder
        seen = 0

        def bar(description: str, total: int, stop: int = stop) -> object:
            class Bar:
                def __enter__(self) -> Callable[[int], None]:
                    return self.advance

                def __exit__(self, *error: object) -> None: ...

                def advance(self, count: int) -> None:
                    nonlocal seen
                    seen += count
                    if seen > 4 * stop:
                        raise StopError

            return Bar()

        source = open_source(str(path))
        config = PrepareConfig(workers=3, **settings)  # type: ignore[arg-type]
        with pytest.raises(StopError):
            prepare(source, source, tmp_path / "cut", config, bar=bar)  # type: ignore[arg-type]
        # What a killed process leaves behind its last record.
        for name in ("train/images.bin", "progress.jsonl"):
            if (partial := tmp_path / "cut.partial" / name).exists():
                with partial.open("ab") as file:
                    file.write(b'{"part": "tr')
    assert not (tmp_path / "cut").exists()
    make_store(path, tmp_path / "cut", workers=2, **settings)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert not (tmp_path / "cut.partial").exists()


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    path = make_folder(train=300, test=30, side=40)
    command = [
        *(sys.executable, "-m", "trivit.tools.cli", "data", "prepare", str(path)),
        *("--format", "jpeg", "--size", "32", "--workers", "2", "--out"),
    ]
    make_store(path, tmp_path / "whole", size=32, image_format="jpeg", workers=2)
    kills = 0
    for _ in range(2):
        process = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL)
        journal = tmp_path / "cut.partial" / "progress.jsonl"
        before = len(journal.read_bytes().splitlines()) if journal.exists() else 0
        while process.poll() is None:
            lines = journal.read_bytes().splitlines() if journal.exists() else []
            if len(lines) > max(before, 1):
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.001)
        kills += process.wait() == -signal.SIGKILL
    assert kills, "the preparation was too fast to be killed"
    make_store(path, tmp_path / "cut", size=32, image_format="jpeg", workers=2)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_finished_store_is_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    first = make_store(folder, tmp_path / "store")
    before = contents(tmp_path / "store")
    assert make_store(folder, tmp_path / "store", workers=2) == first
    assert contents(tmp_path / "store") == before
    with pytest.raises(ModelsError, match="of another source, or its source changed"):
        make_store(folder, tmp_path / "store", size=8)
    write_files(folder, {"train/cat/999.png": encoded(smooth_pixels(999))})
    with pytest.raises(ModelsError, match="of another source, or its source changed"):
        make_store(folder, tmp_path / "store")
    (tmp_path / "other").mkdir()
    with pytest.raises(ModelsError, match="exists and is no store"):
        make_store(folder, tmp_path / "other")


def test_killed_between_index_and_renaming(folder: Path, tmp_path: Path) -> None:
    make_store(folder, tmp_path / "store")
    expected = contents(tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / "store.partial")
    (tmp_path / "store.partial" / "progress.jsonl").write_text("{}\n")
    make_store(folder, tmp_path / "store")
    assert contents(tmp_path / "store") == expected


def test_an_unfinished_store_of_something_else_is_refused(
    folder: Path, make_folder: MakeFolder, tmp_path: Path
) -> None:
    write_files(folder, {"val/eel/bad.png": b"bad"})
    with pytest.raises(ModelsError, match="is corrupt"):
        make_store(folder, tmp_path / "store")
    with pytest.raises(ModelsError, match=r"store.partial is an unfinished preparation of another"):
        make_store(folder, tmp_path / "store", size=8, on_corrupt="skip")
    make_store(folder, tmp_path / "store", on_corrupt="skip")  # that one is continued


def test_a_preparation_killed_before_its_first_record_is_forgotten(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "store.partial").mkdir()
    (tmp_path / "store.partial" / "progress.jsonl").write_text('{"settings": "others"}\n')
    make_store(folder, tmp_path / "store")
    make_store(folder, tmp_path / "new")
    assert contents(tmp_path / "store") == contents(tmp_path / "new")


def test_two_processes_do_not_write_one_store(folder: Path, tmp_path: Path) -> None:
    source = open_source(str(folder))
    reached, go_on = threading.Event(), threading.Event()

    class Bar:
        def __enter__(self) -> Callable[[int], None]:
            reached.set()
            assert go_on.wait(30)
            return lambda count: None

        def __exit__(self, *error: object) -> None: ...

    thread = threading.Thread(
        target=lambda: prepare(source, source, tmp_path / "s", bar=lambda *_: Bar())  # type: ignore[arg-type]
    )
    thread.start()
    assert reached.wait(30)
    try:
        with pytest.raises(ModelsError, match="is preparing"):
            prepare(source, source, tmp_path / "s")
    finally:
        go_on.set()
        thread.join()
    assert check_store(tmp_path / "s").parts["train"].images == 15


@pytest.mark.parametrize("place", [0, 7, 14])
def test_corrupt_images_are_refused_or_skipped(
    place: int, folder: Path, tmp_path: Path, small_chunks: None
) -> None:
    names = [str(p.relative_to(folder)) for p in sorted((folder / "train").rglob("*.png"))]
    data = (folder / names[place]).read_bytes()
    (folder / names[place]).write_bytes(data[: len(data) // 2])
    short = names[place].removeprefix("train/")
    with pytest.raises(ModelsError, match=rf"{short} is corrupt \(.*--on-corrupt skip"):
        make_store(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    index = make_store(folder, tmp_path / "store", on_corrupt="skip")
    part = index.parts["train"]
    assert part.images == 14
    assert [image.name for image in part.corrupt] == [short]
    assert short not in (tmp_path / "store" / "train" / "names.txt").read_text().splitlines()
    source = open_source(str(folder))
    assert verify_store(tmp_path / "store", train=source, test=source) == index


def test_only_corrupt_images_are_no_store(tmp_path: Path) -> None:
    path = write_files(tmp_path / "x", {"train/cat/a.png": b"bad", "train/cat/b.png": b"bad"})
    for settings in ({}, {"size": 8}):
        with pytest.raises(ModelsError, match="no image that can be decoded"):
            source = open_source(str(path))
            config = PrepareConfig(on_corrupt="skip", **settings)  # type: ignore[arg-type]
            prepare(source, None, tmp_path / f"store{len(settings)}", config)


def test_parts_from_different_sources(
    folder: Path, make_folder: MakeFolder, tmp_path: Path
) -> None:
    train, single = open_source(str(folder)), open_source(str(folder / "val"))
    index = prepare(train, single, tmp_path / "a")
    assert (index.parts["train"].images, index.parts["test"].images) == (15, 6)
    index = prepare(None, single, tmp_path / "b")
    assert set(index.parts) == {"test"}
    other = open_source(str(write_files(tmp_path / "other", {"cow/1.png": b""})))
    with pytest.raises(ModelsError, match=r"class 0 is 'cow' there and 'cat' here"):
        prepare(train, other, tmp_path / "c")
    v2 = write_files(tmp_path / "v2", {"3/1.png": encoded(smooth_pixels(1))})
    with pytest.raises(ModelsError, match=r"has label 3 and .* has 3 classes"):
        prepare(train, open_source(str(v2), "imagenet_v2"), tmp_path / "d")
    with pytest.raises(ModelsError, match="has no train images, only: test"):
        prepare(open_source(str(v2), "imagenet_v2"), None, tmp_path / "e")


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "name", ["index.json", "train/labels.bin", "test/names.txt", "train/images.bin"]
)
def test_a_changed_store_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    make_store(folder, tmp_path / "store")
    path = tmp_path / "store" / name
    flip(path, path.stat().st_size // 2)
    with pytest.raises(ModelsError, match=r"prepare the store again") as caught:
        check_store(tmp_path / "store")
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["train/images.bin", "train/labels.bin"])
def test_a_shortened_or_missing_file_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    make_store(folder, tmp_path / "store")
    path = tmp_path / "store" / name
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(ModelsError, match=rf"{name} has {size - 1} bytes and was written with"):
        check_store(tmp_path / "store")
    path.unlink()
    with pytest.raises(ModelsError, match=rf"{name} is missing"):
        check_store(tmp_path / "store")


def test_verifying_finds_what_a_quick_look_misses(
    make_folder: MakeFolder, tmp_path: Path, small_chunks: None
) -> None:
    make_store(make_folder(side=128), tmp_path / "store")
    path = tmp_path / "store" / "train" / "images.bin"
    image = 3 * 128 * 128
    flip(path, 6 * image + 700)  # between the sampled pages
    check_store(tmp_path / "store")
    with pytest.raises(ModelsError, match=r"images.bin has changed .*among images 4 to 7: prepare"):
        verify_store(tmp_path / "store")


def test_a_changed_source_is_found(folder: Path, tmp_path: Path, small_chunks: None) -> None:
    make_store(folder, tmp_path / "store")

    def verify() -> None:
        source = open_source(str(folder))
        verify_store(tmp_path / "store", train=source, test=source, workers=2)

    verify()
    victim = folder / "train" / "dog" / "001.png"
    flip(victim, victim.stat().st_size // 2)  # same name, same size
    with pytest.raises(ModelsError, match=r"among dog/000.png to dog/\d*.png|among cat/004.png"):
        verify()
    victim.unlink()
    with pytest.raises(ModelsError, match="images added, removed, renamed"):
        verify()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "trivit-store/1"}', '{"format": "trivit-store/0"}']
)
def test_a_damaged_index_is_one_line(text: str, folder: Path, tmp_path: Path) -> None:
    make_store(folder, tmp_path / "store")
    (tmp_path / "store" / "index.json").write_text(text)
    with pytest.raises(ModelsError, match=r"index.json .*prepare the store again"):
        check_store(tmp_path / "store")
    (tmp_path / "store" / "index.json").unlink()
    with pytest.raises(ModelsError, match="is no prepared store"):
        check_store(tmp_path / "store")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_format": "png"}, "image_format is 'png': choose one of auto, uint8, jpeg"),
        ({"on_corrupt": "ignore"}, "on_corrupt is 'ignore': choose one of refuse, skip"),
        ({"size": 0}, "size is 0"),
        ({"quality": 101}, "quality is 101"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        PrepareConfig(**settings)  # type: ignore[arg-type]


def test_the_index_is_plain_json(folder: Path, tmp_path: Path) -> None:
    make_store(folder, tmp_path / "store")
    tree = json.loads((tmp_path / "store" / "index.json").read_text())
    assert tree["format"] == "trivit-store/1"
    assert tree["parts"]["train"]["source"] == str(folder)
    assert len(tree["fingerprint"]) == 64
