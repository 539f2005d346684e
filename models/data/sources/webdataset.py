"""WebDataset: tar shards with ``KEY.jpg`` (or another image) beside ``KEY.cls``.

The key of a file ends at the first dot of its base name, as WebDataset has it: ``a.v2.png`` is the
field ``v2.png`` of the sample ``a``, and no image of ``a.v2``.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trivit.models.data.class_names import normalised
from trivit.models.data.sources.base import (
    MOST_CLASSES,
    Source,
    SourcePart,
    counted,
    fingerprint,
)
from trivit.models.data.sources.shards import CLASS_NAMES, Shards, find_shards
from trivit.models.data.sources.trees import HIDDEN
from trivit.models.data.text import read_lines
from trivit.models.decoding.decode import EXTENSIONS, is_image_name
from trivit.models.errors import ModelsError

_OTHER_FIELD = "no image or .cls: the key ends at the first dot"
_LONGEST_LABEL = 32


class _Sample(NamedTuple):
    shard: Path
    name: str
    offset: int
    size: int
    label: int


def webdataset(pattern: str) -> Source:
    """Open shards: a .tar file, a folder of them, or a pattern with ``{000..146}`` or ``*``.

    Class names are the lines of ``classnames.txt`` beside the shards, or else numbers. A key may
    occur in several shards, but once in each.

    Raises:
        ModelsError: no shards, one that is compressed or damaged, a sample without its class or
            with two, a key twice, or a label beyond the classes.
    """
    shards = find_shards(pattern)
    listed = _class_names(next(iter(shards.parts.values()))[0].parent)
    classes = MOST_CLASSES if listed is None else len(listed)
    parts, highest = {}, 0
    for name, paths in shards.parts.items():
        left_out: list[tuple[str, str]] = []
        samples = [s for path in paths for s in _of_shard(path, shards.root, classes, left_out)]
        if not samples:
            raise ModelsError(f"{paths[0]} holds no samples: expected KEY.jpg and KEY.cls")
        highest = max(highest, *(sample.label for sample in samples))
        parts[name] = _part(pattern, shards, samples, left_out)
    return Source(
        kind="webdataset",
        name="webdataset",
        where=pattern,
        class_names=listed or tuple(str(number) for number in range(highest + 1)),
        parts=parts,
        left_out=counted(shards.left_out),
        listed_classes=listed is not None,
    )


def _of_shard(
    shard: Path, root: Path, classes: int, left_out: list[tuple[str, str]]
) -> Iterator[_Sample]:
    try:
        with tarfile.open(shard, "r:") as archive:
            yield from _samples(shard, archive, classes, left_out, str(shard.relative_to(root)))
            _check_end(shard, archive.offset)
    except tarfile.ReadError as error:
        raise ModelsError(
            f"cannot read {shard} ({error}): fetch it again; a compressed one must be unpacked"
        ) from None
    except (OSError, tarfile.TarError, ValueError) as error:
        raise ModelsError(f"cannot read {shard} ({error}): fetch it again") from None


def _samples(
    shard: Path,
    archive: tarfile.TarFile,
    classes: int,
    left_out: list[tuple[str, str]],
    short: str,
) -> Iterator[_Sample]:
    seen: set[str] = set()
    for key, fields in _groups(shard, archive, left_out, short):
        if key in seen:
            raise ModelsError(f"{shard} holds the sample {key} twice: make the shard again")
        seen.add(key)
        images = [suffix for suffix in fields if suffix in EXTENSIONS]
        if len(images) > 1:
            raise ModelsError(f"{shard}: sample {key} has the images {', '.join(images)}: keep one")
        others = [s for s in fields if s not in (*images, ".cls")]
        if images and ".cls" in fields:
            image, label = fields[images[0]], _label(shard, archive, fields[".cls"], classes)
            # Other fields belong to the sample; an image among them may be one that was lost.
            lost = [fields[s].name for s in others if is_image_name(s)]
            yield _Sample(shard, image.name, image.offset_data, image.size, label)
        elif images or ".cls" in fields:
            missing = ".cls file" if images else "image"
            found = f", only {', '.join(fields)}" if others else ""
            raise ModelsError(
                f"{shard}: sample {key} has no {missing}{found}: make the shard again"
            )
        else:
            lost = [member.name for member in fields.values()]
        left_out += [(_OTHER_FIELD, f"{short}/{name}") for name in lost]


def _groups(
    shard: Path, archive: tarfile.TarFile, left_out: list[tuple[str, str]], short: str
) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """Yield the files of each sample, which lie one after the other, by suffix."""
    size = shard.stat().st_size
    current, fields = "", dict[str, tarfile.TarInfo]()
    for member in archive:
        if member.isdir():
            continue
        if Path(member.name).name.startswith("."):
            left_out.append((HIDDEN, f"{short}/{member.name}"))
            continue
        if not member.isfile() or member.issparse():
            raise ModelsError(
                f"{shard}: {member.name} is a link or no regular file: make the shard again"
            )
        if member.offset_data + member.size > size:
            raise ModelsError(f"{shard} ends within {member.name}: fetch it again")
        key = _key(member.name)
        if fields and key != current:
            yield current, fields
            fields = {}
        current, suffix = key, member.name[len(key) :].lower()
        if suffix in fields:
            raise ModelsError(f"{shard} holds {member.name} twice: make the shard again")
        fields[suffix] = member
    if fields:
        yield current, fields


def _check_end(shard: Path, offset: int) -> None:
    """Check that the shard ends in zeros behind its last member.

    Python takes a damaged header, a cut between two members and a second archive behind the first
    one for the end.
    """
    with shard.open("rb") as file:
        file.seek(offset)
        tail = file.read()
    if not tail:
        raise ModelsError(f"{shard} ends without the mark of its end: fetch it again")
    if tail.count(0) != len(tail):
        raise ModelsError(
            f"{shard} goes on behind its end (byte {offset}), damaged or joined of two files: "
            "fetch it again, or split it"
        )


def _key(name: str) -> str:
    """Return the name up to the first dot after its folders."""
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]


def _label(shard: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, classes: int) -> int:
    file = archive.extractfile(member)
    text = file.read().strip() if file else b""
    if not text.isdigit() or len(text) > _LONGEST_LABEL:
        shown = text[:_LONGEST_LABEL].decode(errors="replace")
        raise ModelsError(f"{shard}: {member.name} holds {shown!r}: expected the number of a class")
    label = int(text)
    if label >= classes:
        known = f"{CLASS_NAMES} names" if classes != MOST_CLASSES else "there may be"
        raise ModelsError(
            f"{shard}: {member.name} holds the label {label}: {known} {classes:,} classes, "
            "counted from 0"
        )
    return label


def _part(
    pattern: str, shards: Shards, samples: list[_Sample], left_out: list[tuple[str, str]]
) -> SourcePart:
    def read(index: int) -> bytes:
        sample = samples[index]
        with sample.shard.open("rb") as file:
            file.seek(sample.offset)
            return file.read(sample.size)

    folders = {sample.shard.parent for sample in samples}
    short = {
        s.shard: s.shard.name if len(folders) == 1 else str(s.shard.relative_to(shards.root))
        for s in samples
    }
    return SourcePart(
        where=pattern,
        names=[f"{short[sample.shard]}/{sample.name}" for sample in samples],
        labels=np.array([sample.label for sample in samples], dtype=np.int64),
        read=read,
        fingerprint=fingerprint(
            f"{short[s.shard]} {s.name} {s.offset} {s.size} {s.label}" for s in samples
        ),
        left_out=counted(left_out),
    )


def _class_names(folder: Path) -> tuple[str, ...] | None:
    for file in (folder / CLASS_NAMES, folder.parent / CLASS_NAMES):
        if file.is_file():
            names = tuple(normalised(name) for name in read_lines(file))
            if not names:
                raise ModelsError(f"{file} names no class: one a line")
            return names
    return None
