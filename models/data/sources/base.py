"""What every source offers: named, labelled images in a fixed order."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.models.errors import ModelsError

RawImage = bytes | NDArray[np.uint8]

MOST_CLASSES = 65_536
"""Beyond, a label is taken for a mistake: exports keep classes in 16 bits."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Files of a source that are no images of it, for one reason.

    Attributes:
        reason: why, such as ``no image by its name (.txt)``.
        count: how many.
        first: name of the first one.
    """

    reason: str
    count: int
    first: str


def counted(found: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Return pairs of reason and name as one entry for each reason, in the order of reasons."""
    names: dict[str, list[str]] = {}
    for reason, name in found:
        names.setdefault(reason, []).append(name)
    return tuple(
        LeftOut(reason=reason, count=len(names[reason]), first=min(names[reason]))
        for reason in sorted(names)
    )


@dataclass(frozen=True, kw_only=True)
class SourcePart:
    """The training or the test images of a source.

    Attributes:
        where: the folder or file, for messages.
        names: name of each image within ``where``.
        labels: class of each image, int64.
        read: returns image ``i``: compressed bytes, or pixels uint8 (height, width, 3). Threads
            may call it at once. Raises OSError or `CorruptImageError`.
        fingerprint: changes when an image is added, removed, renamed, relabelled or gets another
            size in bytes.
        left_out: what else there is within ``where``.
    """

    where: str
    names: Sequence[str]
    labels: NDArray[np.int64]
    read: Callable[[int], RawImage]
    fingerprint: str
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set as it is found.

    Attributes:
        kind: which layout it has, one of `KINDS`.
        name: what the data set is called.
        where: its absolute path, or a pattern.
        class_names: name of each class, Unicode in normal form C.
        parts: under ``train`` and ``test``; under ``all`` when nothing tells which.
        left_out: what else there is beside the parts.
        listed_classes: the classes come from a list, which may name some without images.
    """

    kind: str
    name: str
    where: str
    class_names: tuple[str, ...]
    parts: Mapping[str, SourcePart]
    left_out: tuple[LeftOut, ...] = ()
    listed_classes: bool = False

    def part(self, name: str) -> SourcePart:
        """Return the part ``name``, or the only one.

        Raises:
            ModelsError: there is none.
        """
        if name in self.parts:
            return self.parts[name]
        if "all" in self.parts:
            return self.parts["all"]
        raise ModelsError(f"{self.where} has no {name} images, only: {', '.join(self.parts)}")


def split_source(
    source: Source, test: Source | None = None, part: str | None = None
) -> tuple[Source | None, Source | None]:
    """Return the sources of training and of test images.

    Args:
        source: of training images, and of the test images as well if it has them.
        test: of the test images instead.
        part: ``train`` or ``test``: take only this part of ``source``, or call its only part so.

    Raises:
        ModelsError: ``part`` is something else, or goes against ``test``.
    """
    if part not in (None, "train", "test"):
        raise ModelsError(f"part is '{part}': choose train or test")
    if test is not None:
        if part == "test":
            raise ModelsError("part is 'test' and there is a source of test images: give only one")
        return source, test
    if part is not None:
        return (source, None) if part == "train" else (None, source)
    has_train = not source.parts.keys().isdisjoint(("train", "all"))
    return source if has_train else None, source if "test" in source.parts else None


def fingerprint(items: Iterable[object]) -> str:
    """Return the SHA-256 of the items' texts."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
