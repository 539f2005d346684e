"""Stochastic rounding from a counter-based hash (docs/on-device-training.md, Update)."""

import numpy as np

from trivit.host.fixed_point import Int64

_WORD = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9
#: Bits of a hash: rounding away more of them drops the lowest first.
HASH_BITS = 32


def mix(values: Int64) -> Int64:
    """Return a hash of 32 bits of each of ``values`` modulo 2^32: six shifts and adds (Jenkins)."""
    a = np.asarray(values, np.int64) & _WORD
    a = (a + 0x7ED55D16 + (a << 12)) & _WORD
    a = (a ^ 0xC761C23C) ^ (a >> 19)
    a = (a + 0x165667B1 + (a << 5)) & _WORD
    a = ((a + 0xD3A2646C) & _WORD) ^ ((a << 9) & _WORD)
    a = (a + 0xFD7046C5 + (a << 3)) & _WORD
    return (a ^ 0xB55A4F09) ^ (a >> 16)


def tensor_key(key: int, number: int) -> int:
    """Return the key of the tensor with this number in the step with this key."""
    return int(mix(np.int64((key + _GOLDEN * number) & _WORD)))


def hashes(key: int, part: int, count: int) -> Int64:
    """Return the hash of each of ``count`` elements; ``part`` is 0 (momentum) or 1 (weight)."""
    return mix(2 * np.arange(count, dtype=np.int64) + part + key)


def stochastic_round(values: Int64, shift: int, hashed: Int64) -> Int64:
    """Return ``values``·2^-shift rounded up with the probability of the dropped fraction.

    ``hashed`` gives 32 random bits for each value. A shift of 0 or below is exact.
    """
    if shift <= 0:
        return values << -shift
    if shift > HASH_BITS:
        values, shift = values >> min(shift - HASH_BITS, 63), HASH_BITS
    return (values + (hashed & ((1 << shift) - 1))) >> shift


def nearest(values: Int64, shift: int) -> Int64:
    """Return the same with half a step in place of the random bits."""
    return stochastic_round(values, shift, np.int64(1 << max(min(shift, HASH_BITS) - 1, 0)))
