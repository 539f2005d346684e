"""WebDataset: tar shards with ``KEY.jpg`` (or .jpeg, .png) beside ``KEY.cls``."""

import glob
import itertools
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trivit.models.data.decode import EXTENSIONS
from trivit.models.data.sources.base import Source, SourcePart, fingerprint
from trivit.models.data.sources.folders import TEST_NAMES, TRAIN_NAMES
from trivit.models.errors import ModelsError

CLASS_NAMES = "classnames.txt"

_BRACES = re.compile(r"\{([^{}]+)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


class _Sample(NamedTuple):
    shard: Path
    name: str
    offset: int
    size: int
    label: int


def webdataset(pattern: str) -> Source:
    """Open shards: a .tar file, a folder of them, or a pattern with ``{000..146}`` or ``*``.

    Shards belong to training or test when their names say so (train, val, test, ...), else all are
    one part. Class names are the lines of ``classnames.txt`` beside the shards, or else numbers.

    Raises:
        ModelsError: no shards, one that is compressed or damaged, or a sample without its class.
    """
    shards = expand(pattern)
    groups: dict[str, list[Path]] = {}
    for shard in shards:
        groups.setdefault(_part_of(shard, pattern), []).append(shard)
    if "all" in groups and len(groups) > 1:
        raise ModelsError(
            f"{groups['all'][0]} is neither training nor test by its name, while others are: "
            "give a pattern that leaves it out"
        )
    samples = {name: list(_samples(paths)) for name, paths in groups.items()}
    for name, found in samples.items():
        if not found:
            raise ModelsError(f"{groups[name][0]} holds no samples: expected KEY.jpg and KEY.cls")
    count = 1 + max(sample.label for found in samples.values() for sample in found)
    return Source(
        kind="webdataset",
        name="webdataset",
        where=pattern,
        class_names=_class_names(shards[0].parent, count),
        parts={name: _part(pattern, found) for name, found in samples.items()},
    )


def is_pattern(text: str) -> bool:
    """Whether ``text`` names shards rather than one file or folder of another kind."""
    return any(sign in text for sign in "{*?[") or text.endswith(".tar")


def expand(pattern: str) -> list[Path]:
    """Return the files that ``pattern`` stands for, in order.

    Raises:
        ModelsError: one of a written-out list is missing, or nothing matches.
    """
    if Path(pattern).is_dir():
        found = sorted(Path(pattern).rglob("*.tar"))
    else:
        found = []
        for text in _expand_braces(pattern):
            if any(sign in text for sign in "*?["):
                found += [Path(name) for name in sorted(glob.glob(text))]
            elif Path(text).is_file():
                found.append(Path(text))
            else:
                raise ModelsError(f"{text} of {pattern} does not exist: check the numbers")
    if not found:
        raise ModelsError(f"{pattern} matches no .tar file: check the path")
    return found


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


def _part_of(shard: Path, pattern: str) -> str:
    root = Path(pattern)
    text = str(shard.relative_to(root)) if root.is_dir() else shard.name
    words = re.split(r"[^a-z]+", text.lower())
    for part, names in (("train", TRAIN_NAMES), ("test", TEST_NAMES)):
        if any(word in names for word in words):
            return part
    return "all"


def _samples(shards: list[Path]) -> Iterator[_Sample]:
    for shard in shards:
        try:
            with tarfile.open(shard, "r:") as archive:
                yield from _of_shard(shard, archive)
        except tarfile.ReadError as error:
            raise ModelsError(
                f"cannot read {shard} ({error}): fetch it again; a compressed one must be unpacked"
            ) from None
        except OSError as error:
            raise ModelsError(f"cannot read {shard} ({error}): fetch it again") from None


def _of_shard(shard: Path, archive: tarfile.TarFile) -> Iterator[_Sample]:
    size = shard.stat().st_size
    members = (member for member in archive if member.isfile())
    for key, group in itertools.groupby(members, key=lambda member: _key(member.name)):
        image: tarfile.TarInfo | None = None
        label: int | None = None
        for member in group:
            if member.offset_data + member.size > size:
                raise ModelsError(f"{shard} ends within {member.name}: fetch it again")
            suffix = member.name[len(key) :].lower()
            if suffix in EXTENSIONS:
                image = member
            elif suffix == ".cls":
                label = _label(shard, archive, member)
        if image is None and label is None:
            continue  # a note beside the samples
        if image is None or label is None:
            missing = "image" if image is None else ".cls file"
            raise ModelsError(f"{shard}: sample {key} has no {missing}: make the shard again")
        yield _Sample(shard, image.name, image.offset_data, image.size, label)


def _key(name: str) -> str:
    """Return the name up to the first dot after its folders."""
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]


def _label(shard: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> int:
    file = archive.extractfile(member)
    text = file.read(32).strip() if file else b""
    if not text.isdigit():
        raise ModelsError(
            f"{shard}: {member.name} holds {text.decode(errors='replace')!r}: expected the number "
            "of a class"
        )
    return int(text)


def _part(pattern: str, samples: list[_Sample]) -> SourcePart:
    def read(index: int) -> bytes:
        sample = samples[index]
        with sample.shard.open("rb") as file:
            file.seek(sample.offset)
            return file.read(sample.size)

    return SourcePart(
        where=pattern,
        names=[f"{sample.shard.name}/{sample.name}" for sample in samples],
        labels=np.array([sample.label for sample in samples], dtype=np.int64),
        read=read,
        fingerprint=fingerprint(
            f"{s.shard.name} {s.name} {s.offset} {s.size} {s.label}" for s in samples
        ),
    )


def _class_names(folder: Path, count: int) -> tuple[str, ...]:
    for file in (folder / CLASS_NAMES, folder.parent / CLASS_NAMES):
        if file.is_file():
            names = tuple(file.read_text(encoding="utf-8").splitlines())
            if len(names) < count:
                raise ModelsError(f"{file} names {len(names)} classes and labels go to {count - 1}")
            return names
    return tuple(str(number) for number in range(count))
