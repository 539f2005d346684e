"""Gradients of the attention over a few hundred tokens (Triton).

Two kernels, as in FlashAttention-2's implementations: one goes through the keys of a block of
queries, the other through the queries of a block of keys. Each computes the probabilities again
from the scores and what the forward pass kept of each row (``lse``). Nothing is added in an order
that may change from run to run.

Shape suffixes: B images, L tokens, H heads, E head width, G shares of the images, W slots of
tokens; I query rows, J key columns of a tile.
"""

import triton
import triton.language as tl

from trivit.models.layers.short_attention.tiles import (
    key_numbers,
    places_of,
    query_numbers,
    slots_of,
)


@triton.jit
def queries_kernel(
    qkv,
    out,
    grad_out,
    lse,
    table,
    places,
    mask,
    grad_qkv,
    deltas,
    pairs,
    scale,
    log2_scale,
    length,
    heads,
    images,
    share,
    width,
    qkv_b,
    qkv_l,
    qkv_3,
    qkv_h,
    qkv_e,
    grad_b,
    grad_l,
    grad_d,
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
    TABLE: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PADDED: tl.constexpr,
):
    """Write the gradients of queries: grid (programs for the row blocks, heads, G).

    Args:
        qkv, lse, table, places, mask: as in the forward kernel; ``out`` as that one wrote it.
        grad_out: (B, L, H E), any strides.
        grad_qkv: (B, L, 3, H, E), contiguous, in the dtype of ``qkv``.
        deltas: float32 (B, H, L): the product of ``out`` and ``grad_out``, for ``keys_kernel``.
        pairs: float32 (G, H, W, W), with ``TABLE``: gradients of the scores by the slots of query
            and key, added up over the images of a share; zero where tokens are ``CHOSEN``. Then
            images differ in the slots of a row, and one program must take all row blocks.
        scale: of the scores; ``log2_scale`` is that times log2 e.
        share: images that a program takes one after the other, ``images`` all of them.
        width: W.
    """
    head, group = tl.program_id(1), tl.program_id(2)
    columns_E = tl.arange(0, PADDED)
    column_open_E = columns_E < WIDTH
    first = group * share
    if TABLE:
        pairs += (group * heads + head).to(tl.int64) * width * width
    for number in range(first, tl.minimum(first + share, images)):
        image = tl.cast(number, tl.int64)
        base = qkv + image * qkv_b + head * qkv_h
        row = (image * heads + head) * length
        for block in range(tl.program_id(0), tl.cdiv(length, ROWS), tl.num_programs(0)):
            rows_I = block * ROWS + tl.arange(0, ROWS)
            row_open_I = rows_I < length
            open_IE = row_open_I[:, None] & column_open_E[None, :]
            q_IE = tl.load(
                base + rows_I[:, None] * qkv_l + columns_E[None, :] * qkv_e, mask=open_IE, other=0.0
            )
            given = grad_out + image * grad_b + (head * WIDTH + columns_E[None, :]) * grad_d
            given_IE = tl.load(given + rows_I[:, None] * grad_l, mask=open_IE, other=0.0)
            context = out + ((image * length + rows_I[:, None]) * heads + head) * WIDTH
            out_IE = tl.load(context + columns_E[None, :], mask=open_IE, other=0.0)
            delta_I = tl.sum(given_IE.to(tl.float32) * out_IE.to(tl.float32), axis=1)
            tl.store(deltas + row + rows_I, delta_I, mask=row_open_I)
            lse_I = tl.load(lse + row + rows_I, mask=row_open_I, other=float("inf"))
            if SIDE:
                place_I = places_of(places + image * places_b, rows_I, length, PREFIX, CHOSEN)
                number_I = query_numbers(place_I, SIDE)
                slot_I = rows_I
                if CHOSEN:
                    slot_I = slots_of(rows_I, place_I, length, PREFIX, SIDE)
            grad_IE = tl.zeros((ROWS, PADDED), tl.float32)
            for start in range(0, length, KEYS):
                keys_J = start + tl.arange(0, KEYS)
                key_open_J = keys_J < length
                tile = base + keys_J[:, None] * qkv_l + columns_E[None, :] * qkv_e
                open_JE = key_open_J[:, None] & column_open_E[None, :]
                k_JE = tl.load(tile + qkv_3, mask=open_JE, other=0.0)
                v_JE = tl.load(tile + 2 * qkv_3, mask=open_JE, other=0.0)
                scores_IJ = tl.dot(q_IE, tl.trans(k_JE), input_precision="ieee") * log2_scale
                if SIDE:
                    place_J = places_of(places + image * places_b, keys_J, length, PREFIX, CHOSEN)
                    entry_IJ = number_I[:, None] - key_numbers(place_J, SIDE)[None, :]
                    scores_IJ += tl.load(table + head * table_h + entry_IJ)
                # A closed row, and padding, have an lse of infinity: no weight.
                weights_IJ = tl.exp2(scores_IJ - lse_I[:, None])
                open_IJ = row_open_I[:, None] & key_open_J[None, :]
                if MASKED:
                    bytes_IJ = tl.load(
                        mask + image * mask_b + rows_I[:, None] * mask_q + keys_J[None, :] * mask_k,
                        mask=open_IJ,
                        other=0,
                    )
                    weights_IJ = tl.where(bytes_IJ != 0, weights_IJ, 0.0)
                else:
                    weights_IJ = tl.where(key_open_J[None, :], weights_IJ, 0.0)
                grad_IJ = tl.dot(given_IE, tl.trans(v_JE), input_precision="ieee")
                grad_IJ = weights_IJ * (grad_IJ - delta_I[:, None])
                grad_IE += tl.dot(grad_IJ.to(k_JE.dtype), k_JE, input_precision="ieee")
                if TABLE:
                    # A pair of slots occurs once in an image, and images follow each other.
                    slot_J = keys_J
                    if CHOSEN:
                        slot_J = slots_of(keys_J, place_J, length, PREFIX, SIDE)
                    sums = pairs + slot_I[:, None] * width + slot_J[None, :]
                    added_IJ = open_IJ
                    if not CHOSEN:  # the first image of a share meets memory of no meaning
                        added_IJ = open_IJ & (keys_J[None, :] < tl.where(number > first, length, 0))
                    sums_IJ = tl.load(sums, mask=added_IJ, other=0.0)
                    tl.store(sums, sums_IJ + grad_IJ, mask=open_IJ)
            written = grad_qkv + ((image * length + rows_I[:, None]) * 3 * heads + head) * WIDTH
            grad_IE = (grad_IE * scale).to(grad_qkv.dtype.element_ty)
            tl.store(written + columns_E[None, :], grad_IE, mask=open_IE)
        if TABLE:
            tl.debug_barrier()  # the next image may add to what another thread has written


