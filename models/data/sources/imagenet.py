"""ImageNet-1K as it is usually unpacked, and ImageNet-V2.

ImageNet-1K: ``train/WNID/*.JPEG``, and ``val/WNID/*.JPEG`` or a flat ``val/*.JPEG`` with a file of
its labels. Classes are the WNIDs in alphabetical order, as every published model has them.
"""

import csv
import io
import itertools
import re
from pathlib import Path

from trivit.models.data.sources.base import Source, SourcePart, counted
from trivit.models.data.sources.folders import (
    class_folders,
    image_names,
    labelled_files,
    ordered_classes,
)
from trivit.models.data.sources.layout import BESIDE, enter_single_folders
from trivit.models.data.sources.trees import (
    SubTree,
    Tree,
    open_tree,
    reason_to_leave_out,
    top_folders,
)
from trivit.models.data.text import read_text
from trivit.models.errors import ModelsError

WNID = re.compile(r"n\d{8}")
V2_CLASSES = 1000

KAGGLE = "ILSVRC/Data/CLS-LOC"
SOLUTION = "LOC_val_solution.csv"
SYNSETS = "imagenet_2012_validation_synset_labels.txt"
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
IDENTIFIERS = "map_clsloc.txt"
NAMES = "LOC_synset_mapping.txt"
_LABEL_FILES = (SOLUTION, SYNSETS, GROUND_TRUTH, IDENTIFIERS, NAMES)

_REMEDY = (
    f"put {SOLUTION}, {SYNSETS}, or {GROUND_TRUTH} with {IDENTIFIERS} into it, "
    "or sort the images into val/WNID folders"
)


def imagenet(path: Path) -> Source:
    """Open ImageNet-1K (or any subset of its classes): training and validation images.

    Raises:
        ModelsError: no WNID folders, or no labels for a flat validation folder.
    """
    tree, root = _images_and_root(path)
    folders = top_folders(tree)
    if "train" not in folders or "val" not in folders:
        raise ModelsError(f"{path} has no train and val folders: it takes train/WNID and val")
    train = SubTree(tree, "train/")
    wnids = ordered_classes(train)
    for name in wnids:
        if not WNID.fullmatch(name):
            raise ModelsError(f"{train.where} has the folder {name}, which is no WNID (n01440764)")
    validation = SubTree(tree, "val/")
    is_flat = not top_folders(validation)
    test = _flat(validation, root, wnids) if is_flat else class_folders(validation, wnids)
    beside = [
        (BESIDE, name)
        for name in tree.files
        if not name.startswith(("train/", "val/")) and Path(name).name not in _LABEL_FILES
    ]
    return Source(
        kind="imagenet",
        name="imagenet",
        where=str(path),
        class_names=_readable(root, wnids),
        parts={"train": class_folders(train, wnids), "test": test},
        left_out=counted(beside),
    )


def imagenet_v2(path: Path) -> Source:
    """Open ImageNet-V2: folders 0 to 999 in the order of their numbers, test images only.

    Raises:
        ModelsError: another folder.
    """
    class_names = tuple(str(number) for number in range(V2_CLASSES))
    tree = enter_single_folders(open_tree(path), set(class_names))
    return Source(
        kind="imagenet_v2",
        name="imagenet_v2",
        where=str(path),
        class_names=class_names,
        parts={"test": class_folders(tree, class_names)},
        listed_classes=True,
    )


def looks_like_imagenet(path: Path) -> bool:
    """Whether a folder has WNID folders for training."""
    for train in (path / "train", path / KAGGLE / "train"):
        if train.is_dir():
            folders = [entry.name for entry in _folders(train)]
            return bool(folders) and all(WNID.fullmatch(name) for name in folders)
    return False


def looks_like_v2(path: Path) -> bool:
    """Whether a folder has exactly the folders 0 to 999."""
    folders = {entry.name for entry in _folders(path)}
    return folders == {str(number) for number in range(V2_CLASSES)}


