"""Image folders and zip files as people have them: what is read, refused, or counted."""

import os
import zipfile
from pathlib import Path

import pytest

from trivit.models.data.sources import Source, open_source
from trivit.models.errors import ModelsError

from .conftest import encoded, labelled, smooth_pixels, write_files, write_zip

IMAGE = encoded(smooth_pixels(1))
ONE_EACH = {f"{part}/{name}/a.png": IMAGE for part in ("train", "test") for name in ("cat", "dog")}
NFC, NFD = "caf\u00e9", "cafe\u0301"


def left_out(source: Source, part: str | None = None) -> dict[str, tuple[int, str]]:
    entries = source.left_out if part is None else source.parts[part].left_out
    return {entry.reason: (entry.count, entry.first) for entry in entries}


@pytest.mark.parametrize("folder", ["pets [v2]", "a*b", "what?", "{x,y}", "[!a]"])
def test_signs_of_patterns_in_the_names_of_folders(folder: str, tmp_path: Path) -> None:
    write_files(tmp_path / folder / "in", ONE_EACH)
    source = open_source(str(tmp_path / folder / "in"))
    assert (source.kind, source.class_names) == ("image_folder", ("cat", "dog"))
    write_zip(tmp_path / folder / "x [1].zip", ONE_EACH)
    assert len(open_source(str(tmp_path / folder / "x [1].zip")).part("test")) == 2


@pytest.mark.parametrize("as_zip", [False, True])
def test_every_kind_of_image_is_read_and_the_rest_counted(as_zip: bool, tmp_path: Path) -> None:
    kinds = ("jpg", "JPEG", "jfif", "png", "webp", "bmp", "tif", "TIFF", "gif", "pgm")
    files = {f"train/cat/a.{kind}": b"x" for kind in kinds} | {
        "train/cat/a.heic": b"x",
        "train/cat/b.heic": b"x",
        "train/cat/notes": b"x",
        "train/cat/._a.jpg": b"x",
        "train/cat/@eaDir/a.jpg/SMALL.jpg": b"x",
        "train/.ipynb_checkpoints/a.png": b"x",
        "README.txt": b"x",
        "holdout/cat/a.png": b"x",
        ".DS_Store": b"x",
        "__MACOSX/train/cat/a.png": b"x",
    }
    where = write_zip(tmp_path / "x.zip", files) if as_zip else write_files(tmp_path / "x", files)
    source = open_source(str(where))
    assert source.class_names == ("cat",) and len(source.part("train")) == len(kinds)
    hidden, system = "hidden: the name begins with a dot", "folder of an operating system"
    inside = left_out(source, "train")
    assert inside["no image by its name (.heic)"] == (2, "cat/a.heic")
    assert inside["no image by its name (no suffix)"] == (1, "cat/notes")
    assert inside[hidden][0] == 2 and inside[system][0] == 1
    beside = left_out(source)
    assert beside["beside the parts"] == (2, "README.txt")
    assert beside[hidden] == (1, ".DS_Store") and beside[system][0] == 1


def test_a_validation_folder_beside_a_test_folder_is_counted(tmp_path: Path) -> None:
    source = open_source(str(write_files(tmp_path, {**ONE_EACH, "val/cat/b.png": IMAGE})))
    assert len(source.part("test")) == 2
    assert left_out(source) == {"beside the parts": (1, "val/cat/b.png")}


@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "Valid")])
def test_parts_by_other_names(train: str, test: str, tmp_path: Path) -> None:
    write_files(tmp_path, {f"{train}/cat/a.png": IMAGE, f"{test}/cat/b.png": IMAGE})
    source = open_source(str(tmp_path))
    assert (labelled(source, "train"), labelled(source, "test")) == (
        {"cat/a.png": 0},
        {"cat/b.png": 0},
    )


