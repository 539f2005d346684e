"""How many of N items a keep ratio keeps (no torch needed)."""

import math
from dataclasses import dataclass

# Absorbs the float error of count * ratio, so that 100 * 0.07 keeps 7 tokens and not 8.
_CEIL_TOLERANCE = 1e-9


def keep_count(count: int, keep_ratio: float) -> int:
    """Return ``ceil(count * keep_ratio)``, at least 1: how many of ``count`` items stay."""
    return max(1, math.ceil(count * keep_ratio - _CEIL_TOLERANCE))


def connection_count(
    kept: int, keys: float, *, prefix: int = 1, fused: int = 0, class_column: bool = True
) -> int:
    """Return how many pairs of tokens attend to each other once connections are selected.

    Each of ``kept`` patch tokens attends to ``keys`` of them on average; [CLS] and a fused token
    attend to all tokens, all attend to a fused token, and to [CLS] unless its column is closed.

    Args:
        kept: patch tokens.
        keys: of each of them, on average.
        prefix: 1 with [CLS], else 0.
        fused: 1 with a fused token, else 0.
        class_column: whether the patch tokens attend to [CLS].
    """
    tokens = prefix + kept + fused
    return (prefix + fused) * tokens + round(kept * (prefix * class_column + fused + keys))


def sampled_patches(num_patches: int, keep_ratio: float, prefix: int = 1) -> int:
    """Return how many patches stay: ``round(keep_ratio * tokens)`` without [CLS], at least 1.

    The tokens include [CLS], which always stays: of 197, the ratio 0.2 keeps 39, 38 of them
    patches (PSS; paper and code agree). Without [CLS] (``prefix`` 0) only patches count.
    """
    return max(1, round(keep_ratio * (prefix + num_patches)) - prefix)


@dataclass(frozen=True)
class Selection:
    """What a selector leaves of the patch tokens that reach it.

    Attributes:
        count: patch tokens that reach it.
        keep: patch tokens that stay, without a fused one.
        fused: 1 where the dropped ones are added as one more token, else 0.
        keys: connections of each kept patch token; ``None``: all.
    """

    count: int
    keep: int
    fused: int
    keys: int | None

    @property
    def drops(self) -> bool:
        """Whether tokens are dropped."""
        return self.keep < self.count

    @property
    def left(self) -> int:
        """Patch tokens behind it, a fused one included."""
        return self.keep + self.fused
