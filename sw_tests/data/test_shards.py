"""Tar shards as people have them: WebDataset's rule for keys, labels, and what is left out."""

import io
import tarfile
from pathlib import Path

import pytest

from trivit.models.data.sources import Source, open_source
from trivit.models.errors import ModelsError

from .conftest import encoded, labelled, smooth_pixels, write_shard

IMAGE = encoded(smooth_pixels(1))
Members = list[tuple[str, bytes]]


def sample(key: str, label: object = 0) -> Members:
    return [(f"{key}.png", IMAGE), (f"{key}.cls", str(label).encode())]


def left_out(source: Source, part: str | None = None) -> dict[str, tuple[int, str]]:
    entries = source.left_out if part is None else source.parts[part].left_out
    return {entry.reason: (entry.count, entry.first) for entry in entries}


def test_keys_end_at_the_first_dot_and_the_rest_is_counted(tmp_path: Path) -> None:
    members = [m for i in range(6) for m in sample(f"b{i}.v2" if i % 2 else f"b{i}", i)]
    members += [("b6.png", IMAGE), ("b6.mask.png", IMAGE), ("b6.cls", b"6"), ("b6.json", b"")]
    members += [("._b7.png", b"x"), ("note.txt", b"x")]
    write_shard(tmp_path / "train-0.tar", members)
    (tmp_path / "index.json").touch()
    source = open_source(str(tmp_path))
    assert labelled(source, "train") == {f"train-0.tar/b{i}.png": i for i in (0, 2, 4, 6)}
    assert left_out(source, "train") == {
        "no image or .cls: the key ends at the first dot": (8, "train-0.tar/b1.v2.cls"),
        "hidden: the name begins with a dot": (1, "train-0.tar/._b7.png"),
    }
    assert left_out(source) == {"no shard by its name (.json)": (1, "index.json")}


def test_hidden_files_do_not_part_a_sample(tmp_path: Path) -> None:
    image, label = sample("a")
    path = write_shard(tmp_path / "x.tar", [image, ("._a.png", b"x"), label])
    assert labelled(open_source(str(path)), "all") == {"x.tar/a.png": 0}


@pytest.mark.parametrize("kind", ["webp", "bmp", "tif", "JPEG"])
def test_other_kinds_of_images_are_read(kind: str, tmp_path: Path) -> None:
    path = write_shard(tmp_path / "x.tar", [(f"a.{kind}", b"x"), ("a.CLS", b" 0\n")])
    assert labelled(open_source(str(path)), "all") == {f"x.tar/a.{kind}": 0}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([*sample("a"), *sample("b"), *sample("a")], "x.tar holds the sample a twice"),
        ([*sample("a"), *sample("a")], "x.tar holds a.png twice"),
        ([("a.png", IMAGE), ("a.jpg", IMAGE), ("a.cls", b"0")], "has the images .png, .jpg: keep"),
        (sample("a", 99_999_999), "a.cls holds the label 99999999: there may be 65,536 classes"),
        (sample("a", "9" * 5000), r"a.cls holds '9{32}': expected the number"),
        (sample("a", -1), "holds '-1': expected the number of a class"),
        (sample("a", 1.0), "holds '1.0': expected the number"),
        (sample("a", "1,2"), "holds '1,2': expected the number"),
        (sample("a", ""), "holds '': expected the number"),
        ([("a.heic", b"x"), ("a.cls", b"0")], "sample a has no image, only .heic, .cls"),
    ],
)
def test_samples_that_would_be_misread(members: Members, message: str, tmp_path: Path) -> None:
    path = write_shard(tmp_path / "x.tar", members)
    with pytest.raises(ModelsError, match=message) as caught:
        open_source(str(path))
    assert "\n" not in str(caught.value)


