"""Datasets by name."""

from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from trivit.models.data import cifar10, cifar100, fashion_mnist, synthetic
from trivit.models.data.config import DataConfig, DatasetName
from trivit.models.data.dataset import DatasetInfo, ImageDataset, ImageSource
from trivit.models.data.store.images import load_part, load_store
from trivit.models.data.store.index import read_index
from trivit.models.errors import ModelsError

_INFOS = {
    info.name: info for info in (fashion_mnist.INFO, cifar10.INFO, cifar100.INFO, synthetic.INFO)
}
_NAMED = [name for name in get_args(DatasetName) if name != "store"]
_TRAIN_IMAGES = {
    "fashion_mnist": 60_000,
    "cifar10": 50_000,
    "cifar100": 50_000,
    "synthetic": synthetic.TRAIN_IMAGES,
}


def dataset_info(data: DataConfig | str) -> DatasetInfo:
    """Return the description of a dataset, given its settings or its name, without its images.

    Raises:
        ModelsError: unknown name, or no store at the path of one.
    """
    if isinstance(data, DataConfig) and data.dataset == "store":
        return read_index(Path(str(data.path)).expanduser()).info
    name = data.dataset if isinstance(data, DataConfig) else data
    if name not in _INFOS:
        raise ModelsError(f"unknown dataset '{name}': choose one of {', '.join(_INFOS)}")
    return _INFOS[name]


def data_at(config: DataConfig, where: str) -> DataConfig:
    """Return ``config`` with the images of another data set, by name, or of the store ``where``.

    Raises:
        ModelsError: neither.
    """
    if where in _NAMED:
        return replace(config, dataset=cast(DatasetName, where), path=None)
    if Path(where).expanduser().is_dir():
        return replace(config, dataset="store", path=where)
    raise ModelsError(
        f"no data set '{where}': name one of {', '.join(_NAMED)}, or a folder that "
        "'trivit data prepare' made"
    )


def train_image_count(data: DataConfig) -> int:
    """Return the number of training images without reading them.

    Raises:
        ModelsError: no store at the path of one, or it has no training images.
    """
    if data.dataset == "store":
        index = read_index(Path(str(data.path)).expanduser())
        if "train" not in index.parts:
            raise ModelsError(f"{data.path} has no training images: prepare it with some")
        count = index.parts["train"].images
    else:
        count = _TRAIN_IMAGES[data.dataset]
    return count if data.train_images is None else min(count, data.train_images)


def load_dataset(config: DataConfig) -> ImageDataset:
    """Open the dataset that ``config`` names, cut to its image counts, on the CPU.

    Raises:
        ModelsError: not found, truncated, corrupt, changed since it was prepared, or fewer images
            than asked for.
    """
    if config.dataset == "synthetic":
        return synthetic.load(config.train_images, config.test_images)
    dataset = _load(config)
    for part, count in (("train", config.train_images), ("test", config.test_images)):
        available = len(getattr(dataset, part))
        if count is not None and count > available:
            raise ModelsError(
                f"data.{part}_images is {count}: {config.path or config.dataset} has {available} "
                "of them"
            )
    return ImageDataset(
        dataset.info,
        dataset.train.first(config.train_images),
        dataset.test.first(config.test_images),
    )


def load_test_images(source: str, workers: int | None = None) -> tuple[DatasetInfo, ImageSource]:
    """Open the test images of a dataset or store, on the CPU, and their description.

    A store needs no training images for that.

    Args:
        source: name of a dataset, or folder of a store.
        workers: threads that read a store (``None``: one for each core, at most 16).

    Raises:
        ModelsError: neither, or it cannot be read, or the store has no test images.
    """
    config = data_at(DataConfig(), source)
    if config.path is not None:
        return load_part(Path(config.path).expanduser(), "test", workers)
    dataset = load_dataset(config)
    return dataset.info, dataset.test


def _load(config: DataConfig) -> ImageDataset:
    if config.dataset == "store":
        return load_store(config)
    if config.dataset == "fashion_mnist":
        return fashion_mnist.load(config.download)
    return cifar10.load() if config.dataset == "cifar10" else cifar100.load()
