"""Multi-head self-attention with an optional relative position bias; names are timm's.

The output comes from PyTorch's fused attention, which keeps no probabilities. What a level ranks by
is computed beside it, in float32, and without gradient unless it weighs tokens too. Tri-Level's
released code has a softmax of its own, which ``attention_compat: code`` computes as it stands.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first, if any), D width, E head width.
"""

import math
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.relative_position import position_bias, table_entries
from trivit.models.vit_config import ViTConfig

# Of the softmax in Tri-Level's released code.
CODE_EPSILON = 1e-6


class Wanted(Enum):
    """Which probabilities an attention hands out: none, the row of [CLS], or the whole matrix."""

    NOTHING = 0
    CLS_ROW = 1
    MATRIX = 2


class Attention(nn.Module):
    """Multi-head self-attention that hands out the mean of its heads only when asked."""

    relative_position_bias_table: nn.Parameter | None

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.scale = config.head_dim**-0.5
        self.compat = config.attention_compat
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim, bias=config.qkv_bias)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)
        table = None
        if config.relative_position_bias:
            side = config.image_size // config.patch_size
            entries = table_entries(side, config.has_placeless_tokens)
            table = nn.Parameter(torch.zeros(entries, config.num_heads))
        self.register_parameter("relative_position_bias_table", table)

    def bias(self, index_LL: Tensor | None, pairs_BLL: Tensor | None, length: int) -> Tensor | None:
        """Return the relative position bias of the ``length`` tokens present, if there is one.

        Shape (B or 1, H, L, L); see ``position_bias``.
        """
        if self.relative_position_bias_table is None or index_LL is None:
            return None
        return position_bias(self.relative_position_bias_table, index_LL, pairs_BLL, length)

    def heads(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, H, L, E)."""
        batch, length, width = x_BLD.shape
        qkv = self.qkv(x_BLD).reshape(batch, length, 3, self.num_heads, width // self.num_heads)
        q_BHLE, k_BHLE, v_BHLE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q_BHLE, k_BHLE, v_BHLE

    def forward(
        self,
        x_BLD: Tensor,
        mask_B1LL: Tensor | None = None,
        *,
        bias_BHLL: Tensor | None = None,
        wanted: Wanted = Wanted.NOTHING,
        gradient: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output (B, L, D) and the wanted probabilities, the mean of the heads.

        These are the [CLS] row (B, L), which no mask ever closes, or the matrix (B, L, L): query
        first, in float32 at least, with a gradient only if ``gradient`` says so.
        """
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        if self.compat == "code":
            all_BHLL = released_softmax(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
            out_BHLE = all_BHLL.to(v_BHLE.dtype) @ v_BHLE
            given = None
            if wanted is not Wanted.NOTHING:
                given = (all_BHLL if gradient else all_BHLL.detach()).mean(dim=1)
                given = given[:, 0] if wanted is Wanted.CLS_ROW else given
            return self.proj(out_BHLE.transpose(1, 2).flatten(2)), given
        added = mask_B1LL
        if bias_BHLL is not None:
            added = bias_BHLL.to(q_BHLE.dtype)
            if mask_B1LL is not None:
                added = torch.where(mask_B1LL, added, -math.inf)
        out_BHLE = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, attn_mask=added)
        probabilities: Tensor | None = None
        with torch.set_grad_enabled(gradient and torch.is_grad_enabled()):
            if wanted is Wanted.CLS_ROW:
                row_BHL = None if bias_BHLL is None else bias_BHLL[:, :, 0]
                probabilities = mean_cls_row(q_BHLE[:, :, 0], k_BHLE, self.scale, row_BHL)
            elif wanted is Wanted.MATRIX:
                probabilities = mean_attention(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
        return self.proj(out_BHLE.transpose(1, 2).flatten(2)), probabilities


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
