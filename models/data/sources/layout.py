"""Where the training and the test images are in a folder or zip file of image folders."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from trivit.models.data.sources.trees import (
    FolderTree,
    SubTree,
    Tree,
    ZipTree,
    loose_images,
    open_tree,
    top_folders,
)
from trivit.models.decoding.decode import is_image_name
from trivit.models.errors import ModelsError

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "validation", "valid")
PART_NAMES = {"train": TRAIN_NAMES, "test": TEST_NAMES}

EXPECTED = "expected {train,test}/CLASS/*.jpg, or class folders of one part"
BESIDE = "beside the parts"


@dataclass(frozen=True)
class Parts:
    """What was found.

    Attributes:
        trees: of class folders, under ``train`` and ``test``, or under ``all``.
        left_out: reason and name of what lies beside them.
    """

    trees: dict[str, Tree]
    left_out: list[tuple[str, str]] = field(default_factory=list)


def part_of(words: Iterable[str]) -> tuple[str, str] | None:
    """Return the part that one of ``words`` names, and the word as `PART_NAMES` has it."""
    found = {word.lower() for word in words}
    for part, names in PART_NAMES.items():
        for name in names:
            if name in found:
                return part, name
    return None


def preferred(names: dict[str, str]) -> dict[str, str]:
    """Return one of several names for each part: test before val, for instance.

    Args:
        names: folders or files, with the word that says which part each one is.

    Raises:
        ModelsError: two of them are the same but for capital letters.
    """
    order = [*TRAIN_NAMES, *TEST_NAMES]
    chosen: dict[str, str] = {}
    words: dict[str, str] = {}
    for name, word in sorted(names.items(), key=lambda item: (order.index(item[1]), item[0])):
        part = "train" if word in TRAIN_NAMES else "test"
        if chosen.setdefault(part, name) != name and words[part] == word:
            raise ModelsError(f"{chosen[part]} and {name} are both {part} images: keep one of them")
        words.setdefault(part, word)
    return chosen


def find_parts(path: Path) -> Parts:
    """Return the trees of class folders below ``path``, and what was left out.

    Where there is a test and a validation folder, the test folder is taken.

    Raises:
        ModelsError: a zip file cannot be read, or the layout is not `EXPECTED`.
    """
    if path.is_dir() and (zips := _part_zips(path)):
        return zips
    whole = open_tree(path)
    tree = enter_single_folders(whole, {name for names in PART_NAMES.values() for name in names})
    folders = top_folders(tree)
    names = {f: found[1] for f in folders if (found := part_of([f])) is not None}
    others = [folder for folder in folders if folder not in names]
    if names and others and _are_classes(tree, names):
        names = {}  # a class that is called train, as in CIFAR-100
    if not names:
        _refuse_hidden_parts(tree, folders)
        return Parts({"all": tree}, _outside(whole, tree))
    chosen = preferred(names)
    trees: dict[str, Tree] = {part: SubTree(tree, f"{name}/") for part, name in chosen.items()}
    left_out = _outside(whole, tree)
    inside = tuple(f"{name}/" for name in chosen.values())
    left_out += [(BESIDE, name) for name in tree.files if not name.startswith(inside)]
    left_out += [entry for entry in tree.left_out if not entry[1].startswith(inside)]
    return Parts(trees, left_out)


def enter_single_folders(tree: Tree, known: set[str]) -> Tree:
    """Enter the only topmost folder, as archives often have one, again and again.

    Stops at a folder that is named in ``known``, holds images itself, or has no folders.
    """
    while True:
        folders = top_folders(tree)
        if len(folders) != 1 or folders[0].lower() in known or loose_images(tree):
            return tree
        inner = SubTree(tree, f"{folders[0]}/")
        if not top_folders(inner):
            return tree
        tree = inner


def _part_zips(path: Path) -> Parts | None:
    entries = sorted(path.iterdir())
    zips = {e.name: e for e in entries if e.suffix.lower() == ".zip" and e.is_file()}
    names = {n: found[1] for n, f in zips.items() if (found := part_of([f.stem])) is not None}
    if not names or any(part_of([e.name]) for e in entries if e.is_dir()):
        return None  # or they are unpacked
    chosen = preferred(names)
    trees: dict[str, Tree] = {}
    left_out: list[tuple[str, str]] = []
    for part, name in chosen.items():
        whole = ZipTree(zips[name])
        trees[part] = enter_single_folders(whole, set())
        left_out += _outside(whole, trees[part])
    rest = FolderTree(path)
    left_out += [(BESIDE, name) for name in rest.files if name not in chosen.values()]
    return Parts(trees, left_out + rest.left_out)


def _outside(whole: Tree, tree: Tree) -> list[tuple[str, str]]:
    """What lies beside the single folders that were entered."""
    if tree is whole:
        return []
    inside = tree.where.removeprefix(f"{whole.where}/") + "/"
    found = [(BESIDE, name) for name in whole.files if not name.startswith(inside)]
    return found + [entry for entry in whole.left_out if not entry[1].startswith(inside)]


def _are_classes(tree: Tree, names: Iterable[str]) -> bool:
    """Whether all folders that could be parts hold images themselves, as class folders do."""
    direct = {name.split("/", 1)[0] for name in tree.files if _depth(name) == 1}
    return set(names) <= direct


def _depth(name: str) -> int:
    return name.count("/") if is_image_name(name) else -1


def _refuse_hidden_parts(tree: Tree, folders: list[str]) -> None:
    """Refuse folders that would be taken for classes and are sets of classes in truth."""
    inner: dict[str, list[str]] = {folder: [] for folder in folders}
    for name in tree.folders:
        if name.count("/") == 1:
            folder, _, base = name.partition("/")
            inner[folder].append(base)
    named = [part_of(re.split(r"[^a-z]+", folder.lower())) for folder in folders]
    if len(folders) > 1 and all(named) and all(inner.values()):
        raise ModelsError(
            f"{tree.where} has the folders {', '.join(folders)}: call them train and test"
        )
    for folder, names in inner.items():
        parts = {part[0] for name in names if (part := part_of([name])) is not None}
        if parts == {"train", "test"}:
            raise ModelsError(
                f"{tree.where} has training and test images in its folder {folder}: name "
                f"{tree.where}/{folder} as the source"
            )
