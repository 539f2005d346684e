"""Datasets: damaged files, the search order, downloads, augmentation."""

import gzip
import hashlib
import io
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch

from trivit.models.augmentation.batches import augment, epoch_batches
from trivit.models.data import DataConfig, Images, fashion_mnist, load_dataset, synthetic
from trivit.models.data.idx import parse_idx, read_idx
from trivit.models.errors import ModelsError


def idx_bytes(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


def write_fashion(folder: Path, train: int = 30, test: int = 20) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(0)
    for split, count in (("train", train), ("t10k", test)):
        images = source.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = source.integers(0, 10, count, dtype=np.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{split}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(values)))
    return folder


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No dataset anywhere: an empty cache and no system folder."""
    monkeypatch.delenv("TRIVIT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path


def test_idx_round_trip(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx_bytes(values)))
    (tmp_path / "b").write_bytes(idx_bytes(values))
    for name in ("a.gz", "b"):
        assert torch.equal(read_idx(tmp_path / name), torch.from_numpy(values))


@pytest.mark.parametrize("cut", [0, 3, 7, 20])
def test_truncated_idx_is_refused(cut: int) -> None:
    data = idx_bytes(np.zeros((2, 3, 4), dtype=np.uint8))
    with pytest.raises(ModelsError, match="fetch the dataset again"):
        parse_idx(data[:cut], "file")


def test_idx_of_other_numbers_is_refused() -> None:
    with pytest.raises(ModelsError, match="no IDX file of unsigned bytes"):
        parse_idx(bytes([0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "file")


@pytest.mark.parametrize("damage", ["truncate", "flip", "text"])
def test_damaged_gzip_is_one_line(
    damage: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_fashion(nowhere / "data")
    monkeypatch.setenv("TRIVIT_DATA", str(folder))
    path = folder / "train-images-idx3-ubyte.gz"
    data = bytearray(path.read_bytes())
    if damage == "truncate":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[len(data) // 2] ^= 0xFF
    else:
        data = bytearray(b"<html>not found</html>")
    path.write_bytes(data)
    with pytest.raises(ModelsError, match=r"train-images-idx3-ubyte.gz") as caught:
        fashion_mnist.load(download=False)
    assert "\n" not in str(caught.value)


def test_labels_must_fit_the_images(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_fashion(nowhere / "data")
    monkeypatch.setenv("TRIVIT_DATA", str(folder))
    labels = folder / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros(29, dtype=np.uint8))))
    with pytest.raises(ModelsError, match="29 labels for 30 images"):
        fashion_mnist.load()
    labels.write_bytes(gzip.compress(idx_bytes(np.full(30, 10, dtype=np.uint8))))
    with pytest.raises(ModelsError, match="label 10"):
        fashion_mnist.load()


def test_search_order(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = write_fashion(nowhere / "cache" / "trivit" / "fashion-mnist")
    assert fashion_mnist.find_folder() == cache
    system = write_fashion(nowhere / "system")
    assert fashion_mnist.find_folder() == system
    chosen = write_fashion(nowhere / "chosen" / "fashion-mnist")
    monkeypatch.setenv("TRIVIT_DATA", str(nowhere / "chosen"))
    assert fashion_mnist.find_folder() == chosen
    direct = write_fashion(nowhere / "chosen")
    assert fashion_mnist.find_folder() == direct


def test_incomplete_folders_are_passed_over(nowhere: Path) -> None:
    system = write_fashion(nowhere / "system")
    (system / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ModelsError, match="dataset-fashion-mnist, or set TRIVIT_DATA"):
        fashion_mnist.find_folder(download=False)


def test_no_network_names_every_remedy(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str, timeout: float) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(fashion_mnist.urllib.request, "urlopen", fail)
    with pytest.raises(ModelsError, match=r"no network.*dataset-fashion-mnist.*TRIVIT_DATA"):
        fashion_mnist.load()
    assert not list((nowhere / "cache").rglob("*.gz"))


def test_download_is_verified(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = write_fashion(nowhere / "server")

    def serve(url: str, timeout: float) -> io.BytesIO:
        return io.BytesIO((server / url.rsplit("/", 1)[1]).read_bytes())

    monkeypatch.setattr(fashion_mnist.urllib.request, "urlopen", serve)
    with pytest.raises(ModelsError, match="wrong SHA-256"):
        fashion_mnist.load()
    assert not list((nowhere / "cache").rglob("*ubyte*"))
    digests = {
        name: hashlib.sha256(gzip.decompress((server / f"{name}.gz").read_bytes())).hexdigest()
        for name in fashion_mnist.CONTENT_SHA256
    }
    monkeypatch.setattr(fashion_mnist, "CONTENT_SHA256", digests)
    assert len(fashion_mnist.load().train) == 30
    monkeypatch.setattr(fashion_mnist.urllib.request, "urlopen", None)  # the cache serves now
    assert len(fashion_mnist.load().test) == 20


def test_the_real_files_have_the_recorded_checksums() -> None:
    folder = fashion_mnist.SYSTEM_FOLDER
    if not folder.is_dir():
        pytest.skip("Debian package dataset-fashion-mnist is not installed")
    for name, digest in fashion_mnist.CONTENT_SHA256.items():
        content = gzip.decompress((folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == digest


def test_counts_cut_the_dataset(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_DATA", str(write_fashion(nowhere / "data")))
    dataset = load_dataset(DataConfig(train_images=12, test_images=5))
    assert (len(dataset.train), len(dataset.test)) == (12, 5)
    assert dataset.train.pixels.shape == (12, 1, 28, 28)
    with pytest.raises(ModelsError, match="train_images is 31: fashion_mnist has 30"):
        load_dataset(DataConfig(train_images=31))


def test_cifar10_from_zip_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image_module = pytest.importorskip("PIL.Image")
    import zipfile

    source = np.random.default_rng(0)
    stored: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        with zipfile.ZipFile(tmp_path / f"{split}.zip", "w") as archive:
            for name in ("cat", "truck"):
                pixels = source.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                stored[name] = pixels
                buffer = io.BytesIO()
                image_module.fromarray(pixels).save(buffer, "png")
                archive.writestr(f"{name}/0000.png", buffer.getvalue())
    monkeypatch.setenv("TRIVIT_DATA", str(tmp_path))
    test = load_dataset(DataConfig(dataset="cifar10")).test
    for label, name in ((3, "cat"), (9, "truck")):
        index = test.labels.tolist().index(label)
        assert np.array_equal(test.pixels[index].permute(1, 2, 0).numpy(), stored[name])
    (tmp_path / "test.zip").write_bytes((tmp_path / "test.zip").read_bytes()[:100])
    with pytest.raises(ModelsError, match=r"cannot read .*test.zip"):
        load_dataset(DataConfig(dataset="cifar10"))


def test_cifar10_needs_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_DATA", str(tmp_path))
    with pytest.raises(ModelsError, match="CIFAR-10 was not found: set TRIVIT_DATA"):
        load_dataset(DataConfig(dataset="cifar10"))


def test_synthetic_images_are_always_the_same() -> None:
    first, second = synthetic.load(50, 20), synthetic.load(50, 20)
    assert torch.equal(first.train.pixels, second.train.pixels)
    assert not torch.equal(first.train.pixels[:20], first.test.pixels)


def test_normalisation_is_the_documented_formula() -> None:
    info = fashion_mnist.INFO
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    expected = [(v / 255 - 0.2860) / 0.3530 for v in range(256)]
    assert info.normalise(pixels, torch.float64).flatten().tolist() == pytest.approx(expected)


def test_shift_and_flip_move_whole_images() -> None:
    pixels = torch.randint(1, 256, (64, 2, 6, 6), dtype=torch.uint8)
    moved = augment(pixels, 1, True, torch.Generator().manual_seed(0))
    seen = set()
    for image, result in zip(pixels, moved, strict=True):
        matches = []
        for flip in (False, True):
            padded = torch.nn.functional.pad(image.flip(-1) if flip else image, (1, 1, 1, 1))
            for dy in range(3):
                for dx in range(3):
                    if torch.equal(padded[:, dy : dy + 6, dx : dx + 6], result):
                        matches.append((flip, dy, dx))
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) > 12
    assert torch.equal(augment(pixels, 0, False, torch.Generator()), pixels)


def test_an_epoch_shows_each_example_in_play_once() -> None:
    pixels = torch.arange(40, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    images = Images(pixels, torch.arange(40) % 10)
    in_play = torch.arange(0, 40, 2)

    def order(seed: int) -> list[int]:
        batches = list(epoch_batches(images, synthetic.INFO, DataConfig(), in_play, 6, seed))
        for batch in batches:
            assert torch.equal(batch.labels, batch.indices % 10)
            shown = (batch.images[:, 0, 0, 0] * 0.3 + 0.25) * 255
            assert torch.equal(shown.round().long(), batch.indices)
        return torch.cat([batch.indices for batch in batches]).tolist()

    first = order(1)
    assert len(first) == 18  # three batches of six; the incomplete one is left out
    assert len(set(first)) == 18
    assert set(first) <= set(in_play.tolist())
    assert order(1) == first
    assert order(2) != first
