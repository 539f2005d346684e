"""The table of relative position biases, laid out for the kernels, and its gradient (Triton).

The kernels look biases up by a difference of two numbers (``tiles.bias_of``), so the table of one
head is spread into a row with, from its start:

1. the entries of two patches, in the table's own order: (2 SIDE - 1)^2 of them;
2. the entry "token without a place to patch", as often as patches have numbers;
3. the entry "patch to token without a place", as often;
4. the entry "between two of them", at the end.
"""

import triton
import triton.language as tl
from torch import Tensor

_SPREAD_BLOCK = 1024
_ENTRIES = 16


def row_length(side: int) -> int:
    """Return the entries of one head's row, for ``side`` patches in a row of the image."""
    return 5 * (side - 1) * 2 * side + 4


def spread_table(table_TH: Tensor, spread_HX: Tensor, side: int) -> None:
    """Write the biases of each head into its row, times log2 e.

    Args:
        table_TH: learned biases.
        spread_HX: float32 (H, row_length), contiguous.
        side: patches in a row.
    """
    entries, heads = table_TH.shape
    row = row_length(side)
    spread_kernel[(triton.cdiv(row, _SPREAD_BLOCK), heads)](
        table_TH, spread_HX, entries, row, *table_TH.stride(), SIDE=side, BLOCK=_SPREAD_BLOCK
    )


def table_gradient(
    pairs_GHWW: Tensor, gradient_TH: Tensor, side: int, prefix: int, slots: int
) -> None:
    """Write the gradient of the table from the gradients of the scores by pairs of slots.

    Every sum is taken in one order, so that the bits do not change from run to run.

    Args:
        pairs_GHWW: float32, one share of the images after the other; W as in ``tiles.slots_of``.
        gradient_TH: of the table.
        side: patches in a row.
        prefix: tokens before the patch tokens.
        slots: those in use, at most W.
    """
    (entries, heads), pairs = gradient_TH.shape, (2 * side - 1) ** 2
    blocks = triton.cdiv(pairs, _ENTRIES) + (entries > pairs)
    pairs_HWW = pairs_GHWW.sum(0) if len(pairs_GHWW) > 1 else pairs_GHWW[0]
    gradient_kernel[(blocks, heads)](
        pairs_HWW,
        gradient_TH,
        slots,
        pairs_HWW.shape[-1],
        *gradient_TH.stride(),
        SIDE=side,
        PREFIX=prefix,
        ENTRIES=_ENTRIES,
        BLOCK=triton.next_power_of_2(slots),
    )


@triton.jit
def spread_kernel(
    table,
    spread,
    entries,
    row,
    table_t,
    table_h,
    SIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write a part of one head's row: grid (parts, heads)."""
    reach: tl.constexpr = (SIDE - 1) * 2 * SIDE
    head = tl.program_id(1)
    x = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    last = tl.where(x <= 4 * reach + 2, entries - 2, entries - 1)
    placeless = tl.where(x <= 3 * reach + 1, entries - 3, last)
    entry = tl.where(x <= 2 * reach, x, placeless)
    held = (x < row) & (entry >= 0)
    biases = tl.load(table + entry * table_t + head * table_h, mask=held, other=0.0)
    log2_e: tl.constexpr = 1.4426950408889634
    tl.store(spread + head * row + x, biases.to(tl.float32) * log2_e, mask=x < row)


@triton.jit
def gradient_kernel(
    pairs,
    gradient,
    slots,
    width,
    gradient_t,
    gradient_h,
    SIDE: tl.constexpr,
    PREFIX: tl.constexpr,
    ENTRIES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Add up the pairs of ENTRIES entries: grid (blocks of entries, heads).

    The last block is that of the three entries for tokens without a place, if the table has them.
    """
    step: tl.constexpr = 2 * SIDE - 1
    patches: tl.constexpr = SIDE * SIDE
    head = tl.program_id(1)
    pairs += head * width * width
    first = tl.program_id(0) * ENTRIES
    if first < step * step:
        entry_T = first + tl.arange(0, ENTRIES)
        end = step * step
        key_W = tl.arange(0, BLOCK)
        rows_TW = (entry_T // step)[:, None] + (key_W // SIDE)[None, :] - (SIDE - 1)
        columns_TW = (entry_T % step)[:, None] + (key_W % SIDE)[None, :] - (SIDE - 1)
        inside_TW = (rows_TW >= 0) & (rows_TW < SIDE) & (columns_TW >= 0) & (columns_TW < SIDE)
        inside_TW = inside_TW & (key_W < patches)[None, :]
        query_TW = PREFIX + rows_TW * SIDE + columns_TW
        sums = pairs + query_TW * width + PREFIX + key_W[None, :]
        total_TW = tl.load(sums, mask=inside_TW, other=0.0)
    else:
        kind_T = tl.arange(0, ENTRIES)  # placeless query and patch, the other way, both placeless
        entry_T = step * step + kind_T
        end = step * step + 3
        other_W = tl.arange(0, BLOCK)
        patch_W = (other_W >= PREFIX) & (other_W < PREFIX + patches)
        inside_TW = patch_W[None, :] == (kind_T < 2)[:, None]
        inside_TW = inside_TW & (other_W < slots)[None, :] & (kind_T < 3)[:, None]
        along_T = tl.where(kind_T == 1, width, 1)
        across_T = tl.where(kind_T == 1, 1, width)
        total_TW = tl.zeros((ENTRIES, BLOCK), tl.float32)
        for number in range(0, slots - patches):
            slot = tl.where(number < PREFIX, number, number + patches)
            sums = pairs + (slot * across_T)[:, None] + other_W[None, :] * along_T[:, None]
            total_TW += tl.load(sums, mask=inside_TW, other=0.0)
    value_T = tl.sum(total_TW, axis=1).to(gradient.dtype.element_ty)
    tl.store(gradient + entry_T * gradient_t + head * gradient_h, value_T, mask=entry_T < end)
