"""CIFAR archives as a source."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.models.data.cifar_archive import CifarPart, read_archive
from trivit.models.data.sources.base import Source, SourcePart


def cifar(path: Path) -> Source:
    """Open a CIFAR-10 or CIFAR-100 archive, in memory.

    Raises:
        ModelsError: no CIFAR, or damaged.
    """
    archive = read_archive(path)
    return Source(
        kind="cifar",
        name=archive.dataset,
        where=str(path),
        class_names=archive.class_names,
        parts={
            "train": _part(path, "train", archive.train),
            "test": _part(path, "test", archive.test),
        },
        listed_classes=True,
    )


def _part(path: Path, name: str, part: CifarPart) -> SourcePart:
    def read(index: int) -> NDArray[np.uint8]:
        return part.pixels[index].transpose(1, 2, 0)

    content = hashlib.sha256(part.pixels.tobytes())
    content.update(part.labels.tobytes())
    return SourcePart(
        where=str(path),
        names=[f"{name}/{index:05d}" for index in range(len(part.labels))],
        labels=part.labels,
        read=read,
        fingerprint=content.hexdigest(),
    )