@triton.jit
def keys_kernel(
    qkv,
    grad_out,
    lse,
    deltas,
    table,
    places,
    mask,
    grad_qkv,
    scale,
    log2_scale,
    length,
    heads,
    qkv_b,
    qkv_l,
    qkv_3,
    qkv_h,
    qkv_e,
    grad_b,
    grad_l,
    grad_d,
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
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PADDED: tl.constexpr,
):
    """Write the gradients of ROWS keys and values: grid (blocks of keys, heads, B).

    A tile has the keys as its rows, so that no product needs a tile of scores turned around. The
    arguments are those of ``queries_kernel``.
    """
    head, image = tl.program_id(1), tl.program_id(2).to(tl.int64)
    columns_E = tl.arange(0, PADDED)
    column_open_E = columns_E < WIDTH
    base = qkv + image * qkv_b + head * qkv_h
    given = grad_out + image * grad_b + (head * WIDTH + columns_E[None, :]) * grad_d
    row = (image * heads + head) * length
    keys_J = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    key_open_J = keys_J < length
    open_JE = key_open_J[:, None] & column_open_E[None, :]
    tile = base + keys_J[:, None] * qkv_l + columns_E[None, :] * qkv_e
    k_JE = tl.load(tile + qkv_3, mask=open_JE, other=0.0)
    v_JE = tl.load(tile + 2 * qkv_3, mask=open_JE, other=0.0)
    if SIDE:
        place_J = places_of(places + image * places_b, keys_J, length, PREFIX, CHOSEN)
        number_J = key_numbers(place_J, SIDE)
    grad_k_JE = tl.zeros((ROWS, PADDED), tl.float32)
    grad_v_JE = tl.zeros((ROWS, PADDED), tl.float32)
    for start in range(0, length, KEYS):
        rows_I = start + tl.arange(0, KEYS)
        row_open_I = rows_I < length
        open_IE = row_open_I[:, None] & column_open_E[None, :]
        q_IE = tl.load(
            base + rows_I[:, None] * qkv_l + columns_E[None, :] * qkv_e, mask=open_IE, other=0.0
        )
        given_IE = tl.load(given + rows_I[:, None] * grad_l, mask=open_IE, other=0.0)
        lse_I = tl.load(lse + row + rows_I, mask=row_open_I, other=float("inf"))
        delta_I = tl.load(deltas + row + rows_I, mask=row_open_I, other=0.0)
        scores_JI = tl.dot(k_JE, tl.trans(q_IE), input_precision="ieee") * log2_scale
        if SIDE:
            place_I = places_of(places + image * places_b, rows_I, length, PREFIX, CHOSEN)
            entry_JI = query_numbers(place_I, SIDE)[None, :] - number_J[:, None]
            scores_JI += tl.load(table + head * table_h + entry_JI)
        weights_JI = tl.exp2(scores_JI - lse_I[None, :])
        if MASKED:
            bytes_JI = tl.load(
                mask + image * mask_b + rows_I[None, :] * mask_q + keys_J[:, None] * mask_k,
                mask=row_open_I[None, :] & key_open_J[:, None],
                other=0,
            )
            weights_JI = tl.where(bytes_JI != 0, weights_JI, 0.0)
        grad_v_JE += tl.dot(weights_JI.to(v_JE.dtype), given_IE, input_precision="ieee")
        grad_JI = tl.dot(v_JE, tl.trans(given_IE), input_precision="ieee")
        grad_JI = weights_JI * (grad_JI - delta_I[None, :])
        grad_k_JE += tl.dot(grad_JI.to(q_IE.dtype), q_IE, input_precision="ieee")
    # Rows of padded keys hold weights of no meaning; they are not written.
    written = grad_qkv + ((image * length + keys_J[:, None]) * 3 * heads + head) * WIDTH
    written += columns_E[None, :]
    dtype = grad_qkv.dtype.element_ty
    tl.store(written + heads * WIDTH, (grad_k_JE * scale).to(dtype), mask=open_JE)
    tl.store(written + 2 * heads * WIDTH, grad_v_JE.to(dtype), mask=open_JE)
