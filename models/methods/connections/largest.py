"""Keep each patch token's largest keys (Tri-Level, "Attention-level Sparsity").

Shape suffixes: B batch, K kept patch tokens.
"""

from typing import ClassVar

from torch import Tensor

from trivit.models.methods.attention_view import Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.connections.masks import largest_of
from trivit.models.methods.connections.patterns import (
    CONNECTION_PATTERNS,
    ConnectionPattern,
    KeptPatches,
)
from trivit.models.settings import Compat


def largest_connections(
    attention_BKK: Tensor, count: int, compat: Compat = "paper", live_BKK: Tensor | None = None
) -> Tensor:
    """Return which of its ``count`` largest keys each patch token keeps: bool (B, K, K).

    Args:
        attention_BKK: head-mean attention among the kept patch tokens, query first.
        count: keys that each patch token keeps, where so many are live.
        compat: of equal values ``paper`` keeps the lower indices, ``code`` all.
        live_BKK: connections that are still open, bool; ``None``: all.
    """
    return largest_of(attention_BKK, count, compat, live_BKK)


@CONNECTION_PATTERNS.register("largest")
class Largest(ConnectionPattern):
    """The keys that a token attends to most."""

    probe: ClassVar = Probe.MATRIX
    on_accelerator: ClassVar = True
    rows: ClassVar = (
        MethodRow(
            name="attention",
            level="attention",
            text="attention 0.2",
            settings={"model": {"attention_keep_ratio": 0.2}},
            priority=51,
        ),
    )

    def open(self, kept: KeptPatches) -> Tensor:
        """Return the connections that stay, bool (B, K, K)."""
        assert kept.attention_BKK is not None
        return largest_connections(kept.attention_BKK, kept.keys, kept.compat, kept.live_BKK)
