"""Attention level: each patch token attends to a few keys (Tri-Level, "Attention-level Sparsity").

The masks replace each other at the selectors, whichever pattern makes them, so that patterns
compare at the same number of connections in the same blocks.

Shape suffixes: B batch, H heads, N patch tokens, L = 1 + N tokens, K kept tokens.
"""

import torch
from torch import Tensor

from trivit.models.sparsity.tokens import largest_indices


def patch_attention(attention_BHLL: Tensor, kept_BK: Tensor | None) -> Tensor:
    """Return the head-mean attention (B, K, K) among the kept patch tokens.

    Args:
        attention_BHLL: attention probabilities of one block, [CLS] first.
        kept_BK: kept patch tokens, ascending; ``None`` keeps all of them.
    """
    mean_BNN = attention_BHLL[:, :, 1:, 1:].mean(dim=1)
    if kept_BK is None:
        return mean_BNN
    rows_BKN = torch.gather(mean_BNN, 1, kept_BK.unsqueeze(-1).expand(-1, -1, mean_BNN.shape[-1]))
    return torch.gather(rows_BKN, 2, kept_BK.unsqueeze(1).expand(-1, kept_BK.shape[1], -1))


def connection_mask(attention_BKK: Tensor, count: int) -> Tensor:
    """Return which connections stay open: bool (B, 1, 1 + K, 1 + K), shared by the heads.

    Each patch token keeps its ``count`` largest keys, equal values going to the lower index; the
    [CLS] row and the [CLS] column are always open.

    Args:
        attention_BKK: head-mean attention among the kept patch tokens.
        count: keys that each patch token keeps.
    """
    return _with_cls(_open_largest(attention_BKK, count))


def magnitude_mask(attention_BKK: Tensor, count: int) -> Tensor:
    """Return the mask that keeps the largest connections of each image, wherever they are.

    The magnitude baseline of Tri-Level's Table 4: as many in all as ``connection_mask`` keeps,
    ``count`` for each patch token on average; shapes and [CLS] as there.
    """
    patches = attention_BKK.shape[1]
    flat_BP = _open_largest(attention_BKK.flatten(1), count * patches)
    return _with_cls(flat_BP.view_as(attention_BKK))


def window_mask(patches_BK: Tensor, side: int, count: int) -> Tensor:
    """Return the mask that keeps each patch token's ``count`` nearest keys in the image.

    The local window baseline (Longformer) of Tri-Level's Table 4: distances are Euclidean, equal
    ones go to the lower index, and the token itself counts; shapes and [CLS] as in
    ``connection_mask``. A token without a place (below 0) is near to all.

    Args:
        patches_BK: original position of each kept patch token, row by row.
        side: patches in a row of the image.
        count: keys that each patch token keeps.
    """
    row_BK, column_BK = patches_BK // side, patches_BK % side
    down_BKK = row_BK.unsqueeze(2) - row_BK.unsqueeze(1)
    right_BKK = column_BK.unsqueeze(2) - column_BK.unsqueeze(1)
    nowhere_BK = patches_BK < 0
    nowhere_BKK = nowhere_BK.unsqueeze(2) | nowhere_BK.unsqueeze(1)
    distance_BKK = (down_BKK.square() + right_BKK.square()).masked_fill(nowhere_BKK, 0)
    return connection_mask(-distance_BKK.float(), count)


def _open_largest(values: Tensor, count: int) -> Tensor:
    """Return 1 where the last dimension has its ``count`` largest values, else 0."""
    # Scattered as numbers: ONNX runtimes lack ScatterElements on booleans.
    largest = largest_indices(values, count)
    return torch.zeros_like(values).scatter(-1, largest, torch.ones_like(values)[..., :count])


def _with_cls(open_BKK: Tensor) -> Tensor:
    return (torch.nn.functional.pad(open_BKK, (1, 0, 1, 0), value=1.0) > 0.5).unsqueeze(1)
