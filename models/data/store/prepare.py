"""Writing a store from a source: in parallel, resumable, the same bytes every time."""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from trivit.models.data.sources import Source, SourcePart
from trivit.models.data.store.check import Bar, check_store, no_bar
from trivit.models.data.store.classes import check_classes
from trivit.models.data.store.convert import (
    CHANNELS,
    DECODING,
    Converted,
    DifferentSizeError,
    Target,
    as_image,
    convert,
)
from trivit.models.data.store.finish import describe_store
from trivit.models.data.store.index import (
    INDEX,
    Chunk,
    CorruptImage,
    StoreIndex,
    read_index,
)
from trivit.models.data.store.journal import JOURNAL, Entry, Journal, value_sums
from trivit.models.decoding.decode import CorruptImageError
from trivit.models.errors import ModelsError
from trivit.models.file_lock import store_lock
from trivit.models.files import named

CHUNK_IMAGES = 256
_LARGEST_UINT8 = 16 * 2**30  # beyond, a store of pixels seldom stays in a machine's memory


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """How a store is written.

    Attributes:
        image_format: ``auto`` is uint8 up to 16 GiB and JPEG beyond.
        size: side of the stored images, the central square of each; ``None``: all have one size.
        quality: of JPEG files that have to be written anew.
        on_corrupt: what an image that cannot be decoded does.
        empty_classes: what a class without images does, unless the classes come from a list.
        workers: threads that read, resize and compress.

    Raises:
        ModelsError: a value out of its range.
    """

    image_format: Literal["auto", "uint8", "jpeg"] = "auto"
    size: int | None = None
    quality: int = 95
    on_corrupt: Literal["refuse", "skip"] = "refuse"
    empty_classes: Literal["refuse", "keep"] = "refuse"
    workers: int = 1

    def __post_init__(self) -> None:
        for name, allowed in (
            ("image_format", ("auto", "uint8", "jpeg")),
            ("on_corrupt", ("refuse", "skip")),
            ("empty_classes", ("refuse", "keep")),
        ):
            if (value := getattr(self, name)) not in allowed:
                raise ModelsError(f"{name} is '{value}': choose one of {', '.join(allowed)}")
        if self.size is not None and self.size < 1:
            raise ModelsError(f"size is {self.size}: use at least 1 pixel")
        if not 1 <= self.quality <= 100:
            raise ModelsError(f"quality is {self.quality}: use 1 to 100")
        if self.workers < 1:
            raise ModelsError(f"workers is {self.workers}: use at least 1 thread")


def prepare(
    train: Source | None,
    test: Source | None,
    out: Path,
    config: PrepareConfig | None = None,
    *,
    bar: Bar = no_bar,
) -> StoreIndex:
    """Write the store ``out``, or continue to, and return its index.

    Until it is complete it lies in ``out`` with ``.partial`` appended. A store that is there
    already, of the same source and settings, is checked and left as it is.

    Args:
        train: where training images come from.
        test: where test images come from; their classes are the training classes.
        out: the store's folder.
        config: how it is written.
        bar: shows progress, given a description and the number of images.

    Raises:
        ModelsError: ``out`` holds something else, another process prepares it, the parts have
            different classes, a class has no images and shall not be kept, images differ in size
            and none is chosen, or an image is corrupt and shall not be skipped (what was done is
            kept, to be continued).
        OSError: the disk is full, or cannot be written.
    """
    config = config or PrepareConfig()
    sources = {name: s for name, s in (("train", train), ("test", test)) if s is not None}
    if not sources:
        raise ModelsError("neither training nor test images are given: name a source")
    parts = {name: source.part(name) for name, source in sources.items()}
    check_classes(sources, parts, keep_empty=config.empty_classes == "keep")
    with store_lock(out):
        return _prepare(sources, parts, out, config, bar)


def _prepare(
    sources: Mapping[str, Source],
    parts: Mapping[str, SourcePart],
    out: Path,
    config: PrepareConfig,
    bar: Bar,
) -> StoreIndex:
    target = _target(parts, config)
    settings = {**asdict(target), "size": config.size, "decoding": DECODING}
    header = {
        "settings": settings,
        "fingerprints": {name: part.fingerprint for name, part in parts.items()},
    }
    if out.exists():
        return _same_store(out, header)
    partial = partial_folder(out)
    if (partial / INDEX).is_file():
        _same_store(partial, header)  # killed between its last two steps
    else:
        journal = Journal(partial, header)
        try:
            for name, part in parts.items():
                _write_images(journal, name, part, target, config, bar)
            keep_empty = config.empty_classes == "keep"
            index = describe_store(
                partial, sources, parts, journal, target, settings, keep_empty=keep_empty
            )
            index.save(partial)
        except DifferentSizeError:
            shutil.rmtree(partial)
            raise
        except ModelsError:
            if not journal.entries:
                shutil.rmtree(partial)
            raise
        finally:
            journal.close()
    (partial / JOURNAL).unlink(missing_ok=True)
    partial.replace(out)
    return read_index(out)


