"""The kernels as a PyTorch operator with a gradient, opaque to torch.compile.

``torch.library.custom_op`` rather than ``triton_op``: the compiler then traces nothing of it, and
the same kernels run compiled, captured in a CUDA graph and in eager mode. Nothing in it waits for
the device, and what it allocates depends on shapes alone.

Shape suffixes: B images, L tokens, H heads, E head width, D = H E, T table entries, X entries of a
head's row of biases, W slots of tokens.
"""

from typing import Any

import torch
import triton
from torch import Tensor

from trivit.models.layers.short_attention.backward import keys_kernel, queries_kernel
from trivit.models.layers.short_attention.bias_table import (
    row_length,
    spread_table,
    table_gradient,
)
from trivit.models.layers.short_attention.forward import forward_kernel
from trivit.models.layers.short_attention.sizes import (
    backward_sizes,
    forward_sizes,
    image_shares,
    padded_width,
)

_LOG2_E = 1.4426950408889634
# Rows of the sums over pairs begin at a multiple of what one access moves.
_SLOTS_MULTIPLE = 16


@torch.library.custom_op("trivit::short_attention", mutates_args=())
def short_attention(
    qkv_BL3HE: Tensor,
    table_TH: Tensor | None,
    places_BL: Tensor | None,
    mask_B1LL: Tensor | None,
    side: int,
    prefix: int,
    fused: int,
    cls_row: bool,
    column_sums: bool,
    matrix: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the context, what its gradient needs, and what methods rank by (without gradient).

    Args:
        qkv_BL3HE: queries, keys and values, any strides.
        table_TH: relative position biases; ``None``: none.
        places_BL: place of each token, int32 (B or 1, L), -1 without one; ``None``: all patches in
            their order behind ``prefix`` tokens without one.
        mask_B1LL: open connections, bool (B or 1, 1, L, L); ``None``: all.
        side: patches in a row of the image that the table is for.
        prefix: tokens before the patch tokens.
        fused: at most so many tokens at the end are without a place.
        cls_row, column_sums, matrix: what is wanted beside the context.

    Returns:
        The context (B, L, D) in the dtype of ``qkv_BL3HE``; in float32 the rows' log2 of the sum of
        2^score (B, H, L), the biases as the kernels read them (H, X), the scores of row 0 times
        log2 e (B, H, L), sums of the columns over blocks of patch rows (B, blocks, L) and the
        matrix (B, L, L), the last two as means over the heads. What is not wanted is empty.
    """
    images, length, _, heads, width = qkv_BL3HE.shape
    made = _outputs(qkv_BL3HE, table_TH, side, cls_row, column_sums, matrix)
    out_BLD, lse_BHL, spread_HX, scores_BHL, sums_BRL, matrix_BLL = made
    if table_TH is not None:
        spread_table(table_TH, spread_HX, side)
    sizes = forward_sizes(length, mean=column_sums or matrix)
    blocks = triton.cdiv(length, sizes.rows)
    forward_kernel[(blocks, 1 if column_sums or matrix else heads, images)](
        qkv_BL3HE,
        out_BLD,
        lse_BHL,
        spread_HX,
        *_looked_up(places_BL, mask_B1LL, lse_BHL),
        scores_BHL,
        sums_BRL,
        matrix_BLL,
        width**-0.5 * _LOG2_E,
        length,
        heads,
        *qkv_BL3HE.stride(),
        *_strides(spread_HX, places_BL, mask_B1LL),
        WIDTH=width,
        SIDE=side if table_TH is not None else 0,
        PREFIX=prefix,
        CHOSEN=places_BL is not None,
        MASKED=mask_B1LL is not None,
        CLS_ROW=cls_row,
        COLUMN_SUMS=column_sums,
        MATRIX=matrix,
        ROWS=sizes.rows,
        KEYS=sizes.keys,
        PADDED=padded_width(width),
        num_warps=sizes.warps,
        num_stages=sizes.stages,
    )
    return made


@short_attention.register_fake
def _(
    qkv_BL3HE: Tensor,
    table_TH: Tensor | None,
    places_BL: Tensor | None,
    mask_B1LL: Tensor | None,
    side: int,
    prefix: int,
    fused: int,
    cls_row: bool,
    column_sums: bool,
    matrix: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _outputs(qkv_BL3HE, table_TH, side, cls_row, column_sums, matrix)


@torch.library.custom_op("trivit::short_attention_backward", mutates_args=())
def short_attention_backward(
    grad_BLD: Tensor,
    qkv_BL3HE: Tensor,
    table_TH: Tensor | None,
    places_BL: Tensor | None,
    mask_B1LL: Tensor | None,
    out_BLD: Tensor,
    lse_BHL: Tensor,
    spread_HX: Tensor,
    side: int,
    prefix: int,
    fused: int,
    table_wanted: bool,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of ``qkv_BL3HE`` (contiguous) and of the table (empty if unwanted)."""
    images, length, _, heads, width = qkv_BL3HE.shape
    grad_qkv, grad_table = _gradients(qkv_BL3HE, table_TH, table_wanted)
    sizes = backward_sizes(length, table=table_wanted)
    blocks, chosen = triton.cdiv(length, sizes.rows), places_BL is not None
    deltas_BHL = torch.empty_like(lse_BHL)
    share, programs, slots = 1, blocks, 0
    pairs_GHWW = lse_BHL  # not read
    if table_wanted:
        programs = 1 if chosen else blocks
        share = image_shares(images, heads * programs)
        slots = triton.cdiv(prefix + side**2 + fused, _SLOTS_MULTIPLE) * _SLOTS_MULTIPLE
        sums = (triton.cdiv(images, share), heads, slots, slots)
        make = torch.zeros if chosen else torch.empty
        pairs_GHWW = make(sums, dtype=torch.float32, device=qkv_BL3HE.device)
    looked_up = _looked_up(places_BL, mask_B1LL, lse_BHL)
    strides = (
        *qkv_BL3HE.stride(),
        *grad_BLD.stride(),
        *_strides(spread_HX, places_BL, mask_B1LL),
    )
    scales = width**-0.5, width**-0.5 * _LOG2_E
    settings = {
        "WIDTH": width,
        "SIDE": side if table_TH is not None else 0,
        "PREFIX": prefix,
        "CHOSEN": chosen,
        "MASKED": mask_B1LL is not None,
        "ROWS": sizes.rows,
        "KEYS": sizes.keys,
        "PADDED": padded_width(width),
        "num_warps": sizes.warps,
        "num_stages": sizes.stages,
    }
    queries_kernel[(programs, heads, triton.cdiv(images, share))](
        qkv_BL3HE,
        out_BLD,
        grad_BLD,
        lse_BHL,
        spread_HX,
        *looked_up,
        grad_qkv,
        deltas_BHL,
        pairs_GHWW,
        *scales,
        length,
        heads,
        images,
        share,
        slots,
        *strides,
        TABLE=table_wanted,
        **settings,
    )
    keys_kernel[(blocks, heads, images)](
        qkv_BL3HE,
        grad_BLD,
        lse_BHL,
        deltas_BHL,
        spread_HX,
        *looked_up,
        grad_qkv,
        *scales,
        length,
        heads,
        *strides,
        **settings,
    )
    if table_wanted:
        table_gradient(pairs_GHWW, grad_table, side, prefix, prefix + side**2 + fused)
    return grad_qkv, grad_table


@short_attention_backward.register_fake
def _(
    grad_BLD: Tensor,
    qkv_BL3HE: Tensor,
    table_TH: Tensor | None,
    places_BL: Tensor | None,
    mask_B1LL: Tensor | None,
    out_BLD: Tensor,
    lse_BHL: Tensor,
    spread_HX: Tensor,
    side: int,
    prefix: int,
    fused: int,
    table_wanted: bool,
) -> tuple[Tensor, Tensor]:
    return _gradients(qkv_BL3HE, table_TH, table_wanted)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    qkv_BL3HE, table_TH, places_BL, mask_B1LL, side, prefix, fused = inputs[:7]
    out_BLD, lse_BHL, spread_HX, *ranked = output
    ctx.save_for_backward(qkv_BL3HE, table_TH, places_BL, mask_B1LL, out_BLD, lse_BHL, spread_HX)
    ctx.sizes = side, prefix, fused
    ctx.mark_non_differentiable(lse_BHL, spread_HX, *ranked)


def _differentiate(ctx: Any, grad_BLD: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    qkv_BL3HE, table_TH, places_BL, mask_B1LL, *kept = ctx.saved_tensors
    wanted = table_TH is not None and ctx.needs_input_grad[1]
    grad_qkv, grad_table = torch.ops.trivit.short_attention_backward(
        grad_BLD, qkv_BL3HE, table_TH, places_BL, mask_B1LL, *kept, *ctx.sizes, wanted
    )
    return grad_qkv, grad_table if wanted else None, *[None] * 8


short_attention.register_autograd(_differentiate, setup_context=_keep)


def _outputs(
    qkv_BL3HE: Tensor,
    table_TH: Tensor | None,
    side: int,
    cls_row: bool,
    column_sums: bool,
    matrix: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return what the operator fills, one tensor each (an operator may not return one twice)."""
    images, length, _, heads, width = qkv_BL3HE.shape

    def floats(wanted: bool, *shape: int) -> Tensor:
        return qkv_BL3HE.new_empty(shape if wanted else 0, dtype=torch.float32)

    blocks = triton.cdiv(length, forward_sizes(length, mean=True).rows)
    return (
        qkv_BL3HE.new_empty(images, length, heads * width),
        floats(True, images, heads, length),
        floats(table_TH is not None, heads, row_length(side)),
        floats(cls_row, images, heads, length),
        floats(column_sums, images, blocks, length),
        floats(matrix, images, length, length),
    )


def _gradients(
    qkv_BL3HE: Tensor, table_TH: Tensor | None, table_wanted: bool
) -> tuple[Tensor, Tensor]:
    grad_qkv = qkv_BL3HE.new_empty(qkv_BL3HE.shape)
    if table_TH is None or not table_wanted:
        return grad_qkv, qkv_BL3HE.new_empty(0)
    return grad_qkv, table_TH.new_empty(table_TH.shape)


def _looked_up(
    places_BL: Tensor | None, mask_B1LL: Tensor | None, unused: Tensor
) -> tuple[Tensor, Tensor]:
    """Return places and mask as the kernels take them; ``unused`` stands for one that is absent."""
    places = unused if places_BL is None else places_BL
    return places, unused if mask_B1LL is None else mask_B1LL.view(torch.uint8)


def _strides(
    spread_HX: Tensor, places_BL: Tensor | None, mask_B1LL: Tensor | None
) -> tuple[int, int, int, int, int]:
    """Return the strides of heads' biases, images' places, and the mask; 0 where all share one."""
    table_h = spread_HX.stride(0) if spread_HX.dim() == 2 else 0
    places_b = 0 if places_BL is None or len(places_BL) == 1 else places_BL.stride(0)
    if mask_B1LL is None:
        return table_h, places_b, 0, 0, 0
    mask_b = 0 if len(mask_B1LL) == 1 else mask_B1LL.stride(0)
    return table_h, places_b, mask_b, mask_B1LL.stride(2), mask_B1LL.stride(3)
