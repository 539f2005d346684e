"""The record of an unfinished preparation, a line for each chunk that is safely on the disk."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.models.data.store.index import Chunk, CorruptImage
from trivit.models.decoding.stored_pixels import IMAGES
from trivit.models.errors import ModelsError
from trivit.models.files import named

JOURNAL = "progress.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A chunk that is written.

    Attributes:
        part: ``train`` or ``test``.
        chunk: its place in the index.
        lengths: bytes of each image.
        skipped: position in the source of each corrupt image.
        corrupt: the same images, by name.
        sums: of the values of each channel.
        square_sums: of their squares.
    """

    part: str
    chunk: Chunk
    lengths: tuple[int, ...]
    skipped: tuple[int, ...]
    corrupt: tuple[CorruptImage, ...]
    sums: tuple[int, ...]
    square_sums: tuple[int, ...]


def value_sums(counts: NDArray[np.int64]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return sums of values and of squares from the counts of each value, (channels, 256)."""
    values = np.arange(256, dtype=np.int64)
    return tuple(map(int, counts @ values)), tuple(map(int, counts @ values**2))


class Journal:
    """Entries of a folder, which one process writes at a time (`store_lock`).

    What a killed process wrote after its last entry is cut off.

    Raises:
        ModelsError: it is of another source or other settings.
    """

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / JOURNAL
        self._file = self.path.open("a+", encoding="utf-8")
        self.entries: list[Entry] = []
        try:
            self._load(header)
        except BaseException:
            self._file.close()
            raise

    def _load(self, header: dict[str, Any]) -> None:
        self._file.seek(0)
        whole, _, _ = self._file.read().rpartition("\n")
        lines = whole.split("\n") if whole else []
        try:
            records = [json.loads(line) for line in lines]
            self.entries = [_entry(record) for record in records[1:]]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ModelsError(f"{self.path} is damaged: remove {self._folder}") from None
        if len(records) == 1 and records[0] != header:
            lines = []  # nothing was done under the other settings
        elif records and records[0] != header:
            raise ModelsError(
                f"{self._folder} is an unfinished preparation of another source or with other "
                "settings: remove it, or name another folder"
            )
        kept = "".join(f"{line}\n" for line in lines)
        self._file.truncate(len(kept.encode()))
        self._file.seek(0, os.SEEK_END)
        if not lines:
            self._write(header)

    def of(self, part: str) -> list[Entry]:
        """Return the entries of one part."""
        return [entry for entry in self.entries if entry.part == part]

    def append(self, entry: Entry) -> None:
        """Record a chunk whose bytes are on the disk."""
        self._write(asdict(entry))
        self.entries.append(entry)

    def _write(self, record: dict[str, Any]) -> None:
        with named(self.path):
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def open_images(self, part: str) -> Any:
        """Open ``images.bin`` of a part for writing behind its last recorded chunk."""
        path = self._folder / part / IMAGES
        path.parent.mkdir(exist_ok=True)
        file = path.open("ab")
        written = sum(entry.chunk.bytes for entry in self.of(part))
        if file.tell() < written:
            file.close()
            raise ModelsError(
                f"{path} is shorter than was recorded: remove {self._folder} and start again"
            )
        file.truncate(written)
        return file

    def close(self) -> None:
        """Close the file."""
        with named(self.path):  # closing writes what a full disk did not take
            self._file.close()


def _entry(tree: dict[str, Any]) -> Entry:
    chunk = Chunk(**tree.pop("chunk"))
    corrupt = tuple(CorruptImage(**image) for image in tree.pop("corrupt"))
    return Entry(chunk=chunk, corrupt=corrupt, **{k: _tuple(v) for k, v in tree.items()})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
