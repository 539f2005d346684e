"""Datasets by name."""

from trivit.models.data import cifar10, fashion_mnist, synthetic
from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, ImageDataset
from trivit.models.errors import ModelsError

_INFOS = {info.name: info for info in (fashion_mnist.INFO, cifar10.INFO, synthetic.INFO)}


def dataset_info(name: str) -> DatasetInfo:
    """Return the description of the dataset ``name`` without reading it.

    Raises:
        ModelsError: unknown name.
    """
    if name not in _INFOS:
        raise ModelsError(f"unknown dataset '{name}': choose one of {', '.join(_INFOS)}")
    return _INFOS[name]


def load_dataset(config: DataConfig) -> ImageDataset:
    """Read the dataset that ``config`` names, cut to its image counts.

    Raises:
        ModelsError: not found, truncated, corrupt, or fewer images than asked for.
    """
    if config.dataset == "synthetic":
        return synthetic.load(config.train_images, config.test_images)
    is_cifar10 = config.dataset == "cifar10"
    dataset = cifar10.load() if is_cifar10 else fashion_mnist.load(config.download)
    for part, count in (("train", config.train_images), ("test", config.test_images)):
        available = len(getattr(dataset, part))
        if count is not None and count > available:
            raise ModelsError(
                f"data.{part}_images is {count}: {config.dataset} has {available} of them"
            )
    return ImageDataset(
        dataset.info,
        dataset.train.first(config.train_images),
        dataset.test.first(config.test_images),
    )
