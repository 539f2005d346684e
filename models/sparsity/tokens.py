"""Token level: keep the patch tokens that [CLS] attends to most.

Tri-Level, "Token-level Sparsity".

Shape suffixes: B batch, H heads, N patch tokens, L = 1 + N tokens, K kept tokens, D width.
"""

import torch
from torch import Tensor


def token_scores(cls_attention_BHL: Tensor) -> Tensor:
    """Return the score (B, N) of each patch token: the head mean of the [CLS] attention row.

    Args:
        cls_attention_BHL: row of [CLS] in the attention probabilities, (B, H, 1 + N).
    """
    return cls_attention_BHL[:, :, 1:].mean(dim=1)


def largest_indices(values: Tensor, count: int) -> Tensor:
    """Return the indices of the ``count`` largest values of the last dimension, largest first.

    Equal values go to the lower index. Result: int64, shape (..., count).
    """
    if torch.onnx.is_in_onnx_export():
        # ONNX TopK is specified to prefer the lower index; torch.topk promises no order.
        return torch.topk(values, count, dim=-1, largest=True, sorted=True).indices
    return torch.sort(values, dim=-1, descending=True, stable=True).indices[..., :count]


def select_tokens(scores_BN: Tensor, count: int) -> Tensor:
    """Return the indices (B, count), int64 and ascending, of the highest scores of each example.

    Equal scores go to the lower index.
    """
    chosen_BK = largest_indices(scores_BN, count)
    if torch.onnx.is_in_onnx_export():
        return torch.topk(chosen_BK, count, dim=-1, largest=False, sorted=True).values
    return torch.sort(chosen_BK, dim=-1).values


def gather_tokens(x_BLD: Tensor, kept_BK: Tensor) -> Tensor:
    """Return [CLS] followed by the kept patch tokens: (B, 1 + K, D).

    Args:
        x_BLD: tokens with [CLS] first.
        kept_BK: indices among the patch tokens, so 0 is the token after [CLS].
    """
    index_BKD = (kept_BK + 1).unsqueeze(-1).expand(-1, -1, x_BLD.shape[-1])
    return torch.cat([x_BLD[:, :1], torch.gather(x_BLD, 1, index_BKD)], dim=1)
