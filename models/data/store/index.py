"""The index of a store: what is in it and the checksums of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trivit.models.data.dataset import DatasetInfo
from trivit.models.data.sources.base import LeftOut
from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write

FORMAT = "trivit-store/1"
INDEX = "index.json"
LABELS, NAMES = "labels.bin", "names.txt"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A run of images, checked as one.

    Attributes:
        images: how many were written.
        bytes: of them in ``images.bin``.
        sha256: of these bytes.
        source_images: how many there were in the source, corrupt ones included.
        source_sha256: of the SHA-256 of each of them, in order.
    """

    images: int
    bytes: int
    sha256: str
    source_images: int
    source_sha256: str


@dataclass(frozen=True, kw_only=True)
class CorruptImage:
    """An image of the source that was left out."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    """Training or test images.

    Attributes:
        images: how many.
        bytes: size of each file, by name.
        sha256: of each file but ``images.bin``, which the chunks cover.
        sample_sha256: of pages spread over ``images.bin``: a quick look that needs not all of it.
        chunks: of ``images.bin``, in order.
        corrupt: images of the source that were skipped.
        source: path or pattern of the source.
        source_kind: its layout.
        source_fingerprint: of the source's list of images.
        left_out: other files within the part's source.
    """

    images: int
    bytes: Mapping[str, int]
    sha256: Mapping[str, str]
    sample_sha256: str
    chunks: tuple[Chunk, ...]
    corrupt: tuple[CorruptImage, ...]
    source: str
    source_kind: str
    source_fingerprint: str
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoreIndex:
    """What a store holds.

    Attributes:
        name: what the data set is called.
        image_format: ``uint8`` or ``jpeg``.
        channels: of every image.
        height: of every image.
        width: of every image.
        class_names: name of each class.
        mean: per channel, of pixels / 255, measured on the training images if there are any.
        std: likewise.
        settings: with which the store was prepared.
        parts: under ``train`` and ``test``, one of them or both.
        left_out: files of the sources beside these parts.
    """

    name: str
    image_format: str
    channels: int
    height: int
    width: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    settings: Mapping[str, Any]
    parts: Mapping[str, StoredPart]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def info(self) -> DatasetInfo:
        """Description of the images."""
        return DatasetInfo(
            name=self.name,
            channels=self.channels,
            height=self.height,
            width=self.width,
            mean=self.mean,
            std=self.std,
            class_names=self.class_names,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of this, and so of the images too."""
        return hashlib.sha256(json.dumps(self._tree(), sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write ``index.json``."""
        tree = {"format": FORMAT, "fingerprint": self.fingerprint, **self._tree()}
        with atomic_write(folder / INDEX) as temporary:
            temporary.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")

    def _tree(self) -> dict[str, Any]:
        tree = asdict(self)
        for holder in (tree, *tree["parts"].values()):
            if not holder["left_out"]:
                del holder["left_out"]  # as in stores made before it was noted
        return tree


def read_index(folder: Path) -> StoreIndex:
    """Read the index of the store ``folder``.

    Raises:
        ModelsError: no store, one of another version, or a changed index.
    """
    path = folder / INDEX
    if not path.is_file():
        raise ModelsError(f"{folder} is no prepared store: make one with 'trivit data prepare'")
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tree.pop("format") != FORMAT:
            raise ModelsError(f"{path} is not of format {FORMAT}: prepare the store again")
        fingerprint = tree.pop("fingerprint")
        for key in ("class_names", "mean", "std"):
            tree[key] = tuple(tree[key])
        tree["parts"] = {name: _part(part) for name, part in tree["parts"].items()}
        tree["left_out"] = _left_out(tree)
        index = StoreIndex(**tree)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelsError(f"{path} is damaged: prepare the store again") from None
    if index.fingerprint != fingerprint:
        raise ModelsError(f"{path} was changed since it was written: prepare the store again")
    return index


def _part(tree: dict[str, Any]) -> StoredPart:
    chunks = tuple(Chunk(**chunk) for chunk in tree.pop("chunks"))
    corrupt = tuple(CorruptImage(**image) for image in tree.pop("corrupt"))
    left_out = _left_out(tree)
    return StoredPart(chunks=chunks, corrupt=corrupt, left_out=left_out, **tree)


def _left_out(tree: dict[str, Any]) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(**entry) for entry in tree.pop("left_out", ()))
