"""The tokens on their way through the blocks, and where in the image they come from.

Shape suffixes: B batch, N patch tokens, L = N + [CLS], if there is one, D width, K kept tokens.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trivit.models.relative_position import pair_index
from trivit.models.sparsity.tokens import gather_tokens


@dataclass
class PresentTokens:
    """What the next block computes with.

    Attributes:
        x: the tokens (B, L, D), [CLS] first if there is one.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
        mask: open connections, bool (B or 1, 1, L, L); ``None``: all.
        places: original position of each patch token, -1 for a fused one, int64 (B, N); ``None``:
            all patches in their order.
        pairs: from ``pair_index``, for the relative position bias; ``None``: as ``places``.
    """

    x: Tensor
    prefix: int
    mask: Tensor | None = None
    places: Tensor | None = None
    pairs: Tensor | None = None

    @property
    def patches(self) -> int:
        """N, the patch tokens present, fused ones included."""
        return self.x.shape[1] - self.prefix

    def positions(self) -> Tensor:
        """Return the original positions of the patch tokens, (B or 1, N); -1 for a fused one."""
        if self.places is not None:
            return self.places
        return torch.arange(self.patches, device=self.x.device).unsqueeze(0)

    def connections(self) -> Tensor:
        """Return how many pairs of tokens are connected in each image, int64 (B,)."""
        batch, length, _ = self.x.shape
        if self.mask is None:
            return torch.full((batch,), length**2, device=self.x.device)
        return self.mask.sum(dim=(1, 2, 3)).expand(batch)

    def keep(self, kept_BK: Tensor) -> None:
        """Keep [CLS] and these patch tokens, with all connections open."""
        self.places = kept_BK if self.places is None else self.places.gather(1, kept_BK)
        self.x = gather_tokens(self.x, kept_BK, self.prefix)
        self.mask = None

    def append(self, token_B1D: Tensor) -> None:
        """Add a token that stands for no place, connected with all others."""
        self.x = torch.cat([self.x, token_B1D], dim=1)
        if self.places is not None:
            self.places = torch.nn.functional.pad(self.places, (0, 1), value=-1)
        if self.mask is not None:
            self.mask = torch.nn.functional.pad(self.mask, (0, 1, 0, 1), value=True)

    def find_pairs(self, index_LL: Tensor | None, placeless: bool) -> None:
        """Look up the pairs of the tokens present in a table's index; nothing without an index.

        Args:
            index_LL: from ``relative_position_index``.
            placeless: whether its first place is that of tokens without a place.
        """
        if index_LL is None or self.places is None:
            return
        rows = torch.nn.functional.pad(self.places + int(placeless), (self.prefix, 0))
        self.pairs = pair_index(rows, index_LL.shape[0])
