"""Images of a store as training reads them: order, devices, early stops, and the trainer on top."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from trivit.models.augmentation.batches import epoch_batches
from trivit.models.data import (
    DataConfig,
    Images,
    cifar,
    cifar10,
    dataset_info,
    load_dataset,
    train_image_count,
)
from trivit.models.data.sources import open_source
from trivit.models.data.store import PrepareConfig, StoredImages, load_part, prepare
from trivit.models.data.store.prefetch import ThreadFetcher, prefetched
from trivit.models.data.throughput import loading_throughput
from trivit.models.decoding.decode import decode
from trivit.models.errors import ModelsError

from .conftest import folder_files, write_files


@pytest.fixture(scope="module", params=["uint8", "jpeg"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    folder = write_files(root / "images", folder_files(train=20, test=7, kind="jpg", side=16))
    source = open_source(str(folder))
    prepare(source, source, root / "store", PrepareConfig(image_format=request.param))
    return root / "store"


def config(store: Path, **settings: object) -> DataConfig:
    return DataConfig(dataset="store", path=str(store), **settings)  # type: ignore[arg-type]


def images_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("trivit-images")]


def source_pixels(images: StoredImages) -> dict[str, Tensor]:
    part = open_source(str(images.folder.parents[1] / "images")).part(images.folder.name)
    return {
        name: torch.from_numpy(decode(part.read(i)).copy()).permute(2, 0, 1)  # type: ignore[arg-type]
        for i, name in enumerate(part.names)
    }


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_batches_come_in_order_with_the_sources_pixels(store: Path, workers: int) -> None:
    dataset = load_dataset(config(store, workers=workers))
    for images in (dataset.train, dataset.test):
        assert isinstance(images, StoredImages)
        expected, names = source_pixels(images), images.names()
        assert sorted(names) == sorted(expected) and len(names) == len(images)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))
        batches = [order[:5], order[5:6], order[6:18], order[:0], order[3:].flip(0)]
        for indices, pixels in zip(batches, images.stream(iter(batches)), strict=True):
            assert pixels.dtype == torch.uint8 and pixels.shape == (len(indices), 3, 16, 16)
            assert pixels.is_contiguous()
            for index, image in zip(indices.tolist(), pixels, strict=True):
                assert torch.equal(image, expected[names[index]])
                class_name = dataset.info.class_names[int(images.labels[index])]
                assert names[index].startswith(class_name)
        assert not images_threads()


def test_in_memory_is_the_same_set(store: Path) -> None:
    train = load_dataset(config(store)).train
    memory = train.in_memory()
    assert isinstance(memory, Images) and torch.equal(memory.labels, train.labels)
    batches = list(torch.arange(60).flip(0).split(9))
    for ours, theirs in zip(train.stream(batches), memory.stream(batches), strict=True):
        assert torch.equal(ours, theirs)


def test_the_first_images_are_a_mixture_of_classes(store: Path) -> None:
    cut = load_dataset(config(store, train_images=12, test_images=5))
    whole = load_dataset(config(store))
    assert (len(cut.train), len(cut.test)) == (12, 5)
    assert torch.equal(cut.train.labels, whole.train.labels[:12])
    assert set(cut.train.labels.tolist()) == {0, 1, 2}
    assert torch.equal(cut.train.in_memory().pixels, whole.train.in_memory().pixels[:12])
    with pytest.raises(ModelsError, match=r"data.train_images is 61: .*store has 60 of them"):
        load_dataset(config(store, train_images=61))


def test_epochs_of_a_store_and_of_memory_are_equal(store: Path) -> None:
    dataset = load_dataset(config(store))
    settings = config(store, shift=2, flip=True)
    epochs = [
        list(epoch_batches(images, dataset.info, settings, torch.arange(60), 16, seed=5))
        for images in (dataset.train, dataset.train.in_memory())
    ]
    assert len(epochs[0]) == 3
    for ours, theirs in zip(*epochs, strict=True):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.labels, theirs.labels)


def test_an_early_stop_ends_the_threads(store: Path) -> None:
    train = load_dataset(config(store, workers=3)).train
    asked = 0

    def endless() -> Iterator[Tensor]:
        nonlocal asked
        while True:
            asked += 1
            yield torch.arange(10)

    stream = train.stream(endless())
    next(stream)
    assert images_threads() and 1 < asked < 10  # some are read ahead, not all
    stream.close()  # type: ignore[attr-defined]
    assert not images_threads()


def test_an_error_reaches_the_consumer(store: Path) -> None:
    train = load_dataset(config(store, workers=2)).train

    def failing() -> Iterator[Tensor]:
        yield torch.arange(4)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        list(train.stream(failing()))
    assert not images_threads()


def test_a_broken_stored_image_is_one_line(folder: Path, tmp_path: Path) -> None:
    source = open_source(str(folder))
    prepare(source, source, tmp_path / "store", PrepareConfig(image_format="jpeg"))
    train = load_dataset(config(tmp_path / "store", workers=2)).train
    path = tmp_path / "store" / "train" / "images.bin"
    path.write_bytes(bytes(path.stat().st_size))  # after the check, as a disk error would be
    with pytest.raises(ModelsError, match=r"images.bin: image \d+ cannot be decoded .*data verify"):
        train.in_memory()
    assert not images_threads()


def test_work_is_spread_and_fetched_ahead() -> None:
    """The next batches are fetched while the consumer holds one."""
    from concurrent.futures import ThreadPoolExecutor

    fetched: list[int] = []

    def fetch(indices: np.ndarray, out: np.ndarray) -> None:
        fetched.append(len(indices))
        out[:] = indices.reshape(-1, 1, 1, 1)

    with ThreadPoolExecutor(2) as pool:
        fetcher = ThreadFetcher(pool, fetch, slices=2, shape=(1, 1, 1), pinned=False)
        batches = np.split(np.arange(80), 8)
        stream = prefetched(fetcher, batches, torch.device("cpu"), channels_last=False)
        first = next(stream)
        assert first.flatten().tolist() == list(range(10))
        pool.submit(lambda: None).result()
        pool.submit(lambda: None).result()
        assert 6 <= len(fetched) <= 8 and set(fetched) == {5}
        assert torch.cat(list(stream)).flatten().tolist() == list(range(10, 80))


def test_a_store_describes_itself(store: Path) -> None:
    settings = config(store)
    info = dataset_info(settings)
    assert info == load_dataset(settings).info
    assert (info.name, info.class_names) == ("images", ("cat", "dog", "eel"))
    assert train_image_count(settings) == 60
    assert train_image_count(config(store, train_images=9)) == 9
    part_info, test = load_part(store, "test")
    assert part_info == info and len(test) == 21
    assert test.workers == min(len(os.sched_getaffinity(0)), 16)


def test_a_store_without_training_images(store: Path, tmp_path: Path) -> None:
    source = open_source(str(store.parent / "images"))
    prepare(None, source, tmp_path / "test_only")
    settings = config(tmp_path / "test_only")
    with pytest.raises(ModelsError, match="has no train images"):
        load_dataset(settings)
    with pytest.raises(ModelsError, match="has no training images"):
        train_image_count(settings)
    assert len(load_part(tmp_path / "test_only", "test")[1]) == 21


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "store"}, "data.path is missing"),
        ({"dataset": "cifar10", "path": "x"}, "data.path is set"),
        ({"workers": 0}, "data.workers is 0"),
    ],
)
def test_settings_that_do_not_belong_together(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        DataConfig(**settings)  # type: ignore[arg-type]


def test_no_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="is no prepared store: make one with 'trivit data"):
        load_dataset(config(tmp_path))


def test_throughput_counts_what_was_delivered(store: Path) -> None:
    train = load_dataset(config(store)).train
    for images in (train, train.in_memory()):
        measured = loading_throughput(images, batch_size=16, batches=9)
        assert measured.images == 144 and measured.seconds > 0
        assert measured.images_per_second == pytest.approx(144 / measured.seconds)
    assert not images_threads()
    with pytest.raises(ModelsError, match="a batch of 61 is not within the 60 images"):
        loading_throughput(train, batch_size=61, batches=1)
    with pytest.raises(ModelsError, match="0 timed"):
        loading_throughput(train, batch_size=6, batches=0)


def test_the_real_cifar10_in_a_store_is_the_one_in_memory(tmp_path: Path) -> None:
    try:
        found = cifar.find(cifar10.INFO)
    except ModelsError:
        pytest.skip("TRIVIT_DATA names no folder with CIFAR-10")
    prepare(None, open_source(str(found)), tmp_path / "store", PrepareConfig(workers=2))
    info, stored = load_part(tmp_path / "store", "test")
    memory = load_dataset(DataConfig(dataset="cifar10")).test.in_memory()
    assert info.class_names == cifar10.INFO.class_names
    assert info.mean == pytest.approx(cifar10.INFO.mean, abs=0.01)
    assert info.std == pytest.approx(cifar10.INFO.std, abs=0.01)
    assert len(stored) == 10_000
    assert sorted(stored.labels.tolist()) == sorted(memory.labels.tolist())
    if found.is_dir() and (found / "test.zip").is_file():  # these have one order in both
        assert torch.equal(stored.in_memory().pixels, memory.pixels)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_batches_on_cuda(store: Path) -> None:
    train = load_dataset(config(store)).train
    expected = train.in_memory()
    there = train.to(torch.device("cuda"))
    batches = [torch.randint(60, (16,)) for _ in range(40)]
    for indices, pixels in zip(batches, there.stream(batches), strict=True):
        assert pixels.is_cuda and there.labels.is_cuda
        pixels = pixels + 0  # queued work that reads the batch
        assert torch.equal(pixels.cpu(), expected.pixels[indices])
    assert torch.equal(there.in_memory().pixels.cpu(), expected.pixels)
