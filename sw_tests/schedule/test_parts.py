"""Loop orders: which tiles stand alone, and that all of them are there."""

import pytest

from trivit.tools.schedule.operations import Thirds
from trivit.tools.schedule.parts import Part, keys_first, parts


@pytest.mark.parametrize("depth", [1, 8, 24, 96, 384])
@pytest.mark.parametrize("words", [1, 4, 9, 24, 125, 384])
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("loaded", [False, True])
def test_every_tile_is_computed_once(
    depth: int, words: int, normalised: bool, loaded: bool
) -> None:
    found = parts(depth, words, normalised=normalised, loaded=loaded)
    tiles = [part.first + tile for part in found for tile in range(part.tiles)]
    assert tiles == list(range(-(-words // 4)))
    assert [part.offset for part in found] == [4 * part.first for part in found]
    assert sum(part.out_words for part in found) == words
    assert all(part.tiles * depth <= 768 for part in found if part.rows_outer)


def test_projections_leave_time_for_normalisation() -> None:
    tiny = [
        Part(0, 2, 8, rows_outer=False, counts=False),
        Part(2, 4, 16, rows_outer=True, counts=True),
    ]
    assert parts(24, 24, normalised=True) == tiny
    base = [
        Part(0, 20, 80, rows_outer=False, counts=False),
        Part(20, 4, 16, rows_outer=True, counts=True),
    ]
    assert parts(96, 96, normalised=True) == base
    assert parts(24, 24, normalised=False) == [Part(0, 6, 24, rows_outer=False, counts=True)]


def test_keys_and_values_come_before_queries() -> None:
    assert keys_first(72) == [
        Part(6, 12, 48, rows_outer=False, counts=True),
        Part(0, 6, 24, rows_outer=False, counts=True),
    ]
    assert keys_first(18) is None  # thirds of one and a half tiles


def test_heads_in_the_middle_skip_the_others() -> None:
    """Words 8 to 15 of each third of 24: tiles 2 and 3, 8 and 9, 14 and 15 of 18."""
    found = keys_first(24, Thirds(8, 72))
    assert found is not None
    assert [(part.first, part.weights, part.tiles, part.out_words) for part in found] == [
        (2, 8, 2, 8),
        (4, 14, 2, 8),
        (0, 2, 2, 8),
    ]
    assert [part.counts for part in found] == [False, True, True]
    assert keys_first(18, Thirds(6, 72)) is keys_first(24, Thirds(6, 72)) is None


def test_the_last_tile_of_fc2_is_long_enough() -> None:
    whole = Part(0, 6, 24, rows_outer=False, counts=True)
    assert parts(96, 24, normalised=True) == [whole]


def test_the_patch_product_keeps_the_pace_of_its_loads() -> None:
    first, middle, last = parts(96, 48, normalised=True, loaded=96 + 48)
    assert (first.tiles, first.rows_outer) == (3, True)
    assert (middle.tiles, middle.rows_outer) == (7, False)
    assert (last.tiles, last.rows_outer) == (2, True)
