"""The images of a finished run: where they are now, and other images for its model.

A checkpoint describes the images that it was trained on (``fingerprint``), so that a run is used
where its store has moved to, and never with the mean or the classes of other images.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trivit.models.data import DataConfig, DatasetInfo, data_at, dataset_info, load_dataset
from trivit.models.data.class_names import check_same_classes
from trivit.models.errors import ModelsError
from trivit.models.training.checks import check_fit
from trivit.models.training.config import ExperimentConfig
from trivit.models.training.fingerprint import check_unchanged, fingerprint

Saved = Mapping[str, Any]


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
    check_fit(config.model.vit, given)
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
        check_fit(config.model.vit, info)
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
