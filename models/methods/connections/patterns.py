"""Attention level: which connections among the kept patch tokens stay open.

Tri-Level, "Attention-level Sparsity". A ``ConnectionPattern`` is one module of this folder;
``model.attention_pattern`` names it.

Shape suffixes: B batch, K kept patch tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from trivit.models.methods.attention_view import Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.connections.open_keys import open_keys
from trivit.models.methods.counts import Selection
from trivit.models.registry import Registry
from trivit.models.settings import Compat


@dataclass(frozen=True)
class KeptPatches:
    """What a pattern may look at.

    Attributes:
        attention_BKK: head-mean attention among the kept patch tokens, query first, where the
            pattern asked for ``Probe.MATRIX``.
        live_BKK: connections that earlier selectors left open, bool (B or 1, K, K); ``None``: all.
        places_BK: original position of each kept patch token, (B or 1, K); -1 for a fused one.
        side: patches in a row of the image.
        keys: connections of each token.
        compat: how equal values are treated.
    """

    attention_BKK: Tensor | None
    live_BKK: Tensor | None
    places_BK: Tensor
    side: int
    keys: int
    compat: Compat


class ConnectionPattern:
    """Chooses connections. A new one is a module here that registers a subclass.

    Attributes:
        probe: what it wants to see of the attention.
        on_accelerator: whether the kernel computes it.
        rows: how it appears in comparisons.
    """

    probe: ClassVar[Probe] = Probe.NONE
    on_accelerator: ClassVar[bool] = False
    rows: ClassVar[tuple[MethodRow, ...]] = ()

    def open(self, kept: KeptPatches) -> Tensor:
        """Return the connections that stay: bool (B or 1, K, K), query first."""
        raise NotImplementedError

    def open_keys(
        self, selections: Sequence[Selection], *, reopens: bool, least: int
    ) -> list[float]:
        """Return the mean open keys of a token behind each selector, as far as numbers tell.

        Args:
            selections: of all selectors in their order, with ``keys``.
            reopens: fewer live keys than asked for open the whole row instead.
            least: open keys of a token that would have none.
        """
        return open_keys(selections, reopens=reopens, least=least)


CONNECTION_PATTERNS: Registry[ConnectionPattern] = Registry("model.attention_pattern", __package__)
