"""Which tar shards a folder, a file or a pattern stands for, and which part each belongs to."""

import glob
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trivit.models.data.sources.layout import BESIDE, part_of, preferred
from trivit.models.data.sources.trees import FolderTree, reason_to_leave_out
from trivit.models.decoding.decode import is_image_name
from trivit.models.errors import ModelsError

CLASS_NAMES = "classnames.txt"

_BRACES = re.compile(r"\{([^{}]+)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_SIGNS = "*?["
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4")


@dataclass(frozen=True)
class Shards:
    """What a pattern stands for.

    Attributes:
        root: folder that all shards lie below.
        parts: shards in order, under ``train`` and ``test``, or under ``all``.
        left_out: reason and name of other files there.
    """

    root: Path
    parts: dict[str, list[Path]]
    left_out: list[tuple[str, str]]


def is_pattern(text: str) -> bool:
    """Whether ``text`` names shards rather than one file or folder of another kind.

    Signs of a pattern in the name of something that exists are a part of that name.
    """
    if Path(text).exists():
        return text.lower().endswith(".tar")
    rest = str(_literal(text)[1])
    return any(sign in rest for sign in "{" + _SIGNS) or text.endswith(".tar")


def holds_shards(folder: Path) -> bool:
    """Whether there are shards in a folder, or in its folders.

    Raises:
        ModelsError: there are image files as well.
    """
    if not any(folder.glob("*.tar")) and not any(folder.glob("*/*.tar")):
        return False
    tree = FolderTree(folder)
    shard = next((name for name in tree.files if _is_shard(name)), None)
    image = next((name for name in tree.files if is_image_name(name)), None)
    if shard is not None and image is not None:
        raise ModelsError(
            f"{folder} holds a shard ({shard}) and images ({image}): say with --kind what it is"
        )
    return shard is not None


def find_shards(pattern: str) -> Shards:
    """Return the shards of a folder, a file, or a pattern with ``{000..146}``, ``*`` or ``?``.

    Shards belong to training or test when their names, or those of their folders below the part of
    the pattern that is no pattern, say so (train, val, test, ...); else all are one part. Where
    there are test and validation shards, the test shards are taken.

    Raises:
        ModelsError: one of a written-out list is missing, one is meant twice, nothing matches, one
            is compressed, or some belong to a part and others do not.
    """
    root, found, left_out = _found(pattern)
    for before, after in itertools.pairwise(sorted(found)):
        if before == after:
            raise ModelsError(f"{pattern} matches {after} twice: write a pattern that does not")
    if not found:
        raise ModelsError(f"{pattern} does not exist, or matches no .tar file: check the path")
    names: dict[str, str] = {}
    groups: dict[str, list[Path]] = {}
    for shard in found:
        text = str(shard.relative_to(root)).lower()
        part = part_of(re.split(r"[^a-z]+", text.removesuffix(".tar")))
        group = part[1] if part else "all"
        names[group] = group
        groups.setdefault(group, []).append(shard)
    if "all" in groups and len(groups) > 1:
        raise ModelsError(
            f"{groups['all'][0]} is neither training nor test by its name, while others are: "
            "give a pattern that leaves it out"
        )
    if "all" in groups:
        return Shards(root, groups, left_out)
    chosen = preferred(names)
    for group, shards in groups.items():
        if group not in chosen.values():
            left_out += [(BESIDE, str(shard.relative_to(root))) for shard in shards]
    return Shards(root, {part: groups[group] for part, group in chosen.items()}, left_out)


def _found(pattern: str) -> tuple[Path, list[Path], list[tuple[str, str]]]:
    path = Path(pattern)
    if path.is_dir():
        tree = FolderTree(path)
        shards = [path / name for name in tree.files if _is_shard(name)]
        if compressed := [n for n in tree.files if n.lower().endswith(_COMPRESSED)]:
            raise ModelsError(f"{path / compressed[0]} is compressed: unpack it to a .tar file")
        others = [(_reason(n), n) for n in tree.files if not _is_shard(n) and not _is_list(n)]
        return path, shards, others + tree.left_out
    root, rest = _literal(pattern)
    if path.is_file():
        return root, [path], []
    found: list[Path] = []
    for text in _expand_braces(str(rest)):
        if (root / text).is_file():
            found.append(root / text)
        elif any(sign in text for sign in _SIGNS):
            names = sorted(glob.glob(text, root_dir=root))
            found += [root / n for n in names if reason_to_leave_out(Path(n).name) is None]
        else:
            raise ModelsError(f"{root / text} of {pattern} does not exist: check the numbers")
    return root, found, []


def _literal(pattern: str) -> tuple[Path, Path]:
    """Return the longest folder that exists at the start of ``pattern``, and what follows."""
    path = Path(pattern)
    root = next((parent for parent in path.parents if parent.is_dir()), Path())
    return root, path.relative_to(root)


def _expand_braces(pattern: str) -> Iterator[str]:
    match = _BRACES.search(pattern)
    if match is None:
        yield pattern
        return
    if numbers := _RANGE.fullmatch(match[1]):
        first, last = numbers.groups()
        choices = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    else:
        choices = match[1].split(",")
    for choice in choices:
        yield from _expand_braces(pattern[: match.start()] + choice + pattern[match.end() :])


def _is_shard(name: str) -> bool:
    return name.lower().endswith(".tar")


def _is_list(name: str) -> bool:
    return Path(name).name == CLASS_NAMES


def _reason(name: str) -> str:
    return f"no shard by its name ({Path(name).suffix.lower() or 'no suffix'})"
