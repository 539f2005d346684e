"""Checkpoint files of others, told apart by their first bytes; no pickled code is run."""

import argparse
import pathlib
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from trivit.models.errors import ModelsError

_NAMED = 4  # classes that a message lists

# Plain values that training scripts keep beside the weights: arguments, accuracies, paths. Names
# are those of all versions of their packages, as a pickle holds the name of its time.
_PLAIN: list[Any] = [
    argparse.Namespace,
    (pathlib.PosixPath, "pathlib.PosixPath"),
    (pathlib.PosixPath, "pathlib._local.PosixPath"),
    np.dtype,
    np.ndarray,
    *{type(np.dtype(code)) for code in "?bhilqBHILQefdSU"},
    *(
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in (
            (np.float64(0).__reduce__()[0], "scalar"),
            (np.zeros(0).__reduce__()[0], "_reconstruct"),
        )
    ),
]

# What arrives in place of a checkpoint, and what to do then.
_OTHERS = (
    (
        b"version https://git-lfs",
        "a pointer of Git LFS",
        "fetch the file itself with 'git lfs pull'",
    ),
    (b"<", "a page of HTML or XML", "fetch the file itself"),
    (b"\x89HDF", "of Keras", "convert it to PyTorch first"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first"),
    (b"BZh", "compressed with bzip2", "unpack it first"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
)

_DAMAGED = "it is damaged or no file of torch.save"

_LARGEST_HEADER = 100_000_000  # bytes, as safetensors itself allows


def read_content(path: Path) -> Any:
    """Return what a file of safetensors or ``torch.save`` holds, tensors on the CPU.

    The kind follows from the contents; the name may end as it likes.

    Raises:
        ModelsError: the file is missing, damaged, of another kind, or holds other objects than
            tensors and plain values.
    """
    if not path.is_file():
        raise ModelsError(f"checkpoint {path} does not exist: check the path")
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        if not head:
            raise ModelsError(f"cannot read checkpoint {path}, which is empty: fetch it again")
        if _is_safetensors(head):
            return _read_safetensors(path)
        if head.startswith((b"PK\x03\x04", b"\x80")):
            return _read_torch(path, file)
    if head[257:262] == b"ustar":
        raise ModelsError(f"checkpoint {path} is a tar archive: unpack it first")
    for start, kind, remedy in _OTHERS:
        if head.lstrip().startswith(start):
            raise ModelsError(f"checkpoint {path} is {kind}: {remedy}")
    raise ModelsError(
        f"cannot read checkpoint {path}: it is of an unknown kind or damaged, give a file of "
        "safetensors or torch.save"
    )


def _is_safetensors(head: bytes) -> bool:
    """Whether the length of a header in JSON comes first, and then the header."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LARGEST_HEADER


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelsError(f"cannot read checkpoint {path} ({error}): fetch it again") from None


def _read_torch(path: Path, file: BinaryIO) -> Any:
    try:
        with torch.serialization.safe_globals(_PLAIN):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        objects = _objects(path, str(error))
        if not objects:
            raise ModelsError(f"cannot read checkpoint {path}: {_DAMAGED}") from None
        more = f" and {len(objects) - _NAMED} more" if len(objects) > _NAMED else ""
        raise ModelsError(
            f"checkpoint {path} holds Python objects besides tensors ({', '.join(objects[:_NAMED])}"
            f"{more}), which are not loaded as they could run code: if you trust the file, "
            "torch.load it with weights_only=False where their packages are installed, and "
            "torch.save its state dict alone"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        if "TorchScript" in str(error):
            remedy = "torch.jit.load it, and torch.save its state_dict()"
            raise ModelsError(f"checkpoint {path} is a TorchScript program: {remedy}") from None
        if _is_npz(path):
            raise ModelsError(
                f"checkpoint {path} is of NumPy (.npz), as JAX saves weights: convert it with timm"
            ) from None
        raise ModelsError(f"cannot read checkpoint {path}: {_DAMAGED}") from None


def _objects(path: Path, message: str) -> list[str]:
    """Return the classes and functions that a refused pickle asks for."""
    try:
        with torch.serialization.safe_globals(_PLAIN):
            every = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # of an old or damaged pickle no more is known than its error says
        every = []
    return every or re.findall(r"GLOBAL ([\w.]+\w)", message)[:1]


def _is_npz(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())