def test_a_key_may_occur_in_several_shards(tmp_path: Path) -> None:
    for name, label in (("a/0.tar", 0), ("b/0.tar", 1)):
        write_shard(tmp_path / name, sample("s", label))
    assert labelled(open_source(str(tmp_path)), "all") == {"a/0.tar/s.png": 0, "b/0.tar/s.png": 1}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"cat\r\ndog\r\n\r\n", ("cat", "dog")),
        (b"\xef\xbb\xbfcat\ndog\n\n\n", ("cat", "dog")),
        ("cafe\u0301\n dog ".encode(), ("caf\u00e9", "dog")),
        ("a\u2028b\ndog".encode(), ("a\u2028b", "dog")),
    ],
)
def test_class_names_of_every_editor(text: bytes, names: tuple[str, ...], tmp_path: Path) -> None:
    write_shard(tmp_path / "train-0.tar", [*sample("a", 0), *sample("b", 1)])
    (tmp_path / "classnames.txt").write_bytes(text)
    assert open_source(str(tmp_path)).class_names == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"cat\n\ndog\n", "classnames.txt: line 2 is blank"),
        (b"cat\n", "b.cls holds the label 1: classnames.txt names 1 classes"),
        ("café\nx".encode("latin1"), r"classnames.txt is no UTF-8 text \(byte 3\)"),
        ("cat\ndog".encode("utf-16"), "classnames.txt is no UTF-8 text"),
        (b"\n", "names no class"),
    ],
)
def test_class_names_that_do_not_fit(text: bytes, message: str, tmp_path: Path) -> None:
    write_shard(tmp_path / "train-0.tar", [*sample("a", 0), *sample("b", 1)])
    (tmp_path / "classnames.txt").write_bytes(text)
    with pytest.raises(ModelsError, match=message):
        open_source(str(tmp_path))


def test_signs_of_patterns_in_the_names_of_folders(tmp_path: Path) -> None:
    folder = tmp_path / "a [v2] {x}" / "in*"
    for name in ("train-0.tar", "train-1.tar", "b{1}.tar"):
        write_shard(folder / name, sample("s"))
    for pattern, count in (
        ("train-*.tar", 2),
        ("train-{0..1}.tar", 2),
        ("train-[1].tar", 1),
        ("b{1}.tar", 1),
    ):
        source = open_source(str(folder / pattern))
        assert source.kind == "webdataset"
        assert sum(map(len, source.parts.values())) == count, pattern
    with pytest.raises(ModelsError, match=r"pets \[v3\] does not exist, or matches no .tar file"):
        open_source(str(tmp_path / "pets [v3]"))
    with pytest.raises(ModelsError, match=r"matches .*train-0.tar twice"):
        open_source(str(folder / "{train-*,train-0}.tar"))


def test_parts_by_the_folders_of_a_pattern(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        write_shard(tmp_path / part / "0.tar", sample(part))
    source = open_source(str(tmp_path / "{train,val}" / "0.tar"))
    assert {name: len(part) for name, part in source.parts.items()} == {"train": 1, "test": 1}
    source = open_source(str(tmp_path))
    assert list(source.part("test").names) == ["0.tar/test.png"]
    assert left_out(source) == {"beside the parts": (1, "val/0.tar")}


def test_shards_beside_other_files(tmp_path: Path) -> None:
    write_shard(tmp_path / "train-0.tar", sample("a"))
    write_shard(tmp_path / "train-1.tar.gz", sample("b"), "w:gz")
    with pytest.raises(ModelsError, match=r"train-1.tar.gz is compressed: unpack it"):
        open_source(str(tmp_path))
    (tmp_path / "train-1.tar.gz").unlink()
    (tmp_path / "train" / "cat").mkdir(parents=True)
    (tmp_path / "train" / "cat" / "a.png").write_bytes(IMAGE)
    with pytest.raises(ModelsError, match=r"a shard \(train-0.tar\) and images .*--kind"):
        open_source(str(tmp_path))
    assert open_source(str(tmp_path), "image_folder").class_names == ("cat",)
    assert len(open_source(str(tmp_path), "webdataset").part("train")) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("cut", "ends without the mark of its end"),
        ("joined", r"goes on behind its end \(byte \d+\)"),
        ("header", r"goes on behind its end \(byte \d+\)"),
        ("link", "b.png is a link or no regular file"),
    ],
)
def test_damage_that_python_takes_for_the_end(damage: str, message: str, tmp_path: Path) -> None:
    path = write_shard(tmp_path / "x.tar", [*sample("a"), *sample("b")])
    data = path.read_bytes()
    second = data.index(b"b.png\0")
    if damage == "cut":
        path.write_bytes(data[:second])
    elif damage == "joined":
        path.write_bytes(data + data)
    elif damage == "header":
        path.write_bytes(data[:second] + b"x" * 512 + data[second + 512 :])
    else:
        with tarfile.open(path, "a") as archive:
            link = tarfile.TarInfo("b.png")
            link.type, link.linkname = tarfile.LNKTYPE, "a.png"
            archive.addfile(link, io.BytesIO())
    with pytest.raises(ModelsError, match=message) as caught:
        open_source(str(path))
    assert "\n" not in str(caught.value)
