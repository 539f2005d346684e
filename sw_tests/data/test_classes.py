"""Classes of a store: none without images unless that is asked for, the same in both parts."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from trivit.models.data.class_names import check_same_classes
from trivit.models.data.sources import open_source
from trivit.models.data.store import (
    PrepareConfig,
    check_store,
    classes_without_images,
    load_part,
    prepare,
)
from trivit.models.errors import ModelsError
from trivit.models.file_lock import store_lock
from trivit.tools.cli.main import main

from .conftest import encoded, smooth_pixels, write_files, write_shard

IMAGE = encoded(smooth_pixels(1))
KEEP = PrepareConfig(empty_classes="keep")


def make(path: Path, out: Path, config: PrepareConfig | None = None) -> None:
    source = open_source(str(path))
    both = "test" in source.parts
    prepare(source, source if both else None, out, config)


@pytest.mark.parametrize("inside", [None, "bird/photo.heic", "bird/.hidden.png"])
def test_an_empty_class_folder(inside: str | None, folder: Path, tmp_path: Path) -> None:
    (folder / "train" / "bird").mkdir()
    if inside:
        write_files(folder / "train", {inside: b"x"})
    with pytest.raises(ModelsError, match=r"the class bird has no images: .*--empty-classes keep"):
        make(folder, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    make(folder, tmp_path / "store", KEEP)
    index = check_store(tmp_path / "store")
    assert index.class_names == ("bird", "cat", "dog", "eel")
    assert classes_without_images(tmp_path / "store", index, "train") == ["bird"]
    labels = load_part(tmp_path / "store", "train")[1].labels
    assert sorted(set(labels.tolist())) == [1, 2, 3]


def test_test_images_need_not_be_of_every_class(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "val" / "dog").iterdir():
        path.unlink()
    (folder / "val" / "strange").mkdir()
    make(folder, tmp_path / "store")
    index = check_store(tmp_path / "store")
    assert classes_without_images(tmp_path / "store", index, "test") == ["dog"]
    (left_out,) = index.parts["test"].left_out
    assert (left_out.reason, left_out.first) == ("folder without images, of no class", "strange")


def test_a_class_whose_images_are_all_corrupt(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "train" / "dog").iterdir():
        path.write_bytes(b"bad")
    with pytest.raises(ModelsError, match="all images of the class dog are corrupt"):
        make(folder, tmp_path / "store", PrepareConfig(on_corrupt="skip"))
    assert not (tmp_path / "store").exists()
    make(folder, tmp_path / "store", PrepareConfig(on_corrupt="skip", empty_classes="keep"))
    assert check_store(tmp_path / "store").parts["train"].images == 10


def test_numbers_without_images(tmp_path: Path) -> None:
    members = [("a.png", IMAGE), ("a.cls", b"0"), ("b.png", IMAGE), ("b.cls", b"3")]
    write_shard(tmp_path / "x" / "train-0.tar", members)
    with pytest.raises(ModelsError, match=r"the class 1 has no images \(2 such classes\)"):
        make(tmp_path / "x", tmp_path / "a")
    make(tmp_path / "x", tmp_path / "a", KEEP)
    (tmp_path / "x" / "classnames.txt").write_text("cat\ndog\neel\nfox")  # names what there may be
    make(tmp_path / "x", tmp_path / "b")
    index = check_store(tmp_path / "b")
    assert classes_without_images(tmp_path / "b", index, "train") == ["dog", "eel"]


def test_what_was_left_out_is_in_the_summary(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(folder, {"train/cat/a.heic": b"", "train/dog/b.heic": b"", "extra/c.png": b""})
    out = ["--out", str(tmp_path / "store")]
    for words in (["prepare", str(folder), *out], ["info", str(tmp_path / "store")]):
        assert main(["data", *words]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "train left out, no image by its name (.heic) 2: cat/a.heic, ..." in shown
        assert "left out, beside the parts 1: extra/c.png" in shown
    assert main(["data", "info", str(tmp_path / "store"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [entry["count"] for entry in figures["parts"]["train"]["left_out"]] == [2]
    assert figures["left_out"] == [
        {"reason": "beside the parts", "count": 1, "first": "extra/c.png"}
    ]
    assert figures["parts"]["train"]["classes_without_images"] == []
    assert check_store(tmp_path / "store").fingerprint == figures["fingerprint"]


def test_a_store_without_notes_on_what_was_left_out_is_read(folder: Path, tmp_path: Path) -> None:
    """As earlier versions wrote it, with the same fingerprint."""
    make(folder, tmp_path / "store")
    text = (tmp_path / "store" / "index.json").read_text()
    assert "left_out" not in text
    index = check_store(tmp_path / "store")
    assert index.left_out == () and index.parts["train"].left_out == ()


def test_parts_of_other_classes_name_the_first_difference(folder: Path, tmp_path: Path) -> None:
    train = open_source(str(folder))
    for name, files, message in (
        ("order", {"dog/a.png": IMAGE, "eel/a.png": IMAGE}, "class 0 is 'dog' there and 'cat' her"),
        (
            "more",
            {f"{c}/a.png": IMAGE for c in ("cat", "dog", "eel", "fox")},
            "class 3 is 'fox' there and missing here",
        ),
    ):
        test = open_source(str(write_files(tmp_path / name, files)))
        with pytest.raises(ModelsError, match=message):
            prepare(train, test, tmp_path / "store")
    write_shard(tmp_path / "s" / "0.tar", [("a.png", IMAGE), ("a.cls", b"0")])
    (tmp_path / "s" / "classnames.txt").write_text("dog\ncat\neel\n")
    with pytest.raises(ModelsError, match="class 0 is 'dog' there and 'cat' here"):
        prepare(train, open_source(str(tmp_path / "s")), tmp_path / "store")


def test_the_same_classes() -> None:
    names = ("caf\u00e9", "dog", "eel")
    check_same_classes("a", ("cafe\u0301", "dog", "eel"), "b", names, "stop")
    check_same_classes("a", ("0", "1", "2"), "b", names, "stop")
    with pytest.raises(ModelsError, match="class 1 is 'eel' in a and 'dog' in b: stop"):
        check_same_classes("a", ("caf\u00e9", "eel", "dog"), "b", names, "stop")
    with pytest.raises(ModelsError, match="a has 2 classes and b 3: stop"):
        check_same_classes("a", ("0", "1"), "b", names, "stop")


def test_the_lock_is_held_until_the_store_has_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last record and the renaming, too, a second process is refused."""
    source = open_source(str(folder))
    refused: list[str] = []
    replace: Callable[..., Path] = Path.replace

    def second(path: Path, target: Path) -> Path:
        if path.name == "store.partial":
            with pytest.raises(ModelsError, match="is preparing") as caught:
                prepare(source, source, tmp_path / "store")
            refused.append(str(caught.value))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", second)
    prepare(source, source, tmp_path / "store")
    assert len(refused) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "store"]


def test_one_of_many_at_once_holds_the_lock(tmp_path: Path) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            try:
                with store_lock(tmp_path / "store"):
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    with lock:
                        inside -= 1
            except ModelsError:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and list(tmp_path.iterdir()) == []
