"""Cycles of masked attention under mappings that skip closed keys (docs/attention-connections.md).

A mask is bool (T, T): row = query, column = key, both with [CLS] first. The array takes eight
queries at a time and the same keys for all of them, so what it can skip depends on the *union*.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.tiles import ceil_div
from trivit.tools.estimate.timeline.latencies import SOFTMAX_ROWS

Mask = NDArray[np.bool_]

_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH


def in_order(mask: Mask) -> list[NDArray[np.int64]]:
    """Return the groups of queries as they lie in memory."""
    count = len(mask)
    return [np.arange(s, min(s + TILE_TOKENS, count)) for s in range(0, count, TILE_TOKENS)]


def regrouped(mask: Mask) -> list[NDArray[np.int64]]:
    """Return groups of queries with small unions: greedy, each next query adds the fewest keys.

    [CLS], which is open to all keys, and the seven queries left over share a group.
    """
    left = list(range(1, len(mask)))
    groups = []
    last = (len(mask) - 1) % TILE_TOKENS  # beside [CLS]
    while len(left) > last:
        members = [left.pop(0)]
        union = mask[members[0]].copy()
        while len(members) < TILE_TOKENS and left:
            added = (mask[left] & ~union).sum(axis=1)
            members.append(left.pop(int(added.argmin())))
            union |= mask[members[-1]]
        groups.append(np.array(members))
    groups.append(np.array([0, *left]))
    return groups


def _fullest(keys: NDArray[np.int64], lanes: int) -> int:
    return int(np.bincount(keys % lanes, minlength=lanes).max())


def all_keys(keys: NDArray[np.int64], tokens: int) -> tuple[int, int]:
    """Return (32-key tiles, 8-key words) of the kernel as it is: the mask closes, nothing skips."""
    return ceil_div(tokens, TILE_OUTPUTS), ceil_div(tokens, TILE_DEPTH)


def aligned(keys: NDArray[np.int64], tokens: int) -> tuple[int, int]:
    """Skip the tiles of 32 keys and the words of 8 keys that no query of the group needs."""
    return len(np.unique(keys // TILE_OUTPUTS)), len(np.unique(keys // TILE_DEPTH))


def lanes(keys: NDArray[np.int64], tokens: int) -> tuple[int, int]:
    """Give each of the 32 (for P·V: 8) memories an address of its own: the fullest one counts."""
    return _fullest(keys, TILE_OUTPUTS), _fullest(keys, TILE_DEPTH)


def compacted(keys: NDArray[np.int64], tokens: int) -> tuple[int, int]:
    """Gather the union's keys and values without gaps; the copy itself is left out here."""
    return ceil_div(len(keys), TILE_OUTPUTS), ceil_div(len(keys), TILE_DEPTH)


MAPPINGS: dict[str, Callable[[NDArray[np.int64], int], tuple[int, int]]] = {
    "all keys": all_keys,
    "aligned": aligned,
    "lanes": lanes,
    "compacted": compacted,
}


def step_cycles(tiles: int, words: int, head_words: int) -> int:
    """Return the steady-state cycles of a group: array or softmax, whichever takes longer."""
    array = tiles * head_words + ceil_div(head_words, _TILE_WORDS) * words
    softmax = TILE_TOKENS // SOFTMAX_ROWS * words
    return max(array, softmax)


def copy_cycles(keys: int, head_words: int) -> int:
    """Return the cycles of gathering a group's keys and values: eight banks, two tensors."""
    return 2 * ceil_div(keys, TILE_TOKENS) * head_words


def head_cycles(
    mask: Mask, groups: list[NDArray[np.int64]], mapping: str, head_words: int
) -> tuple[int, int]:
    """Return the cycles of one head without fill and drain: without and with the copy of keys.

    Copying runs beside the array, so a group takes the longer of the two; only ``compacted``
    copies.
    """
    total = bound = 0
    for members in groups:
        keys = np.flatnonzero(mask[members].any(axis=0))
        cycles = step_cycles(*MAPPINGS[mapping](keys, len(mask)), head_words)
        total += cycles
        copied = mapping == "compacted"
        bound += max(cycles, copy_cycles(len(keys), head_words)) if copied else cycles
    return total, bound


def one_query_cycles(mask: Mask, head_words: int) -> int:
    """Return the cycles of one head when every query takes the array alone with its own keys."""
    return sum(step_cycles(*compacted(np.flatnonzero(row), len(mask)), head_words) for row in mask)
