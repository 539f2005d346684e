"""Block sizes of the kernels, by number of tokens and width of a head.

A table instead of a search at run time: a search times candidates when a shape first occurs, which
a CUDA graph under capture forbids and which could choose otherwise in the next run, with other
bits. Chosen by padding and by what the compiler says of registers and shared memory
(``sw_tests/short_attention/test_compiles.py``); not tuned on a GPU yet.
"""

from typing import NamedTuple

MAX_TOKENS = 577
WIDTHS = range(16, 65)


class Sizes(NamedTuple):
    """Rows and keys of a tile, warps of a program, stages of the pipeline of loads."""

    rows: int
    keys: int
    warps: int
    stages: int


def padded_width(width: int) -> int:
    """Return the power of two that holds the width of a head."""
    return 16 if width <= 16 else 32 if width <= 32 else 64


def forward_sizes(tokens: int, *, mean: bool) -> Sizes:
    """Return the sizes for the forward kernel.

    Args:
        tokens: L.
        mean: means over the heads are wanted, for which one block holds all keys.
    """
    if mean:
        # Scores, probabilities and their mean are held at once: few rows, or registers run out.
        keys = _power_of_two(tokens, 16)
        rows = min(keys, 32) if keys <= 64 else 16
        return Sizes(rows, keys, min(8, max(1, keys // 16)), 1)
    if tokens <= 32:
        keys = _power_of_two(tokens, 16)
        return Sizes(keys, keys, 2 if keys == 32 else 1, 1)
    # 64 rows are what four warps multiply at once; 32 keys where 64 would pad much more.
    wide, narrow = _multiple(tokens, 64), _multiple(tokens, 32)
    return Sizes(64, 64 if wide <= 1.1 * narrow else 32, 4, 2)


def backward_sizes(tokens: int, *, table: bool) -> Sizes:
    """Return the sizes for both backward kernels.

    Args:
        tokens: L.
        table: the gradient of the table is wanted, which takes the registers of a second stage.
    """
    if tokens <= 32:
        rows = _power_of_two(tokens, 16)
        return Sizes(rows, rows, 4 if rows == 32 else 2, 1)
    return Sizes(64, 32, 4, 1 if table else 2)


def image_shares(images: int, programs: int) -> int:
    """Return how many images a program of the backward kernel takes one after the other.

    Only where the gradient of the table is added up: each share has sums of its own, in memory, so
    there should be few. There are as many as keep a large GPU busy; as the number does not depend
    on the device, nor do the bits.

    Args:
        images: B.
        programs: those of one image.
    """
    shares = min(images, -(-PROGRAMS // programs))
    return -(-images // shares)


PROGRAMS = 4 * 132  # four on each multiprocessor of an H100 or H200


def _power_of_two(value: int, least: int) -> int:
    return max(least, 1 << (value - 1).bit_length())


def _multiple(value: int, of: int) -> int:
    return -(-value // of) * of
