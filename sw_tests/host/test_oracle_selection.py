"""Selection, patches and whole attention against direct loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trivit.host import oracle
from trivit.host.oracle.selection import pack_mask, unpack_mask


def best(values: list[int], keep: int) -> list[int]:
    ranked = sorted(range(len(values)), key=lambda i: (-values[i], i))
    return sorted(ranked[:keep])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.data())
def test_largest_breaks_ties_towards_the_lower_index(
    values: list[int], data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, len(values)))
    assert oracle.largest(np.array(values), keep).tolist() == best(values, keep)


def test_select_tokens_keeps_cls_first() -> None:
    assert oracle.select_tokens(np.array([99, 1, 5, 5, 0, 5]), 2).tolist() == [0, 2, 3]


def test_select_connections_against_loops() -> None:
    rng = np.random.default_rng(0)
    head_sum = rng.integers(0, 6, (12, 12))
    kept = np.array([0, 2, 3, 5, 8, 11], dtype=np.int16)
    closed = rng.random((12, 12)) < 0.7
    for sums in (head_sum, np.where(closed, -1, head_sum)):
        mask = oracle.select_connections(sums, kept, 2)
        for i in range(6):
            for j in range(6):
                row = [int(sums[kept[i], kept[k]]) for k in range(1, 6)]
                live = [k for k in range(5) if row[k] >= 0]
                found = [live[k] for k in best([row[k] for k in live], 2)]
                assert mask[i, j] == (i == 0 or j == 0 or j - 1 in found)


def test_closed_patches_of_the_cls_row_count_as_zero() -> None:
    assert oracle.select_tokens(np.array([9, -1, 0, 4]), 2).tolist() == [0, 1, 3]


@given(st.integers(1, 30), st.integers(1, 208), st.integers(0, 2**32 - 1))
def test_masks_pack_and_unpack(rows: int, keys: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((rows, keys)) < 0.5
    packed = pack_mask(mask)
    assert packed.shape == (rows, 8 * -(-keys // 128))
    assert (unpack_mask(packed, keys) == mask).all()
    for j in range(keys):
        assert bool(int(packed[0, j // 16]) >> (j % 16) & 1) == bool(mask[0, j])


def test_patchify_orders_channel_y_x() -> None:
    image = np.arange(2 * 4 * 6).reshape(2, 4, 6).astype(np.int16)
    rows = oracle.patchify(image, 2)
    assert rows.shape == (1 + 6, 8)
    assert not rows[0].any()
    # Patch 4 is the second of the second row of patches: y 2..3, x 2..3.
    assert rows[1 + 4].tolist() == [14, 15, 20, 21, 38, 39, 44, 45]


def test_patchify_pads_short_patches() -> None:
    image = np.arange(1, 5).reshape(1, 2, 2).astype(np.int16)
    assert oracle.patchify(image, 2)[1].tolist() == [1, 2, 3, 4, 0, 0, 0, 0]


def test_attention_composes_its_parts() -> None:
    rng = np.random.default_rng(1)
    tokens, heads, width = 6, 2, 8
    qkv = rng.integers(-3000, 3000, (tokens, 3 * heads * width)).astype(np.int16)
    result = oracle.attention(
        qkv,
        heads=heads,
        score_shift=14,
        exp_multiplier=1 << 23,
        exp_shift=14,
        prob_frac=15,
        out_shift=14,
    )
    for head in range(heads):
        columns = slice(head * width, (head + 1) * width)
        q, k, v = (qkv[:, i * heads * width :][:, columns].astype(int) for i in range(3))
        assert (result.scores[head] == np.rint(q @ k.T / 2**14)).all()
        context = np.rint(result.probs[head].astype(int) @ v / 2**14)
        assert (result.context[:, columns] == context).all()
    assert (result.head_sum == result.probs.astype(int).sum(axis=0)).all()
    mask = rng.random((tokens, tokens)) < 0.5
    masked = oracle.attention(
        qkv,
        heads=heads,
        score_shift=0,
        exp_multiplier=1 << 23,
        exp_shift=0,
        prob_frac=15,
        out_shift=14,
        mask=mask,
    )
    # One key takes all, so live ones have probability 0 too.
    assert (masked.head_sum[~mask] == -1).all()
    assert (masked.head_sum[mask] == masked.probs.astype(int).sum(axis=0)[mask]).all()
    assert (masked.head_sum[mask] == 0).any()
