"""CIFAR archives: every published form, damaged ones, and pickles that want to run code."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from trivit.models.data import DataConfig, cifar10, cifar100, load_dataset
from trivit.models.data.cifar_archive import LAYOUTS, Layout, read_archive
from trivit.models.data.sources import open_source
from trivit.models.errors import ModelsError

INFOS = {"cifar10": cifar10.INFO, "cifar100": cifar100.INFO}


def make_files(dataset: str, pickled: bool, images: int = 4) -> tuple[Layout, dict[str, bytes]]:
    """Files of the archive with ``images`` images each; labels count up."""
    layout = LAYOUTS[dataset][0 if pickled else 1]
    names = INFOS[dataset].class_names
    files = {}
    for number, name in enumerate((*layout.train, layout.test)):
        pixels = np.random.default_rng(number).integers(0, 256, (images, 3072), dtype=np.uint8)
        labels = [(number + i) % len(names) for i in range(images)]
        if pickled:
            table = {b"data": pixels, str(layout.label).encode(): labels, b"filenames": []}
            files[name] = pickle.dumps(table, protocol=2)
        else:
            coarse = [bytes(7 for _ in range(int(layout.label)))] * images
            rows = zip(coarse, labels, pixels, strict=True)
            files[name] = b"".join(c + bytes([label]) + row.tobytes() for c, label, row in rows)
    key = b"label_names" if dataset == "cifar10" else b"fine_label_names"
    plain = "\n".join(names).encode()
    table = {key: [name.encode() for name in names]}
    files[layout.names] = pickle.dumps(table, protocol=2) if pickled else plain
    return layout, files


def write_tar(path: Path, folder: str, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("pickled", [True, False])
@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_every_published_form(
    dataset: str, pickled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, files = make_files(dataset, pickled)
    write_tar(tmp_path / "tar" / layout.archive, layout.folder, files)
    (tmp_path / "open" / layout.folder).mkdir(parents=True)
    for name, data in files.items():
        (tmp_path / "open" / layout.folder / name).write_bytes(data)
    found = []
    for place in ("tar", "open"):
        monkeypatch.setenv("TRIVIT_DATA", str(tmp_path / place))
        loaded = load_dataset(DataConfig(dataset=dataset))  # type: ignore[arg-type]
        assert loaded.info == INFOS[dataset]
        assert len(loaded.train) == 4 * len(layout.train) and len(loaded.test) == 4
        found.append(loaded.test.in_memory())
    test = np.random.default_rng(len(layout.train)).integers(0, 256, (4, 3072), dtype=np.uint8)
    for images in found:
        assert torch.equal(images.pixels, torch.from_numpy(test).view(4, 3, 32, 32))
        assert images.labels.tolist() == [len(layout.train) + i for i in range(4)]
    source = open_source(str(tmp_path / "tar" / layout.archive))
    assert (source.kind, source.name) == ("cifar", dataset)
    assert np.array_equal(source.part("test").read(2), found[0].pixels[2].permute(1, 2, 0).numpy())


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("echo executed > /dev/null",)


@pytest.mark.parametrize("value", [Malicious(), {b"data": Malicious()}, np.float64, print])
def test_a_pickle_may_build_arrays_only(
    value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, files = make_files("cifar10", True)
    files["data_batch_3"] = pickle.dumps(value, protocol=2)
    path = write_tar(tmp_path / layout.archive, layout.folder, files)

    def executed(command: str) -> int:
        pytest.fail("the pickle ran a command")

    monkeypatch.setattr(os, "system", executed)
    with pytest.raises(ModelsError, match=r"data_batch_3 \(it names .*: fetch the archive again"):
        read_archive(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("data_batch_2", b"\x80\x02}", "data_batch_2"),
        ("data_batch_2", pickle.dumps([1], protocol=2), "is no table"),
        ("data_batch_2", pickle.dumps({"labels": [1]}, protocol=2), "no 'data'"),
        (
            "data_batch_2",
            pickle.dumps({"data": np.zeros((2, 9), np.uint8), "labels": [1, 2]}, protocol=2),
            r"shape \(2, 9\)",
        ),
        (
            "data_batch_1",
            pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}, protocol=2),
            "label 10 of 10 classes",
        ),
        ("batches.meta", pickle.dumps({}, protocol=2), "no class names"),
    ],
)
def test_a_damaged_batch_is_one_line(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    layout, files = make_files("cifar10", True)
    path = write_tar(tmp_path / layout.archive, layout.folder, {**files, name: data})
    with pytest.raises(ModelsError, match=message) as caught:
        read_archive(path)
    assert "\n" not in str(caught.value)


def test_a_cut_binary_file_is_refused(tmp_path: Path) -> None:
    layout, files = make_files("cifar100", False)
    files["train.bin"] = files["train.bin"][:-5]
    path = write_tar(tmp_path / layout.archive, layout.folder, files)
    with pytest.raises(ModelsError, match=r"train.bin has 12291 bytes, no multiple of 3074"):
        read_archive(path)


@pytest.mark.parametrize("cut", [0, 10, 200, 2000])
def test_a_cut_archive_is_refused(cut: int, tmp_path: Path) -> None:
    layout, files = make_files("cifar10", True)
    path = write_tar(tmp_path / layout.archive, layout.folder, files)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelsError, match="fetch the archive again"):
        read_archive(path)


def test_a_batch_that_is_in_the_archive_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-python.tar"
    with tarfile.open(path, "w") as archive:
        for folder in ("a", "b"):
            archive.addfile(tarfile.TarInfo(f"{folder}/test_batch"))
    with pytest.raises(ModelsError, match="holds test_batch twice"):
        read_archive(path)


def test_another_archive_is_not_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelsError, match="neither CIFAR-10 nor CIFAR-100"):
        read_archive(write_tar(tmp_path / "cifar-10-other.tar.gz", "x", {"a": b"b"}))
    layout, files = make_files("cifar10", True)
    swapped = tmp_path / "data" / LAYOUTS["cifar100"][0].archive
    write_tar(swapped, layout.folder, files)
    monkeypatch.setenv("TRIVIT_DATA", str(tmp_path / "data"))
    with pytest.raises(ModelsError, match="is no cifar100 with its usual classes"):
        load_dataset(DataConfig(dataset="cifar100"))
    monkeypatch.delenv("TRIVIT_DATA")
    with pytest.raises(ModelsError, match=r"CIFAR-100 was not found: .*cifar-100-python.tar.gz"):
        load_dataset(DataConfig(dataset="cifar100"))