def partial_folder(out: Path) -> Path:
    """Return where the store ``out`` lies until it is complete."""
    return out.with_name(f"{out.name}.partial")


def _target(parts: Mapping[str, SourcePart], config: PrepareConfig) -> Target:
    if config.size is not None:
        height = width = config.size
    else:
        height, width = _first_size(next(iter(parts.values())), config)
    image_format = config.image_format
    if image_format == "auto":
        total = sum(len(part) for part in parts.values()) * CHANNELS * height * width
        image_format = "uint8" if total <= _LARGEST_UINT8 else "jpeg"
    return Target(
        image_format=image_format,
        height=height,
        width=width,
        resize=config.size is not None,
        quality=config.quality,
    )


def _first_size(part: SourcePart, config: PrepareConfig) -> tuple[int, int]:
    for index, name in enumerate(part.names):
        try:
            width, height = as_image(part.read(index)).size
            return height, width
        except (OSError, CorruptImageError) as error:
            if config.on_corrupt == "refuse":
                raise _corrupt(part, name, str(error)) from None
    raise ModelsError(f"{part.where} has no image that can be decoded: fetch it again")


def _corrupt(part: SourcePart, name: str, reason: str) -> ModelsError:
    return ModelsError(
        f"{part.where}: {name} is corrupt ({reason}): replace it, or leave such images out with "
        "--on-corrupt skip"
    )


def _same_store(folder: Path, header: Mapping[str, object]) -> StoreIndex:
    if not (folder / INDEX).is_file():
        raise ModelsError(f"{folder} exists and is no store: name another folder")
    index = check_store(folder)
    fingerprints = {name: part.source_fingerprint for name, part in index.parts.items()}
    if {"settings": dict(index.settings), "fingerprints": fingerprints} != header:
        raise ModelsError(
            f"{folder} is a store of another source, or its source changed since, or it has other "
            "settings or is of an earlier version: remove it, or name another folder"
        )
    return index


def _write_images(
    journal: Journal,
    name: str,
    part: SourcePart,
    target: Target,
    config: PrepareConfig,
    bar: Bar,
) -> None:
    start = sum(entry.chunk.source_images for entry in journal.of(name))
    with (
        named(journal.path.parent / name),
        journal.open_images(name) as file,
        bar(f"prepare {name}", len(part)) as advance,
        ThreadPoolExecutor(config.workers) as pool,
    ):
        advance(start)
        try:
            for indices, images in _converted_chunks(pool, part, start, target):
                entry = _write_chunk(file, name, part, indices, images, config)
                journal.append(entry)
                advance(len(indices))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _converted_chunks(
    pool: ThreadPoolExecutor, part: SourcePart, start: int, target: Target
) -> Iterator[tuple[range, list[Converted]]]:
    """Yield chunks in order; the workers are at the next one while a chunk is written."""
    pending: deque[tuple[range, list[Future[Converted]]]] = deque()
    for first in range(start, len(part), CHUNK_IMAGES):
        indices = range(first, min(first + CHUNK_IMAGES, len(part)))
        pending.append((indices, [pool.submit(convert, part, i, target) for i in indices]))
        if len(pending) > 1:
            ready, futures = pending.popleft()
            yield ready, [future.result() for future in futures]
    while pending:
        ready, futures = pending.popleft()
        yield ready, [future.result() for future in futures]


def _write_chunk(
    file: IO[bytes],
    name: str,
    part: SourcePart,
    indices: range,
    images: list[Converted],
    config: PrepareConfig,
) -> Entry:
    skipped: list[int] = []
    corrupt: list[CorruptImage] = []
    counts = np.zeros((CHANNELS, 256), dtype=np.int64)
    for index, image in zip(indices, images, strict=True):
        if image.counts is not None:
            counts += image.counts
            continue
        reason = str(image.problem)
        if config.on_corrupt == "refuse":
            raise _corrupt(part, part.names[index], reason)
        skipped.append(index)
        corrupt.append(CorruptImage(name=part.names[index], reason=reason))
    good = [image.data for image in images if image.counts is not None]
    data = b"".join(good)
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
    sums, square_sums = value_sums(counts)
    digests = b"".join(image.source_digest for image in images)
    return Entry(
        part=name,
        chunk=Chunk(
            images=len(good),
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            source_images=len(indices),
            source_sha256=hashlib.sha256(digests).hexdigest(),
        ),
        lengths=tuple(map(len, good)),
        skipped=tuple(skipped),
        corrupt=tuple(corrupt),
        sums=sums,
        square_sums=square_sums,
    )
