"""Reader of IDX files (the MNIST family), plain or gzip."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trivit.models.errors import ModelsError

_UNSIGNED_BYTE = 0x08


def parse_idx(data: bytes, where: str) -> Tensor:
    """Return the uint8 tensor that IDX ``data`` holds; ``where`` names it in messages.

    Raises:
        ModelsError: not an IDX of unsigned bytes, or not as long as its header says.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE or data[3] == 0:
        raise ModelsError(f"{where} is no IDX file of unsigned bytes: fetch the dataset again")
    header = 4 + 4 * data[3]
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, header, 4)]
    expected = header + math.prod(shape)
    if len(data) != expected:
        raise ModelsError(
            f"{where} holds {len(data)} bytes where its header says {expected}: "
            "fetch the dataset again"
        )
    values = np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
    return torch.from_numpy(values.copy())


def read_idx(path: Path) -> Tensor:
    """Return the uint8 tensor of the IDX file ``path``; a name ending in .gz is decompressed.

    Raises:
        ModelsError: unreadable, truncated or corrupt.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ModelsError(f"cannot read {path} ({error}): fetch the dataset again") from None
    return parse_idx(data, str(path))