def test_a_class_that_is_called_train(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{name}/a.png": IMAGE for name in ("apple", "train", "tulip")})
    assert open_source(str(tmp_path)).class_names == ("apple", "train", "tulip")


def test_a_note_beside_the_only_folder_does_not_make_it_a_class(tmp_path: Path) -> None:
    write_files(tmp_path, {f"pets/{name}": data for name, data in ONE_EACH.items()})
    (tmp_path / "LICENSE").touch()
    source = open_source(str(tmp_path))
    assert source.class_names == ("cat", "dog") and set(source.parts) == {"train", "test"}
    assert left_out(source) == {"beside the parts": (1, "LICENSE")}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/a.png": IMAGE}, r"train: a.png lies in no class folder: expected \{train,test\}"),
        ({"a.png": IMAGE}, "a.png lies in no class folder: expected"),
        ({"train/a.txt": b""}, "train has no class folders: expected"),
        (
            {"training_set/cat/a.png": IMAGE, "test_set/cat/a.png": IMAGE},
            "the folders test_set, training_set: call them train and test",
        ),
        (
            {**{f"images/{n}": d for n, d in ONE_EACH.items()}, "boxes/x/a.xml": b""},
            "training and test images in its folder images: name .*/images as the source",
        ),
        (
            {"train/cat/a.png": IMAGE, "Train/cat/a.png": IMAGE},
            "Train and train are both train images: keep one",
        ),
        (
            {f"train/{NFC}/a.png": IMAGE, f"train/{NFD}/b.png": IMAGE},
            r"the class café twice, in two forms of Unicode .*merge the folders",
        ),
    ],
)
def test_layouts_that_would_be_misread(
    files: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelsError, match=message) as caught:
        open_source(str(write_files(tmp_path / "x", files)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("train", "test"), [(NFC, NFD), (NFD, NFC)])
def test_two_forms_of_a_name_are_one_class(train: str, test: str, tmp_path: Path) -> None:
    write_files(tmp_path, {f"train/{train}/a.png": IMAGE, f"test/{test}/a.png": IMAGE})
    source = open_source(str(tmp_path))
    assert source.class_names == (NFC,)
    assert source.part("test").read(0) == IMAGE


def test_folders_whose_names_are_no_text(tmp_path: Path) -> None:
    os.makedirs(os.fsencode(tmp_path) + b"/train/caf\xe9")
    with pytest.raises(ModelsError, match=r"the folder 'caf\\udce9' is no UTF-8: rename it"):
        open_source(str(tmp_path))


def test_links(tmp_path: Path) -> None:
    write_files(tmp_path / "x", {"train/cat/a.png": IMAGE})
    cat = tmp_path / "x" / "train" / "cat"
    (cat / "lost.png").symlink_to("nowhere.png")
    (cat / "lost.txt").symlink_to("nowhere.txt")
    source = open_source(str(tmp_path / "x"))
    assert list(source.part("train").names) == ["cat/a.png", "cat/lost.png"]
    with pytest.raises(OSError):
        source.part("train").read(1)
    assert left_out(source, "train") == {"link to nothing, or no regular file": (1, "cat/lost.txt")}
    (cat / "again").symlink_to(cat.parent)
    with pytest.raises(ModelsError, match="cat/again is a link to a folder that it lies in"):
        open_source(str(tmp_path / "x"))


def zip_of(path: Path, names: dict[str | zipfile.ZipInfo, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return str(path)


def test_zip_files_from_windows(tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): data for name, data in ONE_EACH.items()}
    path = zip_of(tmp_path / "x.zip", {"train\\bird\\": b"", **files})
    source = open_source(path)
    assert source.class_names == ("bird", "cat", "dog")
    assert labelled(source, "test") == {"cat/a.png": 1, "dog/a.png": 2}
    assert source.part("test").read(1) == IMAGE


def test_names_in_zip_files(tmp_path: Path) -> None:
    """UTF-8 with and without the flag that says so, code page 437, and a leading ./"""
    plain = zip_of(tmp_path / "x.zip", {f"./train/{NFC}/a.png": IMAGE})
    data = Path(plain).read_bytes()
    path = tmp_path / "y.zip"
    # Bit 11 of the flags, in the local and in the central header.
    places = data.index(b"PK\3\4") + 7, data.index(b"PK\1\2") + 9
    for packed, name in (("café".encode(), NFC), (b"caf\x82e", "cafée")):
        changed = bytearray(data.replace("café".encode(), packed))
        for place in places:
            changed[place] &= ~0x08
        path.write_bytes(changed)
        assert open_source(str(path)).class_names == (name,)
    assert open_source(plain).class_names == (NFC,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("password", "train/cat/a.png is protected by a password: unpack the zip file"),
        ("method", "compressed by method 9, which Python does not know: unpack the zip file"),
        ("twice", "x.zip holds train/cat/a.png twice: pack it again"),
    ],
)
def test_zip_files_that_cannot_be_read(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    zip_of(path, {"train/cat/a.png": IMAGE})
    data = bytearray(path.read_bytes())
    local, central = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    if change == "password":
        data[local + 6] |= 1
        data[central + 8] |= 1
    elif change == "method":
        data[local + 8] = data[central + 10] = 9
    path.write_bytes(data)
    if change == "twice":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("train\\cat\\a.png", IMAGE)
    with pytest.raises(ModelsError, match=message) as caught:
        open_source(str(path))
    assert "\n" not in str(caught.value)


def test_zip_files_that_were_unpacked_beside(tmp_path: Path) -> None:
    write_files(tmp_path, ONE_EACH)
    write_zip(tmp_path / "train.zip", {"cat/a.png": IMAGE})
    source = open_source(str(tmp_path))
    assert source.class_names == ("cat", "dog")
    assert left_out(source) == {"beside the parts": (1, "train.zip")}
