"""Token level: keep the patch tokens that [CLS] attends to most, or another choice of them.

Tri-Level, "Token-level Sparsity".

With [CLS] the score of a token is its place in the head-mean [CLS] row of the attention, without
[CLS] its column's sum.

Shape suffixes: B batch, N patch tokens, L = 1 + N tokens (N without [CLS]), K kept tokens, D width.
"""

import torch
from torch import Tensor


def column_scores(attention_BLL: Tensor, prefix: int = 1) -> Tensor:
    """Return the score (B, N) of each patch token where [CLS] has no say.

    The cumulative attention: each column's sum over the patch rows (Tri-Level, "Token-level
    Sparsity", ViT variants without [CLS]).

    Args:
        attention_BLL: head-mean attention probabilities.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
    """
    return attention_BLL[:, prefix:, prefix:].sum(dim=1)


def static_tokens(tokens: int, count: int, device: torch.device) -> Tensor:
    """Return ``count`` evenly spaced indices of ``tokens``, the same for every image: (1, count).

    The static baseline of Tri-Level's Table 4, which looks at no image.
    """
    steps = torch.arange(count, device=device)
    return ((2 * steps + 1) * tokens // (2 * count)).unsqueeze(0)


def fuse_tokens(x_BLD: Tensor, scores_BN: Tensor, kept_BK: Tensor, prefix: int = 1) -> Tensor:
    """Return the sum of the dropped patch tokens, weighted by their scores: (B, 1, D).

    EViT (Liang et al., 2022), "inattentive token fusion". The weights carry the gradient of the
    scores, as in its released code.

    Args:
        x_BLD: tokens before the drop.
        scores_BN: weights of the patch tokens.
        kept_BK: the patch tokens that stay.
        prefix: tokens before the patch tokens.
    """
    weights_BN = scores_BN.scatter(1, kept_BK, 0.0).to(x_BLD.dtype)
    return (weights_BN.unsqueeze(2) * x_BLD[:, prefix:]).sum(dim=1, keepdim=True)


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
    chosen_BK = largest_indices(scores_BN.detach(), count)
    if torch.onnx.is_in_onnx_export():
        return torch.topk(chosen_BK, count, dim=-1, largest=False, sorted=True).values
    return torch.sort(chosen_BK, dim=-1).values


def gather_tokens(x_BLD: Tensor, kept_BK: Tensor, prefix: int = 1) -> Tensor:
    """Return the tokens before the patch tokens and the kept patch tokens: (B, prefix + K, D).

    Args:
        x_BLD: tokens, [CLS] first if there is one.
        kept_BK: indices among the patch tokens.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
    """
    index_BKD = (kept_BK + prefix).unsqueeze(-1).expand(-1, -1, x_BLD.shape[-1])
    kept_BKD = torch.gather(x_BLD, 1, index_BKD)
    return torch.cat([x_BLD[:, :prefix], kept_BKD], dim=1) if prefix else kept_BKD
