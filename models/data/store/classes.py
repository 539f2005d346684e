"""Whether the classes of a store's parts belong together, and each has images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from trivit.models.data.class_names import are_numbers, first_difference, normalised
from trivit.models.data.sources import Source, SourcePart
from trivit.models.data.store.index import LABELS, StoreIndex
from trivit.models.errors import ModelsError


def check_classes(
    sources: Mapping[str, Source], parts: Mapping[str, SourcePart], *, keep_empty: bool
) -> None:
    """Check the classes of the parts that are to be stored together.

    The classes are those of the training images, or of the test images alone. Test images need
    not be of all classes.

    Args:
        sources: under ``train`` and ``test``, one of them or both.
        parts: the images that are taken of each.
        keep_empty: a class may have no images.

    Raises:
        ModelsError: the parts have different classes, or a class has no images.
    """
    first = next(iter(sources))
    if not (keep_empty or sources[first].listed_classes):
        _refuse_empty(sources[first], parts[first])
    if len(sources) == 2 and sources["train"] is not sources["test"]:
        _refuse_other(sources["train"], sources["test"], parts["test"])


def classes_without_images(store: Path, index: StoreIndex, part: str) -> list[str]:
    """Return the names of the classes of which a part of a store has no images."""
    labels = np.fromfile(store / part / LABELS, dtype="<i8")
    counts = np.bincount(labels, minlength=len(index.class_names))
    return [name for name, count in zip(index.class_names, counts, strict=True) if not count]


def _refuse_empty(source: Source, part: SourcePart) -> None:
    names = source.class_names
    empty = np.flatnonzero(np.bincount(part.labels, minlength=len(names)) == 0)
    if not len(empty):
        return
    more = f" ({len(empty)} such classes)" if len(empty) > 1 else ""
    found = "; ".join(f"left out: {e.count} {e.reason}, {e.first}" for e in part.left_out[:2])
    raise ModelsError(
        f"{part.where}: the class {names[empty[0]]} has no images{more}: remove it, or keep it "
        "with --empty-classes keep" + (f" ({found})" if found else "")
    )


def _refuse_other(train: Source, test: Source, part: SourcePart) -> None:
    ours, theirs = train.class_names, test.class_names
    number = first_difference(theirs, ours)
    folders = {train.kind, test.kind} == {"image_folder"}
    numbered = are_numbers(ours) or are_numbers(theirs)
    shared = set(map(normalised, ours)) & set(map(normalised, theirs))
    # WNIDs and English words may both name ImageNet's classes: they cannot be compared.
    if number is not None and (folders or (shared and not numbered)):
        here, there = (
            f"'{names[number]}'" if number < len(names) else "missing" for names in (theirs, ours)
        )
        raise ModelsError(
            f"{test.where} has other classes than {train.where}: class {number} is {here} there "
            f"and {there} here: put folders below one folder as train and test"
        )
    if (highest := int(part.labels.max())) >= len(ours):
        raise ModelsError(
            f"{test.where} has label {highest} and {train.where} has {len(ours)} classes: choose "
            "sets that belong together"
        )
