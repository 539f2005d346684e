"""Token and connection selection (docs/numerics.md, select_tokens and select_connections)."""

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16, Int64
from trivit.host.tiles import ceil_div


def largest(values: Int64, keep: int) -> Int64:
    """Return the ascending indices of the ``keep`` largest values; ties go to the lower index."""
    return np.sort(np.argsort(-values, kind="stable")[:keep])


def select_tokens(cls_sum: Int64, keep: int) -> Int16:
    """Return the kept rows: 0 for [CLS], then the ``keep`` best patches, ascending.

    ``cls_sum`` is (tokens,): the [CLS] row of the head-summed probabilities. Closed keys (negative)
    count as 0. Tri-Level, Sec. Token-level Sparsity.
    """
    patches = largest(np.maximum(cls_sum[1:], 0), keep) + 1
    return np.concatenate([[0], patches]).astype(np.int16)


def select_connections(head_sum: Int64, kept: Int16, keep: int) -> NDArray[np.bool_]:
    """Return the (rows, rows) mask of open keys among the kept tokens.

    ``head_sum`` is (tokens, tokens); ``kept`` the rows that select_tokens chose. Closed keys
    (negative) stay closed, so a row of fewer than ``keep`` live ones opens all of them. [CLS] sees
    all and is seen by all. Tri-Level, Sec. Attention-level Sparsity.
    """
    restricted = head_sum[np.ix_(kept, kept)]
    mask = np.zeros(restricted.shape, dtype=bool)
    mask[0, :] = True
    mask[:, 0] = True
    for row in range(1, len(kept)):
        best = largest(restricted[row, 1:], keep) + 1
        mask[row, best] = restricted[row, best] >= 0
    return mask


def pack_mask(mask: NDArray[np.bool_]) -> Int16:
    """Pack (rows, keys) booleans into int16 elements, 16 keys each, padded to whole words."""
    rows, keys = mask.shape
    padded = np.zeros((rows, ceil_div(keys, 128) * 128), dtype=bool)
    padded[:, :keys] = mask
    return np.packbits(padded, axis=1, bitorder="little").view("<i2").astype(np.int16)


def unpack_mask(packed: Int16, keys: int) -> NDArray[np.bool_]:
    """Undo pack_mask."""
    raw = np.ascontiguousarray(packed.astype("<i2")).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little", count=keys).astype(bool)
