"""Attention probabilities that methods rank by, by PyTorch's operations.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first, if any), E head width.
"""

import math

import torch
from torch import Tensor

# Of the softmax in Tri-Level's released code.
CODE_EPSILON = 1e-6


def mean_cls_row(
    q_BHE: Tensor, k_BHLE: Tensor, scale: float, bias_BHL: Tensor | None = None
) -> Tensor:
    """Return the head mean of softmax(q_cls K^T * scale + bias), (B, L).

    In float32 at least: ranking on half-precision probabilities would turn most of the order into
    ties.
    """
    with torch.autocast(q_BHE.device.type, enabled=False):
        q_BH1E = (wide(q_BHE) * scale).unsqueeze(2)
        scores_BHL = (q_BH1E @ wide(k_BHLE).transpose(-2, -1)).squeeze(2)
        if bias_BHL is not None:
            scores_BHL = scores_BHL + bias_BHL
        return scores_BHL.softmax(dim=-1).mean(dim=1)


def mean_attention(
    q_BHLE: Tensor,
    k_BHLE: Tensor,
    scale: float,
    bias_BHLL: Tensor | None = None,
    mask_B1LL: Tensor | None = None,
) -> Tensor:
    """Return the head mean of softmax(q K^T * scale + bias), (B, L, L).

    In float32 at least, as ``mean_cls_row``. One head after the other, as all of them at once would
    take a gigabyte for a usual batch.
    """
    with torch.autocast(q_BHLE.device.type, enabled=False):
        q_BHLE, k_BHLE = wide(q_BHLE) * scale, wide(k_BHLE)
        total_BLL: Tensor | None = None
        for head in range(q_BHLE.shape[1]):
            scores_BLL = q_BHLE[:, head] @ k_BHLE[:, head].transpose(-2, -1)
            if bias_BHLL is not None:
                scores_BLL = scores_BLL + bias_BHLL[:, head]
            if mask_B1LL is not None:
                scores_BLL = scores_BLL.masked_fill(~mask_B1LL[:, 0], -math.inf)
            probabilities_BLL = scores_BLL.softmax(dim=-1)
            total_BLL = probabilities_BLL if total_BLL is None else total_BLL + probabilities_BLL
        assert total_BLL is not None  # a model has at least one head
        return total_BLL / q_BHLE.shape[1]


def released_softmax(
    q_BHLE: Tensor,
    k_BHLE: Tensor,
    scale: float,
    bias_BHLL: Tensor | None = None,
    mask_B1LL: Tensor | None = None,
) -> Tensor:
    """Return the probabilities of Tri-Level's released code, (B, H, L, L), in float32 at least.

    Each is (e + eps / L) / (sum of e + eps), where e is 0 for closed connections and exp(score -
    largest score) for the others; the largest may be that of a closed one.
    """
    with torch.autocast(q_BHLE.device.type, enabled=False):
        scores_BHLL = (wide(q_BHLE) * scale) @ wide(k_BHLE).transpose(-2, -1)
        if bias_BHLL is not None:
            scores_BHLL = scores_BHLL + bias_BHLL
        exp_BHLL = (scores_BHLL - scores_BHLL.amax(dim=-1, keepdim=True)).exp()
        if mask_B1LL is not None:
            exp_BHLL = exp_BHLL * mask_B1LL
        share = CODE_EPSILON / k_BHLE.shape[2]
        return (exp_BHLL + share) / (exp_BHLL.sum(dim=-1, keepdim=True) + CODE_EPSILON)


def wide(values: Tensor) -> Tensor:
    """Return ``values`` in float32, or in float64 if they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
