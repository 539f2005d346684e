"""Multi-head self-attention with an optional relative position bias; names are timm's.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first), D width, E head width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.relative_position import position_bias, table_entries
from trivit.models.vit_config import ViTConfig


class Attention(nn.Module):
    """Multi-head self-attention that hands out its probabilities only when asked."""

    relative_position_bias_table: nn.Parameter | None

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.scale = config.head_dim**-0.5
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim, bias=config.qkv_bias)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)
        table = None
        if config.relative_position_bias:
            entries = table_entries(config.image_size // config.patch_size)
            table = nn.Parameter(torch.zeros(entries, config.num_heads))
        self.register_parameter("relative_position_bias_table", table)

    def bias(self, index_LL: Tensor | None, pairs_BLL: Tensor | None) -> Tensor | None:
        """Return the relative position bias of the tokens present, (B or 1, H, L, L), if any."""
        if self.relative_position_bias_table is None or index_LL is None:
            return None
        return position_bias(self.relative_position_bias_table, index_LL, pairs_BLL)

    def heads(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, H, L, E)."""
        batch, length, width = x_BLD.shape
        qkv = self.qkv(x_BLD).reshape(batch, length, 3, self.num_heads, width // self.num_heads)
        q_BHLE, k_BHLE, v_BHLE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q_BHLE, k_BHLE, v_BHLE

    def merge(self, heads_BHLE: Tensor) -> Tensor:
        """Concatenate the heads and project: (B, L, D)."""
        return self.proj(heads_BHLE.transpose(1, 2).flatten(2))

    def forward(
        self,
        x_BLD: Tensor,
        mask_B1LL: Tensor | None = None,
        *,
        bias_BHLL: Tensor | None = None,
        want_cls: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output (B, L, D) and, if wanted, the [CLS] row (B, H, L) in float32.

        The row carries no gradient. It ignores the mask, which never closes the [CLS] row.
        """
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        added = mask_B1LL
        if bias_BHLL is not None:
            added = bias_BHLL.to(q_BHLE.dtype)
            if mask_B1LL is not None:
                added = torch.where(mask_B1LL, added, -math.inf)
        out = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, attn_mask=added)
        cls_BHL = None
        if want_cls:
            row = None if bias_BHLL is None else bias_BHLL[:, :, 0]
            cls_BHL = cls_attention(q_BHLE, k_BHLE, self.scale, row)
        return self.merge(out), cls_BHL

    def forward_explicit(
        self,
        x_BLD: Tensor,
        mask_B1LL: Tensor | None = None,
        *,
        bias_BHLL: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the output (B, L, D) and all probabilities (B, H, L, L), for a selector."""
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        scores_BHLL = (q_BHLE @ k_BHLE.transpose(-2, -1)) * self.scale
        if bias_BHLL is not None:
            scores_BHLL = scores_BHLL + bias_BHLL
        if mask_B1LL is not None:
            scores_BHLL = scores_BHLL.masked_fill(~mask_B1LL, -math.inf)
        probabilities_BHLL = scores_BHLL.softmax(dim=-1)
        return self.merge(probabilities_BHLL.to(v_BHLE.dtype) @ v_BHLE), probabilities_BHLL


def cls_attention(
    q_BHLE: Tensor, k_BHLE: Tensor, scale: float, bias_BHL: Tensor | None = None
) -> Tensor:
    """Return softmax(q_cls K^T * scale + bias) as (B, H, L), in float32 at least, no gradient.

    Ranking tokens on a half-precision row would turn most of its order into ties.
    """
    with torch.no_grad(), torch.autocast(q_BHLE.device.type, enabled=False):
        q_BH1E = at_least_float32(q_BHLE[:, :, :1])
        k_BHEL = at_least_float32(k_BHLE.transpose(-2, -1))
        scores_BHL = (q_BH1E @ k_BHEL * scale).squeeze(2)
        if bias_BHL is not None:
            scores_BHL = scores_BHL + bias_BHL
        return scores_BHL.softmax(dim=-1)


def at_least_float32(values: Tensor) -> Tensor:
    """Return ``values`` in float32, or in float64 if they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
