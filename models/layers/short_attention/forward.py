"""Attention over a few hundred tokens, and what methods rank by, in one kernel (Triton).

Shape suffixes: B images, L tokens, H heads, E head width; I query rows of a tile, J key columns.
"""

import triton
import triton.language as tl

from trivit.models.layers.short_attention.tiles import key_numbers, places_of, query_numbers


@triton.jit
def forward_kernel(
    qkv,
    out,
    lse,
    table,
    places,
    mask,
    cls_scores,
    column_sums,
    matrix,
    scale,
    length,
    heads,
    qkv_b,
    qkv_l,
    qkv_3,
    qkv_h,
    qkv_e,
    table_h,
    places_b,
    mask_b,
    mask_q,
    mask_k,
    WIDTH: tl.constexpr,
    SIDE: tl.constexpr,
    PREFIX: tl.constexpr,
    CHOSEN: tl.constexpr,
    MASKED: tl.constexpr,
    CLS_ROW: tl.constexpr,
    COLUMN_SUMS: tl.constexpr,
    MATRIX: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PADDED: tl.constexpr,
):
    """Write the context of ROWS queries: grid (row blocks, heads, B).

    Means over the heads take all heads of an image in turn: grid (row blocks, 1, B). One block of
    keys then holds all of them, so that its probabilities are final at once.

    Args:
        qkv: (B, L, 3, H, E), any strides.
        out: (B, L, H, E), contiguous, in the dtype of ``qkv``.
        lse: float32 (B, H, L), base 2: log2 of the sum of 2^score; infinity where no key is open.
        table: from ``bias_table.spread_table``, where ``SIDE`` is not 0.
        places: int32 (B or 1, L), where tokens are ``CHOSEN``.
        mask: (B or 1, L, L) bytes, where ``MASKED``: 0 closes a connection.
        cls_scores: float32 (B, H, L), where ``CLS_ROW``: row 0 of the scores, times log2 e.
        column_sums: float32 (B, row blocks, L), where ``COLUMN_SUMS``: head means of the sums of
            the probabilities' columns over the patch rows of a block.
        matrix: float32 (B, L, L), where ``MATRIX``: head means of the probabilities.
        scale: of the scores, times log2 e.
        WIDTH: E; ``PADDED`` is the power of two from there.
        SIDE: patches in a row of the image; 0: without relative position bias.
    """
    mean: tl.constexpr = COLUMN_SUMS or MATRIX
    image = tl.program_id(2).to(tl.int64)
    first_head = tl.program_id(1)
    last_head = first_head + 1
    if mean:
        last_head = heads
    rows_I = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns_E = tl.arange(0, PADDED)
    row_open_I = rows_I < length
    column_open_E = columns_E < WIDTH
    qkv += image * qkv_b
    if SIDE:
        query_places_I = places_of(places + image * places_b, rows_I, length, PREFIX, CHOSEN)
        query_numbers_I = query_numbers(query_places_I, SIDE)
    if mean:
        mean_IJ = tl.zeros((ROWS, KEYS), tl.float32)
    for head in range(first_head, last_head):
        base = qkv + head * qkv_h
        q_IE = tl.load(
            base + rows_I[:, None] * qkv_l + columns_E[None, :] * qkv_e,
            mask=row_open_I[:, None] & column_open_E[None, :],
            other=0.0,
        )
        best_I = tl.full((ROWS,), float("-inf"), tl.float32)
        total_I = tl.zeros((ROWS,), tl.float32)
        out_IE = tl.zeros((ROWS, PADDED), tl.float32)
        for start in range(0, length, KEYS):
            keys_J = start + tl.arange(0, KEYS)
            key_open_J = keys_J < length
            tile = base + keys_J[:, None] * qkv_l + columns_E[None, :] * qkv_e
            tile_open = key_open_J[:, None] & column_open_E[None, :]
            k_JE = tl.load(tile + qkv_3, mask=tile_open, other=0.0)
            v_JE = tl.load(tile + 2 * qkv_3, mask=tile_open, other=0.0)
            scores_IJ = tl.dot(q_IE, tl.trans(k_JE), input_precision="ieee") * scale
            if SIDE:
                key_places_J = places_of(places + image * places_b, keys_J, length, PREFIX, CHOSEN)
                pairs_IJ = query_numbers_I[:, None] - key_numbers(key_places_J, SIDE)[None, :]
                scores_IJ += tl.load(table + head * table_h + pairs_IJ)
            if CLS_ROW:
                # Only the block of rows that holds row 0 stores it.
                scores_J = tl.sum(tl.where(rows_I[:, None] == 0, scores_IJ, 0.0), axis=0)
                row = cls_scores + (image * heads + head) * length
                stored = tl.where(tl.program_id(0) == 0, length, 0)
                tl.store(row + keys_J, scores_J, mask=keys_J < stored)
            open_IJ = key_open_J[None, :]
            if MASKED:
                bytes_IJ = tl.load(
                    mask + image * mask_b + rows_I[:, None] * mask_q + keys_J[None, :] * mask_k,
                    mask=row_open_I[:, None] & key_open_J[None, :],
                    other=0,
                )
                open_IJ = bytes_IJ != 0
            scores_IJ = tl.where(open_IJ, scores_IJ, float("-inf"))
            higher_I = tl.maximum(best_I, tl.max(scores_IJ, axis=1))
            # A row that is closed so far has -inf: it must not be subtracted from itself.
            finite_I = tl.where(higher_I == float("-inf"), 0.0, higher_I)
            weights_IJ = tl.exp2(scores_IJ - finite_I[:, None])
            shrink_I = tl.exp2(best_I - finite_I)
            total_I = total_I * shrink_I + tl.sum(weights_IJ, axis=1)
            out_IE = out_IE * shrink_I[:, None]
            out_IE += tl.dot(weights_IJ.to(v_JE.dtype), v_JE, input_precision="ieee")
            best_I = higher_I
            if mean:
                share_I = 1.0 / (tl.where(total_I == 0.0, 1.0, total_I) * heads)
                mean_IJ += weights_IJ * share_I[:, None]
        closed_I = total_I == 0.0
        total_I = tl.where(closed_I, 1.0, total_I)
        lse_I = tl.where(closed_I, float("inf"), best_I + tl.log2(total_I))
        tl.store(lse + (image * heads + head) * length + rows_I, lse_I, mask=row_open_I)
        written = out + ((image * length + rows_I[:, None]) * heads + head) * WIDTH
        tl.store(
            written + columns_E[None, :],
            (out_IE / total_I[:, None]).to(out.dtype.element_ty),
            mask=row_open_I[:, None] & column_open_E[None, :],
        )
    if COLUMN_SUMS:
        keys_J = tl.arange(0, KEYS)
        patch_I = (rows_I >= PREFIX) & row_open_I
        sums_J = tl.sum(tl.where(patch_I[:, None], mean_IJ, 0.0), axis=0)
        block = image * tl.num_programs(0) + tl.program_id(0)
        tl.store(column_sums + block * length + keys_J, sums_J, mask=keys_J < length)
    if MATRIX:
        keys_J = tl.arange(0, KEYS)
        tl.store(
            matrix + (image * length + rows_I[:, None]) * length + keys_J[None, :],
            mean_IJ,
            mask=row_open_I[:, None] & (keys_J[None, :] < length),
        )
