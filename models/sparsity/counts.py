"""How many of N items a keep ratio keeps (no torch needed)."""

import math

# Absorbs the float error of count * ratio, so that 100 * 0.07 keeps 7 tokens and not 8.
_CEIL_TOLERANCE = 1e-9


def keep_count(count: int, keep_ratio: float) -> int:
    """Return ``ceil(count * keep_ratio)``, at least 1: how many of ``count`` items stay."""
    return max(1, math.ceil(count * keep_ratio - _CEIL_TOLERANCE))
