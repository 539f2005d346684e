"""Image folders: ROOT/{train,test or val}/CLASS/*.jpg, as a folder, a zip file, or one zip each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trivit.models.data.decode import EXTENSIONS
from trivit.models.data.sources.base import Source, SourcePart, fingerprint
from trivit.models.data.sources.trees import (
    SubTree,
    Tree,
    inside_single_folders,
    open_tree,
    top_folders,
)
from trivit.models.errors import ModelsError

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "val", "validation", "valid")
_PARTS = {*TRAIN_NAMES, *TEST_NAMES}


def image_folder(path: Path) -> Source:
    """Open image folders: with training and test folders, or of one part only.

    Where there is a test and a validation folder, the test folder is taken.

    Raises:
        ModelsError: no images in class folders, or a test class that is not a training class.
    """
    trees = part_trees(path)
    named = trees.get("train", next(iter(trees.values())))
    class_names = ordered_classes(named)
    parts = {name: class_folders(tree, class_names) for name, tree in trees.items()}
    return Source(
        kind="image_folder",
        name=path.stem,
        where=str(path),
        class_names=class_names,
        parts=parts,
    )


def part_trees(path: Path) -> dict[str, Tree]:
    """Return the trees of class folders under ``train`` and ``test``, or under ``all``.

    Raises:
        ModelsError: a zip file is damaged.
    """
    found: dict[str, Tree] = {}
    if path.is_dir():
        for part, names in (("train", TRAIN_NAMES), ("test", TEST_NAMES)):
            zips = [path / f"{name}.zip" for name in names if (path / f"{name}.zip").is_file()]
            if zips:
                found[part] = inside_single_folders(open_tree(zips[0]), set())
        if found:
            return found
    tree = inside_single_folders(open_tree(path), _PARTS)
    folders = top_folders(tree)
    for part, names in (("train", TRAIN_NAMES), ("test", TEST_NAMES)):
        chosen = [name for name in names if name in folders]
        if chosen:
            found[part] = SubTree(tree, f"{chosen[0]}/")
    return found or {"all": tree}


def image_names(tree: Tree) -> list[str]:
    """Return the names of the image files."""
    return [name for name in tree.files if name.lower().endswith(EXTENSIONS)]


def ordered_classes(tree: Tree) -> tuple[str, ...]:
    """Return the class folders that hold images, by name; numbers by value.

    Sorted as texts, folder 10 would come before folder 2 and shift every label.
    """
    names = sorted({name.split("/", 1)[0] for name in image_names(tree) if "/" in name})
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return tuple(names)


def class_folders(tree: Tree, class_names: Sequence[str]) -> SourcePart:
    """Return the images of ``tree``, whose topmost folders are classes, class by class.

    Raises:
        ModelsError: an image lies in no folder of ``class_names``, or there is no image.
    """
    labels = {name: label for label, name in enumerate(class_names)}
    found = []
    for name in image_names(tree):
        label = labels.get(name.split("/", 1)[0]) if "/" in name else None
        if label is None:
            raise ModelsError(
                f"{tree.where}: {name} lies in no class folder: classes are "
                f"{', '.join(class_names[:3])}{', ...' if len(class_names) > 3 else ''}"
            )
        found.append((label, name))
    found.sort()
    return labelled_files(tree, [name for _, name in found], [label for label, _ in found])


def labelled_files(tree: Tree, names: list[str], labels: list[int]) -> SourcePart:
    """Return the files ``names`` of ``tree`` with their labels.

    Raises:
        ModelsError: there are none.
    """
    if not names:
        raise ModelsError(
            f"{tree.where} holds no images in class folders: it takes "
            "{train,test}/CLASS/*.jpg or *.png"
        )
    return SourcePart(
        where=tree.where,
        names=names,
        labels=np.array(labels, dtype=np.int64),
        read=lambda index: tree.read(names[index]),
        fingerprint=fingerprint(
            f"{name} {tree.files[name]} {label}" for name, label in zip(names, labels, strict=True)
        ),
    )
