"""The last step of a preparation: the small files and the index."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.models.data.sources import Source, SourcePart
from trivit.models.data.store.check import file_sha256, sample_sha256
from trivit.models.data.store.convert import CHANNELS, Target
from trivit.models.data.store.index import (
    LABELS,
    NAMES,
    StoredPart,
    StoreIndex,
)
from trivit.models.data.store.journal import Entry, Journal
from trivit.models.decoding.stored_pixels import IMAGES, OFFSETS
from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write


def describe_store(
    folder: Path,
    sources: Mapping[str, Source],
    parts: Mapping[str, SourcePart],
    journal: Journal,
    target: Target,
    settings: Mapping[str, Any],
    *,
    keep_empty: bool,
) -> StoreIndex:
    """Write what lies beside the images, whose chunks are in ``journal``; return the index.

    Raises:
        ModelsError: all images of a part, or of one of its classes, were left out as corrupt. A
            class without images is allowed with ``keep_empty``.
    """
    for name, part in parts.items():
        _check_kept(part, journal.of(name), sources[name].class_names, keep_empty)
    stored = {
        name: _finish_part(
            folder / name, sources[name], part, journal.of(name), target.image_format
        )
        for name, part in parts.items()
    }
    measured = "train" if "train" in parts else "test"
    pixels = stored[measured].images * target.height * target.width
    mean, std = _mean_and_std(journal.of(measured), pixels)
    return StoreIndex(
        name=sources[measured].name,
        image_format=target.image_format,
        channels=CHANNELS,
        height=target.height,
        width=target.width,
        class_names=sources[measured].class_names,
        mean=mean,
        std=std,
        settings=settings,
        parts=stored,
        left_out=tuple(
            entry
            for source in {id(source): source for source in sources.values()}.values()
            for entry in source.left_out
        ),
    )


def _check_kept(
    part: SourcePart, entries: list[Entry], class_names: Sequence[str], keep_empty: bool
) -> None:
    kept = _kept(part, entries)
    if not len(kept):
        raise ModelsError(f"{part.where} has no image that can be decoded: fetch it again")
    lost = np.setdiff1d(part.labels, part.labels[kept])
    if len(lost) and not keep_empty:
        raise ModelsError(
            f"{part.where}: all images of the class {class_names[lost[0]]} are corrupt: replace "
            "them, or keep it as a class without images with --empty-classes keep"
        )


def _kept(part: SourcePart, entries: list[Entry]) -> NDArray[np.int64]:
    skipped = [index for entry in entries for index in entry.skipped]
    return np.setdiff1d(np.arange(len(part)), skipped)


def _finish_part(
    folder: Path, source: Source, part: SourcePart, entries: list[Entry], image_format: str
) -> StoredPart:
    """Write what lies beside ``images.bin``, and describe the part."""
    kept = _kept(part, entries)
    names = [part.names[index].replace("\n", " ") for index in kept]
    _save(folder / LABELS, lambda path: path.write_bytes(part.labels[kept].astype("<i8").tobytes()))
    _save(folder / NAMES, lambda path: path.write_bytes(_lines(names)))
    if image_format == "jpeg":
        lengths = [length for entry in entries for length in entry.lengths]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")
        _save(folder / OFFSETS, lambda path: path.write_bytes(offsets.tobytes()))
    small = [name for name in (LABELS, NAMES, OFFSETS) if (folder / name).is_file()]
    return StoredPart(
        images=len(kept),
        bytes={name: (folder / name).stat().st_size for name in (IMAGES, *small)},
        sha256={name: file_sha256(folder / name) for name in small},
        sample_sha256=sample_sha256(folder / IMAGES),
        chunks=tuple(entry.chunk for entry in entries),
        corrupt=tuple(image for entry in entries for image in entry.corrupt),
        source=source.where,
        source_kind=source.kind,
        source_fingerprint=part.fingerprint,
        left_out=part.left_out,
    )


def _save(path: Path, write: Callable[[Path], int]) -> None:
    with atomic_write(path) as temporary:
        write(temporary)


def _lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def _mean_and_std(entries: list[Entry], pixels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return both per channel, of values / 255, from exact sums; never a deviation of 0."""
    means, deviations = [], []
    for channel in range(CHANNELS):
        total = sum(entry.sums[channel] for entry in entries)
        squares = sum(entry.square_sums[channel] for entry in entries)
        variance = (squares * pixels - total * total) / pixels**2  # integers: nothing cancels
        means.append(round(total / pixels / 255, 6))
        deviations.append(round(max(variance, 1.0) ** 0.5 / 255, 6))
    return tuple(means), tuple(deviations)
