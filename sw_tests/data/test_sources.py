"""Layouts of data sets: what label each image gets, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trivit.models.data.sources import open_source, split_source
from trivit.models.data.sources.shards import find_shards
from trivit.models.decoding.decode import CorruptImageError, central_square, decode
from trivit.models.errors import ModelsError

from .conftest import (
    CLASSES,
    encoded,
    folder_files,
    labelled,
    smooth_pixels,
    write_files,
    write_shard,
    write_zip,
)

WNIDS = ("n01440764", "n01443537", "n02119789")


@pytest.mark.parametrize("form", ["folder", "zip", "nested zip", "two zips"])
def test_image_folders_in_every_form(form: str, tmp_path: Path) -> None:
    files = folder_files()
    if form == "folder":
        path = write_files(tmp_path / "x", {**files, "train/cat/.hidden.png": b"", "note.txt": b""})
    elif form == "zip":
        path = write_zip(tmp_path / "x.zip", {**files, "__MACOSX/train/cat/a.png": b""})
    elif form == "nested zip":
        path = write_zip(tmp_path / "x.zip", {f"root/x/{name}": d for name, d in files.items()})
    else:
        for part in ("train", "val"):
            inside = {n.partition("/")[2]: d for n, d in files.items() if n.startswith(part)}
            path = write_zip(tmp_path / f"{part}.zip", inside).parent
    source = open_source(str(path))
    assert source.kind == "image_folder" and source.class_names == CLASSES
    for part, folder in (("train", "train"), ("test", "val")):
        images = source.part(part)
        assert len(images) == {"train": 15, "test": 6}[part]
        for index, (name, label) in enumerate(labelled(source, part).items()):
            assert name.split("/")[0] == CLASSES[label]
            assert images.read(index) == files[f"{folder}/{name}"]


def test_test_folders_are_preferred_to_validation_folders(tmp_path: Path) -> None:
    files = folder_files(train=1, test=1)
    files["test/dog/7.png"] = encoded(smooth_pixels(9))
    source = open_source(str(write_files(tmp_path, files)))
    assert labelled(source, "test") == {"dog/7.png": 1}  # class 1, as in training


def test_folders_of_numbers_are_ordered_by_value(tmp_path: Path) -> None:
    files = {f"{number}/a.png": encoded(smooth_pixels(number)) for number in (0, 2, 10, 1)}
    source = open_source(str(write_files(tmp_path, files)))
    assert source.class_names == ("0", "1", "2", "10")
    assert labelled(source, "train") == {"0/a.png": 0, "1/a.png": 1, "2/a.png": 2, "10/a.png": 3}
    assert set(source.parts) == {"all"}


def test_imagenet_v2_folders_are_class_numbers(tmp_path: Path) -> None:
    image = encoded(smooth_pixels(0), "jpeg")
    files = {f"v2/{number}/x.jpeg": image for number in range(1000)}
    write_files(tmp_path, files)
    source = open_source(str(tmp_path / "v2"))
    assert source.kind == "imagenet_v2" and len(source.class_names) == 1000
    assert labelled(source, "test") == {f"{n}/x.jpeg": n for n in range(1000)}
    few = write_files(tmp_path / "few", {"10/x.jpeg": image, "9/x.jpeg": image})
    assert labelled(open_source(str(few), "imagenet_v2"), "test") == {
        "9/x.jpeg": 9,
        "10/x.jpeg": 10,
    }
    write_files(few, {"1000/x.jpeg": image})
    with pytest.raises(ModelsError, match=r"1000/x.jpeg lies in no class folder"):
        open_source(str(few), "imagenet_v2")


def imagenet_files(flat: bool) -> dict[str, bytes]:
    files = {}
    for wnid in WNIDS:
        files[f"train/{wnid}/{wnid}_1.JPEG"] = encoded(smooth_pixels(1), "jpeg")
    # The validation images 1, 2, 3 are of the classes 2, 0, 2.
    for number, label in ((1, 2), (2, 0), (3, 2)):
        name = f"ILSVRC2012_val_{number:08d}.JPEG"
        place = f"val/{name}" if flat else f"val/{WNIDS[label]}/{name}"
        files[place] = encoded(smooth_pixels(number), "jpeg")
    return files


LABEL_FILES = {
    "solution": {
        "LOC_val_solution.csv": "ImageId,PredictionString\n"
        "ILSVRC2012_val_00000003,n02119789 1 2 3 4 n02119789 5 6 7 8\n"
        "ILSVRC2012_val_00000001,n02119789 1 2 3 4\nILSVRC2012_val_00000002,n01440764 9 9 9 9\n"
    },
    "synsets": {"imagenet_2012_validation_synset_labels.txt": "n02119789\nn01440764\nn02119789\n"},
    # The challenge's own numbers: 1 is n02119789 there, the last of the three by name.
    "ground truth": {
        "ILSVRC2012_validation_ground_truth.txt": "1\n449\n1\n",
        "map_clsloc.txt": "n02119789 1 kit_fox\nn01440764 449 tench\nn01443537 450 goldfish\n",
    },
}


@pytest.mark.parametrize("labels", ["folders", *LABEL_FILES])
def test_imagenet_with_every_kind_of_validation_labels(labels: str, tmp_path: Path) -> None:
    write_files(tmp_path, imagenet_files(flat=labels != "folders"))
    for name, text in LABEL_FILES.get(labels, {}).items():
        (tmp_path / name).write_text(text)
    source = open_source(str(tmp_path))
    assert source.kind == "imagenet" and source.class_names == WNIDS
    by_number = {Path(n).stem[-1]: label for n, label in labelled(source, "test").items()}
    assert by_number == {"1": 2, "2": 0, "3": 2}


def test_labels_with_a_byte_order_mark_and_labels_without_an_image(tmp_path: Path) -> None:
    write_files(tmp_path, imagenet_files(flat=True))
    text = LABEL_FILES["solution"]["LOC_val_solution.csv"] + "ILSVRC2012_val_00000004,n0 1\n"
    (tmp_path / "LOC_val_solution.csv").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    test = open_source(str(tmp_path)).part("test")
    assert test.labels.tolist() == [2, 0, 2]
    (unused,) = test.left_out
    assert (unused.reason, unused.first) == (
        "label without an image",
        "ILSVRC2012_val_00000004",
    )


def test_kaggles_layout_has_words_for_classes(tmp_path: Path) -> None:
    write_files(tmp_path / "ILSVRC" / "Data" / "CLS-LOC", imagenet_files(flat=True))
    (tmp_path / "LOC_val_solution.csv").write_text(LABEL_FILES["solution"]["LOC_val_solution.csv"])
    (tmp_path / "LOC_synset_mapping.txt").write_text("n01440764 tench, Tinca\nn02119789 kit fox\n")
    source = open_source(str(tmp_path))
    assert source.class_names == ("tench", "n01443537", "kit fox")
    assert sorted(labelled(source, "test").values()) == [0, 2, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no labels for its flat val folder: put LOC_val_solution.csv"),
        ({"ILSVRC2012_validation_ground_truth.txt": "1\n2\n3\n"}, "no labels for its flat val"),
        ({"imagenet_2012_validation_synset_labels.txt": "n01440764\n"}, "1 labels for 3 images"),
        ({"LOC_val_solution.csv": "a,b\n1,2\n"}, "no columns ImageId"),
        (
            {"LOC_val_solution.csv": "ImageId,PredictionString\nILSVRC2012_val_00000001,n0 1\n"},
            "class n0, which has no training folder",
        ),
        (
            {
                "LOC_val_solution.csv": "ImageId,PredictionString\n"
                "ILSVRC2012_val_00000001,n0 1\nILSVRC2012_val_00000001,n1 1\n"
            },
            "gives ILSVRC2012_val_00000001 two classes",
        ),
        (
            {"LOC_val_solution.csv": "ImageId,PredictionString\nILSVRC2012_val_00000009,n0 1\n"},
            "ILSVRC2012_val_00000001.JPEG has no label",
        ),
    ],
)
def test_imagenet_without_labels_is_refused(
    files: dict[str, str], message: str, tmp_path: Path
) -> None:
    write_files(tmp_path, imagenet_files(flat=True))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelsError, match=message):
        open_source(str(tmp_path))


def shards(folder: Path, prefix: str = "train", count: int = 3) -> list[bytes]:
    """Write shards of two samples; return the images in order. Labels count up."""
    images = []
    for shard in range(count):
        members = []
        for sample in range(2):
            number = 2 * shard + sample
            suffix = ("jpg", "png", "jpeg")[number % 3]
            image = encoded(smooth_pixels(number), suffix)
            images.append(image)
            members += [
                (f"a.b/s{number}.cls", str(number).encode()),
                (f"a.b/s{number}.{suffix}", image),
                (f"a.b/s{number}.json", b"{}"),
            ]
        write_shard(folder / f"{prefix}-{shard:04d}.tar", members)
    return images


@pytest.mark.parametrize(
    "form", ["train-{0000..0002}.tar", "train-*.tar", "train-{0000,0001,0002}.tar", ""]
)
def test_tar_shards_by_pattern(form: str, tmp_path: Path) -> None:
    images = shards(tmp_path)
    source = open_source(str(tmp_path / form))
    assert source.kind == "webdataset" and source.class_names == tuple("012345")
    part = source.part("train")
    assert part.labels.tolist() == list(range(6))
    assert [part.read(index) for index in range(6)] == images


def test_shards_of_two_parts_and_class_names(tmp_path: Path) -> None:
    shards(tmp_path, "set-train")
    shards(tmp_path, "set-val", 1)
    (tmp_path / "classnames.txt").write_text("\n".join("abcdef"))
    source = open_source(str(tmp_path))
    assert source.class_names == tuple("abcdef")
    assert (len(source.part("train")), len(source.part("test"))) == (6, 2)
    shards(tmp_path, "other", 1)
    with pytest.raises(ModelsError, match=r"other-0000.tar is neither training nor test"):
        open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.jpg", b"x")], "sample a has no .cls file"),
        ([("a.cls", b"1")], "sample a has no image"),
        ([("a.jpg", b"x"), ("a.cls", b"cat")], "holds 'cat': expected the number"),
        ([("a.txt", b"x")], "holds no samples"),
    ],
)
def test_bad_samples_are_refused(
    members: list[tuple[str, bytes]], message: str, tmp_path: Path
) -> None:
    path = write_shard(tmp_path / "x.tar", members)
    with pytest.raises(ModelsError, match=message):
        open_source(str(path))


def test_bad_shards_are_refused(tmp_path: Path) -> None:
    shards(tmp_path, count=2)
    with pytest.raises(ModelsError, match=r"train-0002.tar of .* does not exist"):
        open_source(str(tmp_path / "train-{0000..0002}.tar"))
    with pytest.raises(ModelsError, match=r"matches no \.tar file"):
        open_source(str(tmp_path / "nothing-*.tar"))
    path = tmp_path / "train-0001.tar"
    path.write_bytes(path.read_bytes()[:1400])
    with pytest.raises(ModelsError, match=r"train-0001.tar"):
        open_source(str(tmp_path))
    write_shard(path, [("a.jpg", b"x"), ("a.cls", b"1")], "w:gz")
    with pytest.raises(ModelsError, match="a compressed one must be unpacked"):
        open_source(str(tmp_path))


def test_braces(tmp_path: Path) -> None:
    for name in ("a-08", "a-09", "a-10", "b-08", "b-09", "b-10"):
        (tmp_path / f"{name}.tar").touch()
    found = find_shards(str(tmp_path / "{a,b}-{08..10}.tar")).parts["all"]
    assert [path.stem for path in found] == ["a-08", "a-09", "a-10", "b-08", "b-09", "b-10"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/cat/note.txt": b""}, "holds no images in class folders"),
        ({"train/cat/a.png": b"", "train/b.png": b"", "test/cat/a.png": b""}, "b.png lies in no"),
        ({"train/cat/a.png": b"", "test/cow/a.png": b""}, r"cow/a.png lies in no class folder"),
    ],
)
def test_bad_folders_are_refused(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=message):
        open_source(str(write_files(tmp_path, files)))


def test_bad_paths_and_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="does not exist"):
        open_source(str(tmp_path / "none"))
    with pytest.raises(ModelsError, match="unknown kind of source 'imagnet': choose one of auto"):
        open_source(str(tmp_path), "imagnet")
    (tmp_path / "x.rar").touch()
    with pytest.raises(ModelsError, match=r"neither a \.zip"):
        open_source(str(tmp_path / "x.rar"))
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(ModelsError, match=r"cannot read .*x.zip"):
        open_source(str(tmp_path / "x.zip"))


def test_fingerprints_change_with_the_images(folder: Path) -> None:
    def now() -> str:
        return open_source(str(folder)).part("train").fingerprint

    seen = {now()}
    assert seen == {now()}
    (folder / "train/cat/000.png").rename(folder / "train/cat/100.png")
    seen.add(now())
    (folder / "train/cat/100.png").rename(folder / "train/dog/100.png")
    seen.add(now())
    (folder / "train/dog/100.png").write_bytes(b"shorter")
    seen.add(now())
    (folder / "train/dog/100.png").unlink()
    seen.add(now())
    assert len(seen) == 5


def test_which_part_a_source_is(folder: Path, tmp_path: Path) -> None:
    both = open_source(str(folder))
    assert split_source(both) == (both, both)
    assert split_source(both, part="test") == (None, both)
    single = open_source(str(folder / "train"))
    assert split_source(single) == (single, None)
    assert split_source(single, part="test") == (None, single)
    assert split_source(single, both) == (single, both)
    with pytest.raises(ModelsError, match="give only one"):
        split_source(single, both, "test")
    with pytest.raises(ModelsError, match="part is 'val': choose train or test"):
        split_source(single, part="val")


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_damaged_images_are_named_corrupt(kind: str) -> None:
    data = encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8), kind)
    assert decode(data).shape == (40, 40, 3)
    for cut in (0, 1, 10, 60, len(data) // 2, len(data) - 30):
        with pytest.raises(CorruptImageError):
            decode(data[:cut])
    with pytest.raises(CorruptImageError, match="no image"):
        decode(b"<html>not found</html>")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "LA", "1"])
def test_every_mode_becomes_colour(mode: str) -> None:
    buffer = io.BytesIO()
    image = Image.fromarray(smooth_pixels(1)).convert(mode)
    image.save(buffer, "jpeg" if mode == "CMYK" else "png")
    assert decode(buffer.getvalue()).shape == (12, 12, 3)


@pytest.mark.parametrize(("width", "height"), [(60, 20), (20, 60), (20, 20)])
def test_the_central_square_is_resized(width: int, height: int) -> None:
    image = Image.fromarray(smooth_pixels(3, height, width))
    whole = image.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    left, top = (width // 2 - 10) // 2, (height // 2 - 10) // 2
    expected = np.asarray(whole.crop((left, top, left + 10, top + 10)))
    square = np.asarray(central_square(image, 10))
    assert np.abs(square.astype(int) - expected).max() <= 1
