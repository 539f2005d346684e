"""Whether a store, or the source it was made from, changed since it was prepared."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from trivit.models.data.sources import RawImage, Source, SourcePart
from trivit.models.data.store.index import StoredPart, StoreIndex, read_index
from trivit.models.decoding.decode import CorruptImageError
from trivit.models.decoding.stored_pixels import IMAGES
from trivit.models.errors import ModelsError

_SAMPLES = 64
_PAGE = 4096
_REMEDY = "prepare the store again"

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def no_bar(description: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show no progress."""
    return nullcontext(lambda count: None)


def sample_sha256(path: Path) -> str:
    """Return the SHA-256 of pages that lie evenly spread over a file, the last one included."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        last = max(0, path.stat().st_size - _PAGE)
        for index in range(_SAMPLES):
            file.seek(last * index // (_SAMPLES - 1))
            digest.update(file.read(_PAGE))
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_store(folder: Path) -> StoreIndex:
    """Return the index after a quick check: sizes, small files, samples of the images.

    Raises:
        ModelsError: no store, or it changed since it was prepared.
    """
    index = read_index(folder)
    for name, part in index.parts.items():
        _check_files(folder / name, part)
    return index


def _check_files(folder: Path, part: StoredPart) -> None:
    for name, size in part.bytes.items():
        path = folder / name
        if not path.is_file():
            raise ModelsError(f"{path} is missing: {_REMEDY}")
        if (found := path.stat().st_size) != size:
            raise ModelsError(f"{path} has {found} bytes and was written with {size}: {_REMEDY}")
        expected = part.sample_sha256 if name == IMAGES else part.sha256[name]
        if (sample_sha256(path) if name == IMAGES else file_sha256(path)) != expected:
            raise ModelsError(f"{path} has changed since it was written: {_REMEDY}")


def verify_store(
    folder: Path,
    *,
    train: Source | None = None,
    test: Source | None = None,
    workers: int = 1,
    bar: Bar = no_bar,
) -> StoreIndex:
    """Return the index after reading every byte; with sources, every byte of theirs as well.

    Args:
        folder: the store.
        train: what the training images were prepared from.
        test: what the test images were prepared from.
        workers: threads that read a source.
        bar: shows progress, given a description and the number of images.

    Raises:
        ModelsError: something changed since the store was prepared.
    """
    index = check_store(folder)
    for name, part in index.parts.items():
        with bar(f"verify {name}", part.images) as advance:
            _verify_chunks(folder / name / IMAGES, part, advance)
        source = train if name == "train" else test
        if source is not None:
            with bar(f"verify source of {name}", part.images + len(part.corrupt)) as advance:
                _verify_source(folder, part, source.part(name), workers, advance)
    return index


def _verify_chunks(path: Path, part: StoredPart, advance: Callable[[int], None]) -> None:
    first = 0
    with path.open("rb") as file:
        for chunk in part.chunks:
            if hashlib.sha256(file.read(chunk.bytes)).hexdigest() != chunk.sha256:
                raise ModelsError(
                    f"{path} has changed since it was written, among images {first} to "
                    f"{first + chunk.images - 1}: {_REMEDY}"
                )
            first += chunk.images
            advance(chunk.images)


def _verify_source(
    folder: Path,
    part: StoredPart,
    source: SourcePart,
    workers: int,
    advance: Callable[[int], None],
) -> None:
    if source.fingerprint != part.source_fingerprint:
        raise ModelsError(
            f"{source.where} changed since {folder} was prepared (images added, removed, renamed, "
            f"relabelled or of another size): {_REMEDY}"
        )
    first = 0
    with ThreadPoolExecutor(workers) as pool:
        for chunk in part.chunks:
            last = first + chunk.source_images - 1
            digests = pool.map(lambda i: source_digest(source, i), range(first, last + 1))
            if hashlib.sha256(b"".join(digests)).hexdigest() != chunk.source_sha256:
                raise ModelsError(
                    f"{source.where} changed since {folder} was prepared, among "
                    f"{source.names[first]} to {source.names[last]}: {_REMEDY}"
                )
            first = last + 1
            advance(chunk.source_images)


def source_digest(source: SourcePart, index: int) -> bytes:
    """Return the SHA-256 of one image as the source holds it; of nothing when it is unreadable."""
    try:
        return raw_digest(source.read(index))
    except (OSError, CorruptImageError):
        return raw_digest(b"")


def raw_digest(raw: RawImage) -> bytes:
    """Return the SHA-256 of compressed bytes, or of pixels (height, width, channels)."""
    return hashlib.sha256(raw if isinstance(raw, bytes) else raw.tobytes()).digest()
