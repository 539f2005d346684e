"""Multi-head self-attention with an optional relative position bias; names are timm's.

The output comes from PyTorch's fused attention, which keeps no probabilities. What a method ranks
by is computed beside it, in float32, and without gradient unless it weighs tokens too. Tri-Level's
released code has a softmax of its own, which ``attention_compat: code`` computes as it stands.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first, if any), N patch tokens, D width, E
head width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.layers.relative_position import position_bias
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.tokens.column_sum import column_scores
from trivit.models.settings import Compat

# Of the softmax in Tri-Level's released code.
CODE_EPSILON = 1e-6


class Attention(nn.Module):
    """Multi-head self-attention that shows its probabilities only where a method wants them."""

    relative_position_bias_table: nn.Parameter | None

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        qkv_bias: bool = True,
        entries: int = 0,
        compat: Compat = "paper",
    ) -> None:
        """Make the layer.

        Args:
            width: of a token.
            heads: attention heads; they divide the width.
            qkv_bias: whether queries, keys and values have a bias.
            entries: rows of a table of relative position biases; 0: none.
            compat: ``code`` computes the softmax of Tri-Level's released code.
        """
        super().__init__()
        self.compat = compat
        self.num_heads = heads
        self.scale = (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)
        table = nn.Parameter(torch.zeros(entries, heads)) if entries else None
        self.register_parameter("relative_position_bias_table", table)

    def heads(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, H, L, E)."""
        batch, length, width = x_BLD.shape
        qkv = self.qkv(x_BLD).reshape(batch, length, 3, self.num_heads, width // self.num_heads)
        q_BHLE, k_BHLE, v_BHLE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q_BHLE, k_BHLE, v_BHLE

    def bias(self, index_LL: Tensor | None, pairs_BLL: Tensor | None, length: int) -> Tensor | None:
        """Return the relative position bias of the ``length`` tokens present, if there is one.

        Shape (B or 1, H, L, L); see ``position_bias``.
        """
        if self.relative_position_bias_table is None or index_LL is None:
            return None
        return position_bias(self.relative_position_bias_table, index_LL, pairs_BLL, length)

    def forward(
        self,
        x_BLD: Tensor,
        mask_B1LL: Tensor | None = None,
        *,
        bias_BHLL: Tensor | None = None,
        prefix: int = 1,
        probe: Probe = Probe.NONE,
    ) -> tuple[Tensor, AttentionView]:
        """Return the output (B, L, D) and what ``probe`` asks to see of it.

        Args:
            x_BLD: the normalised tokens.
            mask_B1LL: open connections, bool (B or 1, 1, L, L); ``None``: all. It never closes the
                row of [CLS].
            bias_BHLL: added to the scores, (B or 1, H, L, L).
            prefix: tokens before the patch tokens, 1 with [CLS], else 0.
            probe: what the methods of the block want, with ``GRADIENT`` if they need one.
        """
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        matrix_BLL: Tensor | None = None
        if self.compat == "code":
            all_BHLL = released_softmax(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
            out_BHLE = all_BHLL.to(v_BHLE.dtype) @ v_BHLE
            if probe & (Probe.MATRIX | Probe.COLUMN_SUMS | Probe.CLS_ROW):
                kept = all_BHLL if probe & Probe.GRADIENT else all_BHLL.detach()
                matrix_BLL = kept.mean(dim=1)
        else:
            out_BHLE = self._fused(q_BHLE, k_BHLE, v_BHLE, bias_BHLL, mask_B1LL)
        cls_row_BN, column_sums_BN = None, None
        with torch.set_grad_enabled(bool(probe & Probe.GRADIENT) and torch.is_grad_enabled()):
            if matrix_BLL is None and probe & (Probe.MATRIX | Probe.COLUMN_SUMS):
                matrix_BLL = mean_attention(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
            if matrix_BLL is not None:
                column_sums_BN = column_scores(matrix_BLL, prefix)
                cls_row_BN = matrix_BLL[:, 0, prefix:] if prefix else None
            elif probe & Probe.CLS_ROW:
                row_BHL = None if bias_BHLL is None else bias_BHLL[:, :, 0]
                row_BL = mean_cls_row(q_BHLE[:, :, 0], k_BHLE, self.scale, row_BHL)
                cls_row_BN = row_BL[:, prefix:]
        view = AttentionView(
            prefix=prefix,
            patches=x_BLD.shape[1] - prefix,
            device=x_BLD.device,
            cls_row_BN=cls_row_BN,
            column_sums_BN=column_sums_BN,
            matrix_BLL=matrix_BLL,
            values_BHNE=_wide(v_BHLE[:, :, prefix:].detach()) if probe & Probe.VALUES else None,
        )
        return self.proj(out_BHLE.transpose(1, 2).flatten(2)), view

    def _fused(
        self,
        q_BHLE: Tensor,
        k_BHLE: Tensor,
        v_BHLE: Tensor,
        bias_BHLL: Tensor | None,
        mask_B1LL: Tensor | None,
    ) -> Tensor:
        """Return the context (B, H, L, E)."""
        added = mask_B1LL
        if bias_BHLL is not None:
            added = bias_BHLL.to(q_BHLE.dtype)
            if mask_B1LL is not None:
                added = torch.where(mask_B1LL, added, -math.inf)
        return F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, attn_mask=added)


def mean_cls_row(
    q_BHE: Tensor, k_BHLE: Tensor, scale: float, bias_BHL: Tensor | None = None
) -> Tensor:
    """Return the head mean of softmax(q_cls K^T * scale + bias), (B, L).

    In float32 at least: ranking on half-precision probabilities would turn most of the order into
    ties.
    """
    with torch.autocast(q_BHE.device.type, enabled=False):
        q_BH1E = (_wide(q_BHE) * scale).unsqueeze(2)
        scores_BHL = (q_BH1E @ _wide(k_BHLE).transpose(-2, -1)).squeeze(2)
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
        q_BHLE, k_BHLE = _wide(q_BHLE) * scale, _wide(k_BHLE)
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
        scores_BHLL = (_wide(q_BHLE) * scale) @ _wide(k_BHLE).transpose(-2, -1)
        if bias_BHLL is not None:
            scores_BHLL = scores_BHLL + bias_BHLL
        exp_BHLL = (scores_BHLL - scores_BHLL.amax(dim=-1, keepdim=True)).exp()
        if mask_B1LL is not None:
            exp_BHLL = exp_BHLL * mask_B1LL
        share = CODE_EPSILON / k_BHLE.shape[2]
        return (exp_BHLL + share) / (exp_BHLL.sum(dim=-1, keepdim=True) + CODE_EPSILON)


def _wide(values: Tensor) -> Tensor:
    """Return ``values`` in float32, or in float64 if they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
