"""The oracle: every op of docs/numerics.md on integer arrays, slow and obvious.

Ops are pure functions on int16 arrays of shape (rows, columns); each returns its outputs and the
number of saturated values. ``machine`` executes descriptors with them.
"""

from trivit.host.oracle.attention import AttentionOutput, attention, softmax
from trivit.host.oracle.gelu import gelu
from trivit.host.oracle.matmul import matmul
from trivit.host.oracle.normalise import normalise, row_statistics
from trivit.host.oracle.selection import largest, select_connections, select_tokens
from trivit.host.patches import patchify

__all__ = [
    "AttentionOutput",
    "attention",
    "gelu",
    "largest",
    "matmul",
    "normalise",
    "patchify",
    "row_statistics",
    "select_connections",
    "select_tokens",
    "softmax",
]
