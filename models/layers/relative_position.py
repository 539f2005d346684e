"""Relative position bias, as in BEiT and SimMIM, for tokens that differ from image to image.

PSS, "Relative Position Bias". The tables are named as in BEiT and timm's BEiT:
``blocks.i.attn.relative_position_bias_table``, one row per displacement of two patches and, where
there are tokens without a place in the image ([CLS], a fused token), three more: from such a token
to a patch, from a patch to it, and between two of them.

Shape suffixes: B batch, H heads, L places of the whole image (the one for tokens without a place
first, if there are any), M tokens present, E = (2 side - 1)^2 (+ 3) table entries.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TABLE = "relative_position_bias_table"


@dataclass
class PresentPlaces:
    """Where the tokens present are, for their relative position bias.

    Attributes:
        index_LL: from ``relative_position_index``.
        tokens: M.
        placeless: whether the first place of the index is that of tokens without a place.
        places_BM: place of each token, int32, -1 without one; ``None``: the tokens are the last
            places of the index in their order.
        fused: at most so many tokens, the last ones, are fused ones.
        pairs_BMM: from ``pair_index``, once somebody asked for the whole bias.
    """

    index_LL: Tensor
    tokens: int
    placeless: bool
    places_BM: Tensor | None = None
    fused: int = 0
    pairs_BMM: Tensor | None = None

    @property
    def side(self) -> int:
        """Patches in a row of the image."""
        return math.isqrt(self.index_LL.shape[0] - self.placeless)

    def bias(self, table_EH: Tensor) -> Tensor:
        """Return what is added to the scores, (B or 1, H, M, M); see ``position_bias``."""
        if self.places_BM is not None and self.pairs_BMM is None:
            rows_BM = self.places_BM.long() + int(self.placeless)
            self.pairs_BMM = pair_index(rows_BM, self.index_LL.shape[0])
        return position_bias(table_EH, self.index_LL, self.pairs_BMM, self.tokens)

    def cls_bias(self, table_EH: Tensor) -> Tensor:
        """Return the same for the row of [CLS], which has no place: (B or 1, H, M)."""
        to_patch_H, to_placeless_H = table_EH[-3], table_EH[-1]
        if self.places_BM is None:
            to_all_HM = to_patch_H.unsqueeze(1).expand(-1, self.tokens - 1)
            return torch.cat([to_placeless_H.unsqueeze(1), to_all_HM], dim=1).unsqueeze(0)
        placeless_B1M = (self.places_BM < 0).unsqueeze(1)
        return torch.where(placeless_B1M, to_placeless_H[:, None], to_patch_H[:, None])


def table_entries(side: int, placeless: bool = True) -> int:
    """Return the rows of a table for ``side`` x ``side`` patches and, maybe, placeless tokens."""
    return (2 * side - 1) ** 2 + 3 * placeless


def relative_position_index(side: int, placeless: bool = True) -> Tensor:
    """Return the table row of each pair of places, int64 (L, L): query first, key second."""
    patches = torch.arange(side * side)
    rows, columns = patches // side, patches % side
    down = rows[:, None] - rows[None, :] + side - 1
    right = columns[:, None] - columns[None, :] + side - 1
    between_patches = down * (2 * side - 1) + right
    if not placeless:
        return between_patches
    entries = table_entries(side)
    index_LL = torch.empty(1 + side * side, 1 + side * side, dtype=torch.int64)
    index_LL[1:, 1:] = between_patches
    index_LL[0, :] = entries - 3
    index_LL[:, 0] = entries - 2
    index_LL[0, 0] = entries - 1
    return index_LL


def pair_index(places_BM: Tensor, length: int) -> Tensor:
    """Return where each pair of present tokens lies in a flat (L * L) matrix: int64 (B, M, M).

    Args:
        places_BM: place of each present token.
        length: L.
    """
    return places_BM.unsqueeze(2) * length + places_BM.unsqueeze(1)


def position_bias(
    table_EH: Tensor, index_LL: Tensor, pairs_BMM: Tensor | None, tokens: int
) -> Tensor:
    """Return what is added to the attention scores: (B, H, M, M), or (1, H, M, M) for all patches.

    The table is spread to (H, L, L) once, and each image picks its pairs from that: gathering
    from the table would move H separate numbers for each pair, and its gradient would add all
    pairs of the batch into a few hundred rows.

    Args:
        table_EH: learned biases.
        index_LL: from ``relative_position_index``.
        pairs_BMM: from ``pair_index``; ``None`` when the tokens are the last places in their order.
        tokens: M.
    """
    length = index_LL.shape[0]
    spread_HLL = table_EH.t().index_select(1, index_LL.flatten())
    if pairs_BMM is None:
        # A model without [CLS] that fuses tokens has a place that no token takes at first.
        skipped = length - tokens
        return spread_HLL.view(1, -1, length, length)[..., skipped:, skipped:]
    picked = spread_HLL.index_select(1, pairs_BMM.flatten())
    return picked.view(-1, *pairs_BMM.shape).transpose(0, 1)
