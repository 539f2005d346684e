"""The integer tables of docs/numerics.md, computed once for the oracle and the C++ kernel."""

import math
from itertools import pairwise


def gelu_table() -> list[int]:
    """D(t) = t·Φ(-t) at t = i/128, i = 0..1024, 20 fraction bits."""
    return [
        round(t * 0.5 * math.erfc(t / math.sqrt(2.0)) * 2**20)
        for t in (i / 128 for i in range(1025))
    ]


def gelu_slope_table() -> list[int]:
    """D'(t) = Φ(-t) - t·φ(t) at t = i/128, i = 0..1024, 20 fraction bits (training)."""
    return [
        round(
            (0.5 * math.erfc(t / math.sqrt(2.0)) - t * math.exp(-t * t / 2) / math.sqrt(math.tau))
            * 2**20
        )
        for t in (i / 128 for i in range(1025))
    ]


def exp2_table() -> list[int]:
    """2^(-i/256), i = 0..256, 22 fraction bits."""
    return [round(2.0 ** (-i / 256) * 2**22) for i in range(257)]


def reciprocal_table() -> list[int]:
    """1/(1 + i/512), i = 0..512, 24 fraction bits."""
    return [round(2**24 / (1 + i / 512)) for i in range(513)]


def rsqrt_table() -> list[int]:
    """1/sqrt(1 + i/1024), i = 0..3072, 24 fraction bits."""
    return [round(2**24 / math.sqrt(1 + i / 1024)) for i in range(3073)]


#: Name of each table, its doc line and values.
TABLES = {
    "GELU": (gelu_table.__doc__, gelu_table()),
    "GELU_SLOPE": (gelu_slope_table.__doc__, gelu_slope_table()),
    "EXP2": (exp2_table.__doc__, exp2_table()),
    "RECIP": (reciprocal_table.__doc__, reciprocal_table()),
    "RSQRT": (rsqrt_table.__doc__, rsqrt_table()),
}


def gelu_steps() -> list[int]:
    """Bits 17:0 GELU[i], 31:18 GELU[i+1] - GELU[i] (signed), i = 0..1023."""
    return [here | (after - here) % 2**14 << 18 for here, after in pairwise(gelu_table())]


def gelu_slope_steps() -> list[int]:
    """Bits 20:0 GELU_SLOPE[i], 34:21 GELU_SLOPE[i+1] - GELU_SLOPE[i], both signed, i = 0..1023."""
    return [
        here % 2**21 | (after - here) % 2**14 << 21 for here, after in pairwise(gelu_slope_table())
    ]


def exp2_steps() -> list[int]:
    """Bits 20:0 2^22 - EXP2[i], 34:21 EXP2[i] - EXP2[i+1], i = 0..255."""
    return [2**22 - here | (here - after) << 21 for here, after in pairwise(exp2_table())]


#: Tables of which one read gives a step's value and slope: a lane then takes one port of its table.
STEPS = {
    "GELU": (gelu_steps.__doc__, "uint32_t", gelu_steps()),
    "GELU_SLOPE": (gelu_slope_steps.__doc__, "uint64_t", gelu_slope_steps()),
    "EXP2": (exp2_steps.__doc__, "uint64_t", exp2_steps()),
}
