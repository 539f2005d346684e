"""CIFAR-10 and CIFAR-100 as their authors publish them: pickled ("python") or binary, as
``.tar.gz``, ``.tar`` or the unpacked folder.
"""

import io
import lzma
import pickle
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.models.errors import ModelsError

SIDE = 32
_IMAGE_BYTES = 3 * SIDE * SIDE
_REMEDY = "fetch the archive again"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Files of one form of one data set.

    Attributes:
        archive: usual name of the published file.
        folder: name of the folder within.
        train: files with training images, in order.
        test: the file with test images.
        names: the file with class names.
        label: key of the labels in a pickled file; in a binary file, how many bytes of other
            labels come before the label.
        pickled: python form, or binary.
    """

    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    names: str
    label: str | int
    pickled: bool


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "cifar10": (
        Layout(
            archive="cifar-10-python.tar.gz",
            folder="cifar-10-batches-py",
            train=_BATCHES,
            test="test_batch",
            names="batches.meta",
            label="labels",
            pickled=True,
        ),
        Layout(
            archive="cifar-10-binary.tar.gz",
            folder="cifar-10-batches-bin",
            train=tuple(f"{name}.bin" for name in _BATCHES),
            test="test_batch.bin",
            names="batches.meta.txt",
            label=0,
            pickled=False,
        ),
    ),
    "cifar100": (
        Layout(
            archive="cifar-100-python.tar.gz",
            folder="cifar-100-python",
            train=("train",),
            test="test",
            names="meta",
            label="fine_labels",
            pickled=True,
        ),
        Layout(
            archive="cifar-100-binary.tar.gz",
            folder="cifar-100-binary",
            train=("train.bin",),
            test="test.bin",
            names="fine_label_names.txt",
            label=1,
            pickled=False,
        ),
    ),
}


@dataclass(frozen=True)
class CifarPart:
    """Pixels, uint8 (B, 3, 32, 32), and labels, int64 (B,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class CifarArchive:
    """Both parts of a data set, and its class names."""

    dataset: str
    class_names: tuple[str, ...]
    train: CifarPart
    test: CifarPart


def find_archive(dataset: str, folders: Iterable[Path]) -> Path | None:
    """Return the first archive, or unpacked folder, of ``dataset`` in ``folders``."""
    for folder in folders:
        for layout in LAYOUTS[dataset]:
            plain = layout.archive.removesuffix(".gz")
            for name in (layout.archive, plain, layout.folder):
                if (folder / name).exists():
                    return folder / name
    return None


def read_archive(path: Path) -> CifarArchive:
    """Read an archive or the folder that it unpacks to.

    Raises:
        ModelsError: no CIFAR, or a file is missing or damaged.
    """
    files = _FolderFiles(path) if path.is_dir() else _read_tar(path)
    for dataset, layouts in LAYOUTS.items():
        for layout in layouts:
            if all(name in files for name in (*layout.train, layout.test, layout.names)):
                return _read_layout(path, dataset, layout, files)
    raise ModelsError(
        f"{path} holds neither CIFAR-10 nor CIFAR-100 (python or binary version): {_REMEDY}"
    )


def looks_like_cifar(path: Path) -> bool:
    """Whether ``path`` is named or laid out as a CIFAR archive or its folder."""
    layouts = [layout for both in LAYOUTS.values() for layout in both]
    if path.is_dir():
        return any((path / layout.names).is_file() for layout in layouts)
    return path.name.startswith("cifar-") and path.name.endswith((".tar.gz", ".tgz", ".tar"))


class _FolderFiles(dict[str, bytes]):
    """Files of a folder by name, read when needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return (self._folder / str(name)).is_file()

    def __missing__(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


def _read_tar(path: Path) -> dict[str, bytes]:
    known = {
        name
        for both in LAYOUTS.values()
        for layout in both
        for name in (*layout.train, layout.test, layout.names)
    }
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if member.isfile() and name in known and (file := archive.extractfile(member)):
                    if name in found:
                        raise ModelsError(f"{path} holds {name} twice: {_REMEDY}")
                    found[name] = file.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise ModelsError(f"cannot read {path} ({error}): {_REMEDY}") from None
    return found


def _read_layout(path: Path, dataset: str, layout: Layout, files: dict[str, bytes]) -> CifarArchive:
    read = _read_pickled if layout.pickled else _read_binary
    class_names = _class_names(path, layout, files[layout.names])
    parts = []
    for names in (layout.train, (layout.test,)):
        read_parts = [read(f"{path}: {name}", files[name], layout.label) for name in names]
        part = CifarPart(
            np.concatenate([part.pixels for part in read_parts]),
            np.concatenate([part.labels for part in read_parts]),
        )
        if part.labels.min() < 0 or part.labels.max() >= len(class_names):
            raise ModelsError(
                f"{path}: {names[0]} has label {part.labels.max()} of {len(class_names)} classes: "
                f"{_REMEDY}"
            )
        parts.append(part)
    return CifarArchive(dataset, class_names, *parts)


def _class_names(path: Path, layout: Layout, data: bytes) -> tuple[str, ...]:
    if not layout.pickled:
        return tuple(data.decode().split())
    where = f"{path}: {layout.names}"
    table = _unpickle(where, data)
    for key in ("label_names", "fine_label_names"):
        if isinstance(table.get(key), list):
            return tuple(n.decode() if isinstance(n, bytes) else str(n) for n in table[key])
    raise ModelsError(f"{where} has no class names: {_REMEDY}")


def _read_pickled(where: str, data: bytes, label: str | int) -> CifarPart:
    table = _unpickle(where, data)
    try:
        pixels = np.asarray(table["data"])
        labels = np.asarray(table[str(label)], dtype=np.int64)
    except (KeyError, TypeError, ValueError):
        raise ModelsError(f"{where} has no 'data' and '{label}': {_REMEDY}") from None
    shape = (len(labels), _IMAGE_BYTES)
    if pixels.dtype != np.uint8 or pixels.shape != shape or not len(labels):
        raise ModelsError(
            f"{where} has pixels of shape {pixels.shape}, expected {shape}: {_REMEDY}"
        )
    return CifarPart(pixels.reshape(-1, 3, SIDE, SIDE), labels)


def _read_binary(where: str, data: bytes, label: str | int) -> CifarPart:
    before = int(label)
    record = before + 1 + _IMAGE_BYTES
    if not data or len(data) % record:
        raise ModelsError(f"{where} has {len(data)} bytes, no multiple of {record}: {_REMEDY}")
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, record)
    pixels = rows[:, before + 1 :].reshape(-1, 3, SIDE, SIDE)
    return CifarPart(pixels, rows[:, before].astype(np.int64))


class _ArrayUnpickler(pickle.Unpickler):
    """Builds numpy arrays and plain containers only: a pickle can name any function to call."""

    _ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),  # how later Pythons write bytes in the old protocol
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed constructor.

        Raises:
            UnpicklingError: any other name.
        """
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        constructor: Callable[..., Any] = super().find_class(
            module.replace("numpy.core", "numpy._core") if _NEW_NUMPY else module, name
        )
        return constructor


_NEW_NUMPY = int(np.__version__.split(".")[0]) >= 2


def _unpickle(where: str, data: bytes) -> dict[str, Any]:
    try:
        table = _ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise ModelsError(f"cannot read {where} ({error}): {_REMEDY}") from None
    if not isinstance(table, dict):
        raise ModelsError(f"{where} is no table: {_REMEDY}")
    return {k.decode("latin1") if isinstance(k, bytes) else str(k): v for k, v in table.items()}
