"""The images of a run: what identifies them, whether they fit its model, and where they are now.

A checkpoint describes the images that it was trained on (``fingerprint``), so that a run goes on
with no others, and is used where its store has moved to, never with the mean or the classes of
other images.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from trivit.models.data import (
    DataConfig,
    DatasetInfo,
    ImageDataset,
    Images,
    ImageSource,
    data_at,
    dataset_info,
    load_dataset,
)
from trivit.models.data.class_names import check_same_classes
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.model_config import ModelConfig

Saved = Mapping[str, Any]

# Of the pixels in memory so many images are read, evenly spread: all of them would take seconds.
_SAMPLED = 512


def check_fit(vit: ModelConfig, info: DatasetInfo) -> None:
    """Check that the model takes the images; their size, training and evaluation adjust.

    Raises:
        ModelsError: other channels or classes.
    """
    if info.channels != vit.in_channels:
        raise ModelsError(
            f"dataset {info.name} has images of {info.channels} channels and the model takes "
            f"{vit.in_channels}: set model.in_channels, or choose a matching model"
        )
    if len(info.class_names) != vit.num_classes:
        raise ModelsError(
            f"dataset {info.name} has {len(info.class_names)} classes and the model "
            f"{vit.num_classes}: set model.num_classes"
        )


def check_shift(shift: int, info: DatasetInfo) -> None:
    """Check that ``data.shift`` leaves something of every image.

    Raises:
        ModelsError: it moves images out of themselves.
    """
    side = min(info.height, info.width)
    if shift >= side:
        raise ModelsError(
            f"data.shift is {shift}: use fewer than the {side} pixels of the images of {info.name}"
        )


def fingerprint(dataset: ImageDataset) -> dict[str, Any]:
    """Return name, numbers of images and a SHA-256 of ``dataset``, as JSON values.

    Beside them ``info``, the whole description: a run knows it without its images.

    The checksum covers all labels, and what the set says of its contents (``fingerprint``, as
    stores have it) or, of images in memory, the pixels of evenly spread ones. Images are on a CPU.
    """
    digest = hashlib.sha256()
    for images in (dataset.train, dataset.test):
        digest.update(images.labels.cpu().contiguous().numpy().tobytes())
        digest.update(_contents(images))
    return {
        "name": dataset.info.name,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "sha256": digest.hexdigest(),
        "info": asdict(dataset.info),
    }


def _contents(images: ImageSource) -> bytes:
    own = getattr(images, "fingerprint", None)
    if own is not None:
        return str(own).encode()
    if not isinstance(images, Images):
        return b""
    count = min(len(images), _SAMPLED)
    spread = torch.linspace(0, len(images) - 1, count).round().long()
    return images.pixels[spread].contiguous().numpy().tobytes()


def check_unchanged(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare the fingerprints of the run's start and of now.

    Raises:
        ModelsError: they differ.
    """
    for name, what in (
        ("name", "dataset"),
        ("train_images", "training images"),
        ("test_images", "test images"),
        ("sha256", "contents (SHA-256)"),
    ):
        if saved[name] != now[name]:
            raise ModelsError(
                f"the dataset changed since the run started: its {what} was "
                f"{str(saved[name])[:12]}, now {str(now[name])[:12]}: restore it, or train anew "
                "into another folder"
            )


def own_info(run: Path, config: ExperimentConfig, saved: Saved | None) -> DatasetInfo:
    """Return the description of the run's images, which are where its configuration says.

    Args:
        run: its folder, for messages.
        config: of the run.
        saved: what its checkpoint says of the images; ``None`` for imported weights.

    Raises:
        ModelsError: they are not there, or have other classes now.
    """
    try:
        now = dataset_info(config.data)
    except ModelsError as error:
        raise ModelsError(f"{error}, or say with --data where it is now") from None
    then = _recorded(saved)
    if then is None:
        return now
    where = config.data.path or config.data.dataset
    remedy = "restore the images, or name others with --data"
    check_same_classes(where, now.class_names, str(run), then.class_names, remedy)
    return then


def images_at(
    run: Path, config: ExperimentConfig, saved: Saved | None, data: str, *, by_number: bool
) -> tuple[DataConfig, DatasetInfo]:
    """Return the settings of the images ``data``, and how the run's model takes them.

    The run's own images, moved, are cut to the run's counts; others are not.

    Args:
        run: its folder, for messages.
        config: of the run.
        saved: what its checkpoint says of its images; ``None`` for imported weights.
        data: name of a data set, or folder of a store.
        by_number: take classes of other names for those of the run.

    Raises:
        ModelsError: no such data set, it does not fit the model, its classes have other names, or
            the run's mean and classes are not known.
    """
    place = data_at(config.data, data)
    given = dataset_info(place)
    check_fit(config.model, given)
    if saved is not None and _are_same(saved, place):
        return place, given
    own = _known(run, config, saved) or given
    if not by_number:
        remedy = "choose a set of the same classes, or evaluate with --by-number"
        check_same_classes(data, given.class_names, str(run), own.class_names, remedy)
    return replace(place, train_images=None, test_images=None), own


def _known(run: Path, config: ExperimentConfig, saved: Saved | None) -> DatasetInfo | None:
    """What the run's own images are like; ``None`` for imported weights without fitting images."""
    if (info := _recorded(saved)) is not None:
        return info
    try:
        info = dataset_info(config.data)
        check_fit(config.model, info)
    except ModelsError as error:
        if saved is None:
            return None
        raise ModelsError(f"{run} was trained by an earlier version and needs {error}") from None
    return info


def _recorded(saved: Saved | None) -> DatasetInfo | None:
    info = (saved or {}).get("info")
    if info is None:
        return None
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in info.items()}
    return DatasetInfo(**values)


def _are_same(saved: Saved, place: DataConfig) -> bool:
    if place.dataset != "store":
        return False
    try:
        check_unchanged(dict(saved), fingerprint(load_dataset(place)))
    except ModelsError:  # other images, or one part only
        return False
    return True
