"""Attention level: each patch token attends to a few keys (Tri-Level, "Attention-level Sparsity").

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
    keys_BKC = largest_indices(attention_BKK, count)
    # Scattered as numbers: ONNX runtimes lack ScatterElements on booleans.
    closed = torch.zeros_like(attention_BKK)
    open_BKK = closed.scatter(2, keys_BKC, torch.ones_like(attention_BKK)[..., :count])
    mask_BLL = torch.nn.functional.pad(open_BKK, (1, 0, 1, 0), value=1.0) > 0.5
    return mask_BLL.unsqueeze(1)
