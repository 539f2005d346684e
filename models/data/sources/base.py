"""What every source offers: named, labelled images in a fixed order."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.models.errors import ModelsError

RawImage = bytes | NDArray[np.uint8]


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
    """

    where: str
    names: Sequence[str]
    labels: NDArray[np.int64]
    read: Callable[[int], RawImage]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set as it is found.

    Attributes:
        kind: which layout it has, one of `KINDS`.
        name: what the data set is called.
        where: its absolute path, or a pattern.
        class_names: name of each class.
        parts: under ``train`` and ``test``; under ``all`` when nothing tells which.
    """

    kind: str
    name: str
    where: str
    class_names: tuple[str, ...]
    parts: Mapping[str, SourcePart]

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
