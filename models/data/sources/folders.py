"""Image folders: ROOT/{train,test or val}/CLASS/*.jpg, as a folder, a zip file, or one zip each."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from trivit.models.data.class_names import normalised
from trivit.models.data.sources.base import Source, SourcePart, counted, fingerprint
from trivit.models.data.sources.layout import EXPECTED, find_parts
from trivit.models.data.sources.trees import Tree, loose_images, top_folders
from trivit.models.decoding.decode import is_image_name
from trivit.models.errors import ModelsError


def image_folder(path: Path) -> Source:
    """Open image folders: with training and test folders, or of one part only.

    Every folder is a class, with or without images.

    Raises:
        ModelsError: no images in class folders, or a test class that is not a training class.
    """
    found = find_parts(path)
    named = found.trees.get("train", next(iter(found.trees.values())))
    class_names = ordered_classes(named)
    return Source(
        kind="image_folder",
        name=path.stem,
        where=str(path),
        class_names=class_names,
        parts={name: class_folders(tree, class_names) for name, tree in found.trees.items()},
        left_out=counted(found.left_out),
    )


def image_names(tree: Tree) -> list[str]:
    """Return the names of the image files."""
    return [name for name in tree.files if is_image_name(name)]


def ordered_classes(tree: Tree) -> tuple[str, ...]:
    """Return the class folders by name, in Unicode's normal form C; numbers by value.

    Sorted as texts, folder 10 would come before folder 2 and shift every label.

    Raises:
        ModelsError: the name of a folder is no UTF-8, or two are the same but for their form.
    """
    names = sorted(_folders_by_class(tree))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return tuple(names)


def _folders_by_class(tree: Tree) -> dict[str, str]:
    classes: dict[str, str] = {}
    for folder in top_folders(tree):
        try:
            folder.encode()
        except UnicodeEncodeError:
            raise ModelsError(
                f"{tree.where}: the name of the folder {folder!a} is no UTF-8: rename it"
            ) from None
        if classes.setdefault(normalised(folder), folder) != folder:
            raise ModelsError(
                f"{tree.where} has the class {normalised(folder)} twice, in two forms of Unicode "
                f"({classes[normalised(folder)]!a} and {folder!a}): merge the folders"
            )
    return classes


def class_folders(tree: Tree, class_names: Sequence[str]) -> SourcePart:
    """Return the images of ``tree``, whose topmost folders are classes, class by class.

    Raises:
        ModelsError: an image lies in no folder of ``class_names``, or there is no image.
    """
    if not class_names or loose_images(tree):
        example = next(iter(loose_images(tree)), None)
        what = f": {example} lies in no class folder" if example else " has no class folders"
        raise ModelsError(f"{tree.where}{what}: {EXPECTED}")
    labels = {name: label for label, name in enumerate(class_names)}
    by_folder = {folder: labels.get(name) for name, folder in _folders_by_class(tree).items()}
    found = []
    with_images = set()
    for name in image_names(tree):
        folder = name.split("/", 1)[0]
        label = by_folder[folder]
        if label is None:
            raise ModelsError(
                f"{tree.where}: {name} lies in no class folder: classes are "
                f"{', '.join(class_names[:3])}{', ...' if len(class_names) > 3 else ''}"
            )
        with_images.add(folder)
        found.append((label, name))
    found.sort()
    strange = [
        ("folder without images, of no class", folder)
        for folder, label in by_folder.items()
        if label is None and folder not in with_images
    ]
    return labelled_files(tree, [name for _, name in found], [label for label, _ in found], strange)


def labelled_files(
    tree: Tree, names: list[str], labels: list[int], strange: Sequence[tuple[str, str]] = ()
) -> SourcePart:
    """Return the files ``names`` of ``tree`` with their labels; the others are left out.

    Args:
        tree: the files.
        names: of images.
        labels: class of each one.
        strange: reason and name of what is left out besides.

    Raises:
        ModelsError: there are no images.
    """
    left_out = counted([*tree.left_out, *strange, *_no_images(tree)])
    if not names:
        others = "".join(f"; left out: {e.count} {e.reason}, {e.first}" for e in left_out[:1])
        raise ModelsError(f"{tree.where} holds no images in class folders: {EXPECTED}{others}")
    return SourcePart(
        where=tree.where,
        names=names,
        labels=np.array(labels, dtype=np.int64),
        read=lambda index: tree.read(names[index]),
        fingerprint=fingerprint(
            f"{name} {tree.files[name]} {label}" for name, label in zip(names, labels, strict=True)
        ),
        left_out=left_out,
    )


def _no_images(tree: Tree) -> list[tuple[str, str]]:
    return [
        (f"no image by its name ({PurePosixPath(name).suffix.lower() or 'no suffix'})", name)
        for name in tree.files
        if not is_image_name(name)
    ]
