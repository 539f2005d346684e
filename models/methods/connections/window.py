"""Keep the nearest keys: the local window baseline (Longformer) of Tri-Level's Table 4.

Shape suffixes: B batch, K kept patch tokens.
"""

from collections.abc import Sequence

from torch import Tensor

from trivit.models.methods.connections.masks import largest_of
from trivit.models.methods.connections.patterns import (
    CONNECTION_PATTERNS,
    ConnectionPattern,
    KeptPatches,
)
from trivit.models.methods.counts import Selection


def window_connections(
    patches_BK: Tensor, side: int, count: int, live_BKK: Tensor | None = None
) -> Tensor:
    """Return each patch token's ``count`` nearest keys in the image: bool (B, K, K).

    The local window baseline (Longformer) of Tri-Level's Table 4: distances are Euclidean, equal
    ones go to the lower index, and the token itself counts. A token without a place (below 0) is
    near to all.

    Args:
        patches_BK: original position of each kept patch token, row by row.
        side: patches in a row of the image.
        count: keys that each patch token keeps, where so many are live.
        live_BKK: connections that are still open, bool (B or 1, K, K); ``None``: all.
    """
    row_BK, column_BK = patches_BK // side, patches_BK % side
    down_BKK = row_BK.unsqueeze(2) - row_BK.unsqueeze(1)
    right_BKK = column_BK.unsqueeze(2) - column_BK.unsqueeze(1)
    nowhere_BK = patches_BK < 0
    nowhere_BKK = nowhere_BK.unsqueeze(2) | nowhere_BK.unsqueeze(1)
    distance_BKK = (down_BKK.square() + right_BKK.square()).masked_fill(nowhere_BKK, 0)
    return largest_of(-distance_BKK, count, "paper", live_BKK)


@CONNECTION_PATTERNS.register("window")
class Window(ConnectionPattern):
    """The keys that are nearest in the image."""

    def open_keys(
        self, selections: Sequence[Selection], *, reopens: bool, least: int
    ) -> list[float]:
        """Return the mean open keys: all that are asked for, where each selector chooses anew."""
        if reopens:
            return [float(selection.keys or 0) for selection in selections]
        return super().open_keys(selections, reopens=reopens, least=least)

    def open(self, kept: KeptPatches) -> Tensor:
        """Return the connections that stay, bool (B or 1, K, K)."""
        return window_connections(kept.places_BK, kept.side, kept.keys, kept.live_BKK)
