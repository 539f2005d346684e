"""Multi-head self-attention with an optional relative position bias; names are timm's.

The output comes from PyTorch's fused attention, which keeps no probabilities. What a method ranks
by is computed beside it, in float32, and without gradient unless it weighs tokens too. Where the
kernels of ``short_attention`` serve, both come from one of them. Tri-Level's released code has a
softmax of its own, which ``attention_compat: code`` computes as it stands.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first, if any), N patch tokens, D width, E
head width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.layers.probabilities import (
    mean_attention,
    mean_cls_row,
    released_softmax,
    wide,
)
from trivit.models.layers.relative_position import PresentPlaces
from trivit.models.layers.short_attention.selection import AttentionKind, fits, serves
from trivit.models.layers.short_attention.sizes import MAX_TOKENS, WIDTHS
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.tokens.column_sum import column_scores
from trivit.models.settings import Compat

_SUMMARIES = Probe.CLS_ROW | Probe.COLUMN_SUMS


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
        self.kind: AttentionKind = "torch"
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)
        table = nn.Parameter(torch.zeros(entries, heads)) if entries else None
        self.register_parameter("relative_position_bias_table", table)

    def heads(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, H, L, E)."""
        return _apart(self._projected(x_BLD))

    def forward(
        self,
        x_BLD: Tensor,
        mask_B1LL: Tensor | None = None,
        *,
        relative: PresentPlaces | None = None,
        prefix: int = 1,
        probe: Probe = Probe.NONE,
    ) -> tuple[Tensor, AttentionView]:
        """Return the output (B, L, D) and what ``probe`` asks to see of it.

        Args:
            x_BLD: the normalised tokens.
            mask_B1LL: open connections, bool (B or 1, 1, L, L); ``None``: all. It never closes the
                row of [CLS].
            relative: where the tokens are, if there is a relative position bias.
            prefix: tokens before the patch tokens, 1 with [CLS], else 0.
            probe: what the methods of the block want, with ``GRADIENT`` if they need one.
        """
        qkv_BL3HE = self._projected(x_BLD)
        if self.relative_position_bias_table is None:
            relative = None
        compute = self._by_torch
        if self._has_kernel(qkv_BL3HE, plain=relative is None and mask_B1LL is None and not probe):
            compute = self._by_kernel
        context_BLD, seen = compute(qkv_BL3HE, mask_B1LL, relative, prefix, probe)
        if probe & Probe.VALUES:
            seen["values_BHNE"] = wide(_apart(qkv_BL3HE)[2][:, :, prefix:].detach())
        patches = x_BLD.shape[1] - prefix
        view = AttentionView(prefix=prefix, patches=patches, device=x_BLD.device, **seen)
        return self.proj(context_BLD), view

    def _projected(self, x_BLD: Tensor) -> Tensor:
        """Return queries, keys and values, (B, L, 3, H, E)."""
        batch, length, width = x_BLD.shape
        return self.qkv(x_BLD).reshape(batch, length, 3, self.num_heads, width // self.num_heads)

    def refusal(self, tokens: int) -> str | None:
        """Return why the kernels cannot compute this layer with so many tokens, if so."""
        width = self.proj.in_features // self.num_heads
        if self.compat == "code":
            return "attention_compat is 'code', which has a softmax of its own"
        if not fits(tokens, width):
            return (
                f"the model has {tokens} tokens and heads of width {width}: its kernels take up to "
                f"{MAX_TOKENS} tokens and widths {WIDTHS[0]} to {WIDTHS[-1]}"
            )
        return None

    def _has_kernel(self, qkv_BL3HE: Tensor, *, plain: bool) -> bool:
        """Return whether a kernel of this package computes this call.

        Args:
            qkv_BL3HE: what it would read.
            plain: neither bias nor mask nor probe: PyTorch has a fast kernel for that.
        """
        if self.kind == "torch" or self.compat == "code" or (self.kind == "auto" and plain):
            return False
        return serves(qkv_BL3HE)

    def _by_kernel(
        self,
        qkv_BL3HE: Tensor,
        mask_B1LL: Tensor | None,
        relative: PresentPlaces | None,
        prefix: int,
        probe: Probe,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the context (B, L, D), and what of the probabilities is wanted.

        What weighs tokens needs a gradient of its own: the kernel has none for it, and PyTorch
        computes the one row, or the matrix, beside it.
        """
        weighed = probe & _SUMMARIES if probe & Probe.GRADIENT else Probe.NONE
        wanted = probe & ~weighed
        context_BLD, lse_BHL, _, scores_BHL, sums_BRL, matrix_BLL = (
            torch.ops.trivit.short_attention(
                qkv_BL3HE,
                None if relative is None else self.relative_position_bias_table,
                None if relative is None else relative.places_BM,
                mask_B1LL,
                1 if relative is None else relative.side,
                prefix,
                0 if relative is None else relative.fused,
                bool(wanted & Probe.CLS_ROW),
                bool(wanted & Probe.COLUMN_SUMS),
                bool(wanted & Probe.MATRIX),
            )
        )
        seen: dict[str, Tensor] = {}
        if wanted & Probe.CLS_ROW:
            row_BHL = (scores_BHL - lse_BHL[:, :, :1]).exp2()
            seen["cls_row_BN"] = row_BHL.mean(dim=1)[:, prefix:]
        if wanted & Probe.COLUMN_SUMS:
            seen["column_sums_BN"] = sums_BRL.sum(dim=1)[:, prefix:]
        if wanted & Probe.MATRIX:
            seen["matrix_BLL"] = matrix_BLL
        if weighed:
            q_BHLE, k_BHLE, _ = _apart(qkv_BL3HE)
            more = self._seen(q_BHLE, k_BHLE, mask_B1LL, relative, prefix, weighed)
            seen = more | seen
        return context_BLD, seen

    def _by_torch(
        self,
        qkv_BL3HE: Tensor,
        mask_B1LL: Tensor | None,
        relative: PresentPlaces | None,
        prefix: int,
        probe: Probe,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the same by PyTorch's operations."""
        q_BHLE, k_BHLE, v_BHLE = _apart(qkv_BL3HE)
        bias_BHLL = self._bias(relative)
        matrix_BLL: Tensor | None = None
        if self.compat == "code":
            all_BHLL = released_softmax(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
            out_BHLE = all_BHLL.to(v_BHLE.dtype) @ v_BHLE
            if probe & (Probe.MATRIX | _SUMMARIES):
                kept = all_BHLL if probe & Probe.GRADIENT else all_BHLL.detach()
                matrix_BLL = kept.mean(dim=1)
        else:
            out_BHLE = self._fused(q_BHLE, k_BHLE, v_BHLE, bias_BHLL, mask_B1LL)
        with torch.set_grad_enabled(bool(probe & Probe.GRADIENT) and torch.is_grad_enabled()):
            seen = self._seen(
                q_BHLE, k_BHLE, mask_B1LL, relative, prefix, probe, bias_BHLL, matrix_BLL
            )
        return out_BHLE.transpose(1, 2).flatten(2), seen

    def _seen(
        self,
        q_BHLE: Tensor,
        k_BHLE: Tensor,
        mask_B1LL: Tensor | None,
        relative: PresentPlaces | None,
        prefix: int,
        probe: Probe,
        bias_BHLL: Tensor | None = None,
        matrix_BLL: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return what of the probabilities is wanted, and what follows from that at no cost."""
        if matrix_BLL is None and probe & (Probe.MATRIX | Probe.COLUMN_SUMS):
            bias_BHLL = self._bias(relative) if bias_BHLL is None else bias_BHLL
            matrix_BLL = mean_attention(q_BHLE, k_BHLE, self.scale, bias_BHLL, mask_B1LL)
        if matrix_BLL is not None:
            seen = {"matrix_BLL": matrix_BLL, "column_sums_BN": column_scores(matrix_BLL, prefix)}
            return seen | ({"cls_row_BN": matrix_BLL[:, 0, prefix:]} if prefix else {})
        if not probe & Probe.CLS_ROW:
            return {}
        bias_BHL = None
        if bias_BHLL is not None:
            bias_BHL = bias_BHLL[:, :, 0]
        elif relative is not None and self.relative_position_bias_table is not None:
            bias_BHL = relative.cls_bias(self.relative_position_bias_table)
        row_BL = mean_cls_row(q_BHLE[:, :, 0], k_BHLE, self.scale, bias_BHL)
        return {"cls_row_BN": row_BL[:, prefix:]}

    def _bias(self, relative: PresentPlaces | None) -> Tensor | None:
        """Return the relative position bias (B or 1, H, L, L), if there is one."""
        if relative is None or self.relative_position_bias_table is None:
            return None
        return relative.bias(self.relative_position_bias_table)

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


def _apart(qkv_BL3HE: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values, each (B, H, L, E)."""
    q_BHLE, k_BHLE, v_BHLE = qkv_BL3HE.permute(2, 0, 3, 1, 4).unbind(0)
    return q_BHLE, k_BHLE, v_BHLE
