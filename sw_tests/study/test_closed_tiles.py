"""Closed tiles of attention masks: counts by hand, orders, bounds, and what they could save."""

from pathlib import Path

import numpy as np
import pytest

from trivit.models.families import model_config
from trivit.models.training import train
from trivit.tools.errors import ToolsError
from trivit.tools.study import attention_connections
from trivit.tools.study.accuracy.runs import chosen_methods, plan
from trivit.tools.study.closed_tiles import (
    ORDERS,
    TILES,
    closed_share,
    fewest_tiles,
    open_tiles,
    saved_percent,
    saved_table,
)

from .conftest import TINY


def selected_mask(tokens: int, keys: int, seed: int = 0) -> np.ndarray:
    """A mask as a selector writes it: ``keys`` of each row, [CLS] open to all and by all."""
    order = np.random.default_rng(seed).random((tokens, tokens)).argsort(axis=1)
    mask = order < keys
    mask[0] = mask[:, 0] = True
    return mask


def test_open_tiles_by_hand() -> None:
    mask = np.zeros((33, 33), dtype=bool)
    mask[0, 0] = mask[17, 20] = mask[32, 31] = True
    assert open_tiles(mask, 16, 16) == 3
    assert open_tiles(mask, 32, 32) == 2
    assert open_tiles(mask, 16, 64) == 3
    assert open_tiles(mask, 64, 64) == 1
    assert open_tiles(np.zeros((20, 20), dtype=bool), 16, 16) == 0


@pytest.mark.parametrize(("tokens", "keys"), [(139, 28), (98, 11), (69, 9)])
def test_orders_move_tokens_and_none_goes_below_the_bound(tokens: int, keys: int) -> None:
    mask = selected_mask(tokens, keys)
    for order in ORDERS.values():
        queries, columns = order(mask)
        assert sorted(queries) == sorted(columns) == list(range(tokens))
        moved = mask[np.ix_(queries, columns)]
        assert moved.sum() == mask.sum()
        for tile in TILES:
            assert open_tiles(moved, *tile) >= fewest_tiles(mask, *tile)


def test_the_bound_is_reached_where_all_queries_keep_the_same_keys() -> None:
    """Scattered keys, the same for all: sorting by count puts them side by side."""
    mask = np.zeros((97, 97), dtype=bool)
    mask[:, ::7] = True  # 14 keys, [CLS] among them
    mask[0] = True
    for row in closed_share([mask]):
        assert row["sorted by count"] == row["keys by count, queries by place"] == row["bound"]
    first = closed_share([mask])[0]
    # 7 x 7 tiles: those of [CLS]'s queries are all open, of the others one in seven.
    assert first["tile"] == "16x16" and first["tiles"] == 49
    assert first["bound"] == pytest.approx(100 * (1 - (7 + 6) / 49), abs=0.05)
    # Only the last tile of keys, one key of [CLS] alone, is closed to all but its queries.
    assert first["in order"] == pytest.approx(100 * 6 / 49, abs=0.05)


def test_greedy_grouping_finds_two_kinds_of_queries() -> None:
    mask = np.zeros((65, 65), dtype=bool)
    mask[1::2, 1:17] = True
    mask[2::2, 33:49] = True
    mask[0] = mask[:, 0] = True
    row = closed_share([mask])[0]
    assert row["in order"] < row["grouped, greedy"] <= row["bound"]


def test_what_skipping_saves_is_a_share_of_the_masked_attention() -> None:
    config = model_config("deit_small", token_keep_ratio=0.7, attention_keep_ratio=0.2)
    everything = [100.0, 100.0, 100.0]
    # Attention with 197 tokens in blocks 0 to 3, then 139, 98 and 69 in the blocks behind.
    attention = [13.4 / 12 * (t / 197) ** 2 for t in (*[197] * 4, *[139] * 3, *[98] * 3, 69, 69)]
    rest = [86.6 / 12 * t / 197 for t in (*[197] * 3, *[139] * 3, *[98] * 3, *[69] * 3)]
    expected = 100 * sum(attention[4:]) / (sum(attention) + sum(rest))
    assert saved_percent(config, everything, 13.4) == pytest.approx(expected)
    assert 0 < expected < 5
    first = 100 * sum(attention[4:7]) / (sum(attention) + sum(rest))
    assert saved_percent(config, [100.0, 0.0, 0.0], 13.4) == pytest.approx(first)
    rows = [
        {"tile": tile, "tokens": tokens, **dict.fromkeys((*ORDERS, "bound"), share)}
        for tokens in (139, 98, 69)
        for tile, share in (("16x16", 100.0), ("64x64", 0.0))
    ]
    table = saved_table(config, rows, 13.4)
    assert [row["tile"] for row in table] == ["16x16", "64x64"]
    assert table[0]["bound"] == round(expected, 2) and table[1]["in order"] == 0


def test_masks_of_a_trained_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """49 patches, 30 % of them dropped at the selector, 20 % of 35 keys and [CLS] open."""
    (closing, whole) = (
        plan(TINY, chosen_methods([name]), tmp_path, seeds=1)[0]
        for name in ("tri_level_0.7", "dense")
    )
    train(closing.config, closing.folder)
    found = attention_connections.study_run(closing.folder, images=3)
    rows = found["tiles"]["selectors"]["closed"]
    assert found["images"] == 3
    assert [(row["tokens"], row["tile"]) for row in rows] == [
        (36, f"{queries}x{keys}") for queries, keys in TILES
    ]
    assert all(0 <= row[name] <= row["bound"] for row in rows for name in ORDERS)
    attention_connections.print_tiles(found)
    assert "tiles without an open connection" in capsys.readouterr().out
    train(whole.config, whole.folder)
    with pytest.raises(ToolsError, match="closes no connections"):
        attention_connections.study_run(whole.folder, images=3)
