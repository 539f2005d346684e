"""Attention as the accelerator computes it, with a bias on its scores or without.

Shape suffixes: B batch, H heads, L tokens, D width, E head width.
"""

import math

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from trivit.models.layers.relative_position import TABLE
from trivit.models.quantization.quantizers import Fixed16Bias, Fixed16Weight, QuantPoint
from trivit.models.topology import Block

#: A bias below this closes a pair, in every head: no score reaches it.
CLOSED = -1e29


def as_float32(value: float) -> float:
    """The float32 nearest to a constant: what an exported file can hold, in any precision."""
    return float(torch.tensor(value, dtype=torch.float32))


def linear(inputs: int, outputs: int, bias: bool = True) -> qnn.QuantLinear:
    """Linear layer with weight and bias in formats of their own."""
    return qnn.QuantLinear(
        inputs,
        outputs,
        bias=bias,
        weight_quant=Fixed16Weight,
        bias_quant=Fixed16Bias if bias else None,
    )


class QuantAttention(nn.Module):
    """Attention up to, and without, the residual sum that its projection is fused with.

    With relative positions, ``relative_position_bias_table`` holds what is added to the products of
    queries and keys, before they are scaled: the float model's table, divided by ``scale``. A row
    of it below ``CLOSED`` closes the pairs whose index names it.
    """

    relative_position_bias_table: nn.Parameter | None
    index_LL: Tensor | None

    def __init__(self, layer: Block, entries: int = 0, index_LL: Tensor | None = None) -> None:
        super().__init__()
        point, width = f"{layer.name}.attn", layer.width
        self.num_heads = layer.heads
        self.scale = as_float32(layer.head_dim**-0.5)
        self.qkv = linear(width, 3 * width, layer.qkv_bias)
        self.qkv_quant = QuantPoint(f"{point}.qkv")
        self.scores_quant = QuantPoint(f"{point}.scores")
        self.probs_quant = QuantPoint(f"{point}.probs")
        self.context_quant = QuantPoint(f"{point}.context")
        self.proj = linear(width, width)
        table = nn.Parameter(torch.zeros(entries, layer.heads)) if entries else None
        self.register_parameter(TABLE, table)
        self.register_buffer("index_LL", index_LL, persistent=False)
        self.bias_quant = QuantPoint(f"{point}.{TABLE}") if entries else None

    def scale_bias(self) -> None:
        """Divide a table in the units of the float model by ``scale``, in place."""
        if self.relative_position_bias_table is not None:
            self.relative_position_bias_table.div_(self.scale)

    @property
    def closes(self) -> bool:
        """Whether the bias closes pairs."""
        table = self.relative_position_bias_table
        return table is not None and bool((table < CLOSED).any())

    def _score_bias(self) -> Tensor | None:
        """Quantized bias (H, L, L) of the products of queries and keys."""
        table = self.relative_position_bias_table
        if self.bias_quant is None or table is None or self.index_LL is None:
            return None
        spread = self.bias_quant(table).t().index_select(1, self.index_LL.flatten())
        return spread.reshape(self.num_heads, *self.index_LL.shape)

    def forward(self, x_BLD: Tensor, mask_B1LL: Tensor | None) -> tuple[Tensor, Tensor]:
        """Unrounded projection (B, L, D) and the quantized probabilities (B, H, L, L)."""
        length, width = (int(size) for size in x_BLD.shape[1:])
        by_head = (-1, length, self.num_heads, width // self.num_heads)
        q, k, v = self.qkv_quant(self.qkv(x_BLD)).split(width, dim=-1)
        q_BHLE = q.reshape(by_head).permute(0, 2, 1, 3)
        k_BHEL = k.reshape(by_head).permute(0, 2, 3, 1)
        v_BHLE = v.reshape(by_head).permute(0, 2, 1, 3)
        products, bias_HLL = q_BHLE @ k_BHEL, self._score_bias()
        if bias_HLL is not None:
            products = products + bias_HLL
        scores = self.scores_quant(products) * self.scale
        if mask_B1LL is not None:
            scores = torch.where(mask_B1LL, scores, -math.inf)
        probs_BHLL = self.probs_quant(scores.softmax(dim=-1))
        context_BLD = (probs_BHLL @ v_BHLE).permute(0, 2, 1, 3).reshape(-1, length, width)
        return self.proj(self.context_quant(context_BLD)), probs_BHLL
