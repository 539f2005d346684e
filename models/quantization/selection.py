"""Token and connection selection on quantized probabilities, and how it is written in ONNX.

The decisions are those of ``trivit.models.methods``, made on the *sum* over heads of 16-bit
probabilities: sums of integers compare exactly, so every backend takes the same decision. Each
function exports as a few ONNX nodes for any number of images, instead of the shape arithmetic that
tracing would leave; ONNX's TopK is specified to prefer the lower index among equals.

A sum is never negative, so -1 marks a connection that an earlier selector closed: it ranks last and
never opens again, while a live one whose probability rounded to 0 still may.

Shape suffixes: B batch, H heads, L = 1 + N tokens ([CLS] first), D width, K kept patch tokens.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from trivit.models.methods.connections.largest import largest_connections
from trivit.models.methods.connections.masks import connection_mask
from trivit.models.methods.tokens.selection import select_tokens
from trivit.models.quantization.onnx_nodes import along_axis, for_each_image, ints


class _KeptRows(Function):
    """Rows (B, 1 + K) that stay: 0 for [CLS], then the kept tokens in ascending order."""

    @staticmethod
    def forward(ctx: Any, scores_BL: Tensor, keep: int) -> Tensor:
        kept_BK = select_tokens(scores_BL[:, 1:], keep) + 1
        return torch.cat([kept_BK.new_zeros(len(kept_BK), 1), kept_BK], dim=1)

    @staticmethod
    def symbolic(g: Any, scores_BL: Any, keep: int) -> Any:
        patches = g.op("Slice", scores_BL, ints(g, 1), ints(g, 2**31 - 1), ints(g, 1))
        _, best = g.op("TopK", patches, ints(g, keep), axis_i=1, largest_i=1, sorted_i=1, outputs=2)
        kept, _ = g.op("TopK", best, ints(g, keep), axis_i=1, largest_i=0, sorted_i=1, outputs=2)
        cls = g.op("Constant", value_t=torch.zeros(1, 1, dtype=torch.int64))
        one = g.op("Constant", value_t=torch.tensor(1))
        cls = for_each_image(g, cls, kept, dims=2)
        return g.op("Concat", cls, g.op("Add", kept, one), axis_i=1)


class _GatherRows(Function):
    """Rows of a (B, L, D) tensor: (B, R, D) for an index (B, R)."""

    @staticmethod
    def forward(ctx: Any, x_BLD: Tensor, index_BR: Tensor, width: int) -> Tensor:
        return _gather(x_BLD, index_BR)

    @staticmethod
    def symbolic(g: Any, x_BLD: Any, index_BR: Any, width: int) -> Any:
        return along_axis(g, x_BLD, index_BR, axis=1, others=width)


class _MarkedClosed(Function):
    """Head sums (B, L, L) with -1 where the mask (B, 1, L, L) is closed."""

    @staticmethod
    def forward(ctx: Any, attention_BLL: Tensor, mask_B1LL: Tensor) -> Tensor:
        return attention_BLL.masked_fill(~mask_B1LL[:, 0], -1.0)

    @staticmethod
    def symbolic(g: Any, attention_BLL: Any, mask_B1LL: Any) -> Any:
        closed = g.op("Constant", value_t=torch.tensor(-1.0))
        return g.op("Where", g.op("Squeeze", mask_B1LL, ints(g, 1)), attention_BLL, closed)


class _ConnectionMask(Function):
    """Open connections (B, 1, R, R) as bool among the rows of an index (B, R)."""

    @staticmethod
    def forward(
        ctx: Any, attention_BLL: Tensor, index_BR: Tensor, keys: int, rows: int, length: int
    ) -> Tensor:
        patches_BK = index_BR[:, 1:]
        kept_rows = _gather(attention_BLL, patches_BK)
        columns = patches_BK.unsqueeze(1).expand(-1, patches_BK.shape[1], -1)
        kept_BKK = torch.gather(kept_rows, 2, columns)
        return connection_mask(largest_connections(kept_BKK, keys, live_BKK=kept_BKK >= 0))

    @staticmethod
    def symbolic(
        g: Any, attention_BLL: Any, index_BR: Any, keys: int, rows: int, length: int
    ) -> Any:
        patches = rows - 1
        index = g.op("Slice", index_BR, ints(g, 1), ints(g, rows), ints(g, 1))
        kept_rows = along_axis(g, attention_BLL, index, axis=1, others=length)
        kept = along_axis(g, kept_rows, index, axis=2, others=patches)
        sums, best = g.op("TopK", kept, ints(g, keys), axis_i=2, largest_i=1, sorted_i=1, outputs=2)
        # The sums themselves are scattered: closed ones among the best are still negative.
        closed = g.op("Constant", value_t=torch.full((1, patches, patches), -1.0))
        closed = for_each_image(g, closed, kept, dims=3)
        scattered = g.op("ScatterElements", closed, best, sums, axis_i=2)
        pads = g.op("Constant", value_t=torch.tensor([0, 1, 1, 0, 0, 0]))
        padded = g.op("Pad", scattered, pads, g.op("Constant", value_t=torch.tensor(1.0)))
        is_open = g.op("Greater", padded, g.op("Constant", value_t=torch.tensor(-0.5)))
        return g.op("Unsqueeze", is_open, ints(g, 1))


def _gather(x_BLD: Tensor, index_BR: Tensor) -> Tensor:
    return torch.gather(x_BLD, 1, index_BR.unsqueeze(-1).expand(-1, -1, x_BLD.shape[-1]))


def kept_rows(attention_BLL: Tensor, keep: int) -> Tensor:
    """Rows that stay, (B, 1 + keep), int64: 0 for [CLS], then the best patch tokens, ascending.

    Args:
        attention_BLL: probabilities summed over heads; row 0 scores the tokens (Tri-Level,
            "Token-level Sparsity"). Equal scores go to the lower index.
        keep: patch tokens to keep.
    """
    return _KeptRows.apply(attention_BLL[:, 0], keep)


def gather_rows(x_BLD: Tensor, index_BR: Tensor) -> Tensor:
    """Rows ``index_BR`` of each example, (B, R, D); gradients flow to the rows that stay."""
    if torch.onnx.is_in_onnx_export():
        return _GatherRows.apply(x_BLD, index_BR, int(x_BLD.shape[-1]))
    return _gather(x_BLD, index_BR)


def open_connections(
    attention_BLL: Tensor, mask_B1LL: Tensor | None, index_BR: Tensor, keys: int
) -> Tensor:
    """Mask (B, 1, R, R), bool: each kept patch token keeps its ``keys`` largest live kept keys.

    The [CLS] row and column are open (Tri-Level, "Attention-level Sparsity").

    Args:
        attention_BLL: probabilities summed over heads.
        mask_B1LL: connections that were open to that attention, bool; ``None``: all.
        index_BR: rows that stay.
        keys: a row with fewer live keys keeps them all.
    """
    if mask_B1LL is not None:
        attention_BLL = _MarkedClosed.apply(attention_BLL, mask_B1LL)
    rows, length = int(index_BR.shape[1]), int(attention_BLL.shape[-1])
    return _ConnectionMask.apply(attention_BLL, index_BR, keys, rows, length)