def _folders(path: Path) -> list[Path]:
    return [e for e in path.iterdir() if e.is_dir() and reason_to_leave_out(e.name) is None]


def _images_and_root(path: Path) -> tuple[Tree, Path]:
    """Return the tree of train and val, and the folder that label files lie in."""
    if not path.is_dir():
        raise ModelsError(f"{path} is no folder: unpack ImageNet's archives into train and val")
    kaggle = path / KAGGLE
    return open_tree(kaggle if kaggle.is_dir() else path), path


def _flat(tree: Tree, root: Path, wnids: tuple[str, ...]) -> SourcePart:
    names = sorted(image_names(tree))
    stems = [Path(name).stem for name in names]
    for before, after in itertools.pairwise(sorted(stems)):
        if before == after:
            raise ModelsError(f"{tree.where} holds {after} twice, under two suffixes: keep one")
    known = _validation_wnids(root, stems)
    classes = {wnid: label for label, wnid in enumerate(wnids)}
    labels = []
    for name in names:
        wnid = known.get(Path(name).stem)
        if wnid not in classes:
            raise ModelsError(
                f"{tree.where}: {name} has "
                + (f"class {wnid}, which has no training folder" if wnid else "no label")
            )
        labels.append(classes[wnid])
    unused = [("label without an image", stem) for stem in known.keys() - set(stems)]
    return labelled_files(tree, names, labels, unused)


def _validation_wnids(root: Path, stems: list[str]) -> dict[str, str]:
    """Return the WNID of each validation image, by its name without suffix."""
    if file := _find(root, SOLUTION):
        rows = csv.DictReader(io.StringIO(read_text(file)))
        wnids: dict[str, str] = {}
        try:
            for row in rows:
                wnid = row["PredictionString"].split()[0]
                if wnids.setdefault(row["ImageId"], wnid) != wnid:
                    raise ModelsError(f"{file} gives {row['ImageId']} two classes: fetch it again")
            return wnids
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ModelsError(
                f"{file} has no columns ImageId and PredictionString: fetch it again"
            ) from None
    if file := _find(root, SYNSETS):
        return dict(zip(_all_stems(file, stems), read_text(file).split(), strict=True))
    file, identifiers = _find(root, GROUND_TRUTH), _find(root, IDENTIFIERS)
    if file and identifiers:
        # The ground truth counts classes in the order of the challenge, not of the WNIDs.
        rows_by_id = [line.split() for line in read_text(identifiers).split("\n") if line.strip()]
        try:
            wnid_of = {int(row[1]): row[0] for row in rows_by_id}
            in_order = [wnid_of[int(word)] for word in read_text(file).split()]
        except (IndexError, KeyError, ValueError):
            raise ModelsError(f"{file} does not fit {identifiers}: fetch both again") from None
        return dict(zip(_all_stems(file, stems), in_order, strict=True))
    raise ModelsError(f"{root} has no labels for its flat val folder: {_REMEDY}")


def _all_stems(file: Path, stems: list[str]) -> list[str]:
    """Names of the validation images that the lines of ``file`` belong to, in order."""
    count = len(read_text(file).split())
    if count == len(stems):
        return stems
    raise ModelsError(f"{file} has {count} labels for {len(stems)} images: use the whole set")


def _find(root: Path, name: str) -> Path | None:
    for folder in (root, root / "val", root / "ILSVRC2012_devkit_t12" / "data", root / "data"):
        if (folder / name).is_file():
            return folder / name
    return None


def _readable(root: Path, wnids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first English word of each class where the file of them is there."""
    file = _find(root, NAMES)
    if file is None:
        return wnids
    lines = (line.partition(" ") for line in read_text(file).split("\n"))
    words = {wnid: text.split(",")[0].strip() for wnid, _, text in lines}
    return tuple(words.get(wnid) or wnid for wnid in wnids)
