"""The study of attention connections: groups, unions and their cycles on small masks."""

import numpy as np

from trivit.tools.images import resize
from trivit.tools.study.attention_connections import local_masks, shared_masks
from trivit.tools.study.mappings import (
    MAPPINGS,
    head_cycles,
    in_order,
    one_query_cycles,
    regrouped,
    step_cycles,
)


def random_mask(tokens: int, keys: int, seed: int = 0) -> np.ndarray:
    order = np.random.default_rng(seed).random((tokens, tokens)).argsort(axis=1)
    mask = order < keys
    mask[0] = mask[:, 0] = True
    return mask


def test_groups_hold_every_query_once() -> None:
    for tokens in (8, 9, 16, 69, 139):
        for grouping in (in_order, regrouped):
            groups = grouping(random_mask(tokens, 5))
            assert sorted(np.concatenate(groups).tolist()) == list(range(tokens))
            assert all(len(group) <= 8 for group in groups)
            assert len(groups) == -(-tokens // 8)


def test_regrouping_finds_hidden_groups() -> None:
    # Two kinds of queries, interleaved, with disjoint keys.
    mask = np.zeros((33, 33), bool)
    mask[1::2, 1:5] = True
    mask[2::2, 20:24] = True
    mask[0] = mask[:, 0] = True
    whole = [g for g in regrouped(mask) if 0 not in g and len(g) == 8]
    assert len(whole) == 4
    assert [int(mask[g].any(axis=0).sum()) for g in whole] == [5, 5, 5, 5]


def test_mappings_never_beat_the_union_nor_lose_to_all_keys() -> None:
    mask = random_mask(139, 28)
    for members in in_order(mask):
        keys = np.flatnonzero(mask[members].any(axis=0))
        counts = {name: mapping(keys, 139) for name, mapping in MAPPINGS.items()}
        for i in (0, 1):
            assert counts["compacted"][i] <= counts["lanes"][i] <= counts["all keys"][i]
            assert counts["compacted"][i] <= counts["aligned"][i] <= counts["all keys"][i]


def test_a_step_of_deit_takes_what_the_cycle_model_says() -> None:
    assert step_cycles(7, 25, 8) == 7 * 8 + 2 * 25  # 197 tokens: docs/cycles.md, attention
    full = np.ones((197, 197), bool)
    assert head_cycles(full, in_order(full), "all keys", 8) == (25 * 106, 25 * 106)
    assert one_query_cycles(full, 8) == 197 * 106


def test_made_up_masks_keep_their_count() -> None:
    positions = np.arange(36)[None]
    local = local_masks(positions, 6, 5)
    assert local.shape == (1, 37, 37)
    assert (local[0, 1:, 1:].sum(axis=1) == 5).all() and local[0, 0].all() and local[0, :, 0].all()
    assert local[0, 1 + 14, [1 + 14, 1 + 13, 1 + 15, 1 + 8, 1 + 20]].all()
    shared = shared_masks(local)
    assert (shared[0, 1:].sum(axis=1) == 6).all() and shared[0, 0].all()


def test_resize_keeps_constants_and_ends() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4) * 10
    large = resize(image, 8)
    assert large.shape == (1, 1, 8, 8)
    assert large[0, 0, 0, 0] == 0 and large[0, 0, -1, -1] == 150
    assert (resize(np.full((1, 3, 28, 28), 7, np.uint8), 224) == 7).all()
