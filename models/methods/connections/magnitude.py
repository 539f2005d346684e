"""Keep the largest connections of an image: the magnitude baseline of Tri-Level's Table 4.

Shape suffixes: B batch, K kept patch tokens.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from trivit.models.methods.attention_view import Probe
from trivit.models.methods.connections.masks import largest_of
from trivit.models.methods.connections.open_keys import pooled_open_keys
from trivit.models.methods.connections.patterns import (
    CONNECTION_PATTERNS,
    ConnectionPattern,
    KeptPatches,
)
from trivit.models.methods.counts import Selection
from trivit.models.settings import Compat


def magnitude_connections(
    attention_BKK: Tensor, count: int, compat: Compat = "paper", live_BKK: Tensor | None = None
) -> Tensor:
    """Return the largest connections of each image, wherever they are: bool (B, K, K).

    The magnitude baseline of Tri-Level's Table 4: ``count`` for each patch token on average, where
    so many are live; arguments as for ``largest_connections``.
    """
    live_BP = None if live_BKK is None else live_BKK.flatten(1)
    flat_BP = largest_of(attention_BKK.flatten(1), count * attention_BKK.shape[1], compat, live_BP)
    return flat_BP.view_as(attention_BKK)


@CONNECTION_PATTERNS.register("magnitude")
class Magnitude(ConnectionPattern):
    """The largest connections, whichever tokens they belong to."""

    probe: ClassVar = Probe.MATRIX

    def open_keys(
        self, selections: Sequence[Selection], *, reopens: bool, least: int
    ) -> list[float]:
        """Return the mean open keys; ``least`` does not matter to a mean."""
        return pooled_open_keys(selections, reopens=reopens)

    def open(self, kept: KeptPatches) -> Tensor:
        """Return the connections that stay, bool (B, K, K)."""
        assert kept.attention_BKK is not None
        return magnitude_connections(kept.attention_BKK, kept.keys, kept.compat, kept.live_BKK)
