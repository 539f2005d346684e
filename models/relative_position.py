"""Relative position bias, as in BEiT and SimMIM, for tokens that differ from image to image.

PSS, "Relative Position Bias". The tables are named as in BEiT and timm's BEiT:
``blocks.i.attn.relative_position_bias_table``, one row per displacement of two patches and three
more for [CLS] to patch, patch to [CLS] and [CLS] to itself.

Shape suffixes: B batch, H heads, L tokens of the whole image ([CLS] first), M tokens present,
E = (2 side - 1)^2 + 3 table entries.
"""

import torch
from torch import Tensor


def table_entries(side: int) -> int:
    """Return the rows of a table for ``side`` x ``side`` patches and [CLS]."""
    return (2 * side - 1) ** 2 + 3


def relative_position_index(side: int) -> Tensor:
    """Return the table row of each pair of tokens, int64 (L, L): query first, key second."""
    entries = table_entries(side)
    patches = torch.arange(side * side)
    rows, columns = patches // side, patches % side
    down = rows[:, None] - rows[None, :] + side - 1
    right = columns[:, None] - columns[None, :] + side - 1
    index_LL = torch.empty(1 + side * side, 1 + side * side, dtype=torch.int64)
    index_LL[1:, 1:] = down * (2 * side - 1) + right
    index_LL[0, :] = entries - 3
    index_LL[:, 0] = entries - 2
    index_LL[0, 0] = entries - 1
    return index_LL


def pair_index(rows_BM: Tensor, length: int) -> Tensor:
    """Return where each pair of present tokens lies in a flat (L * L) matrix: int64 (B, M, M).

    Args:
        rows_BM: token of the whole image behind each present one, [CLS] being 0.
        length: L.
    """
    return rows_BM.unsqueeze(2) * length + rows_BM.unsqueeze(1)


def position_bias(table_EH: Tensor, index_LL: Tensor, pairs_BMM: Tensor | None) -> Tensor:
    """Return what is added to the attention scores: (B, H, M, M), or (1, H, L, L) for all tokens.

    The table is spread to (H, L, L) once, and each image picks its pairs from that: gathering
    from the table would move H separate numbers for each pair, and its gradient would add all
    pairs of the batch into a few hundred rows.

    Args:
        table_EH: learned biases.
        index_LL: from ``relative_position_index``.
        pairs_BMM: from ``pair_index``; ``None`` when all tokens are present.
    """
    length = index_LL.shape[0]
    spread_HLL = table_EH.t().index_select(1, index_LL.flatten())
    if pairs_BMM is None:
        return spread_HLL.view(1, -1, length, length)
    picked = spread_HLL.index_select(1, pairs_BMM.flatten())
    return picked.view(-1, *pairs_BMM.shape).transpose(0, 1)
