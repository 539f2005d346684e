"""Placing activation tensors and packing parameters."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trivit.tools.allocation import Interval, allocate, bank_words
from trivit.tools.compiler.params import ParameterImage, pack_rows, pack_weight
from trivit.tools.errors import ToolsError

DEPTH = 1000


@st.composite
def intervals(draw: st.DrawFn) -> list[Interval]:
    count = draw(st.integers(1, 20))
    found = []
    for index in range(count):
        first = draw(st.integers(0, 30))
        last = first + draw(st.integers(0, 10))
        found.append(Interval(f"t{index}", draw(st.integers(1, 300)), first, last))
    return found


@settings(deadline=None)
@given(intervals())
def test_tensors_alive_together_never_overlap(found: list[Interval]) -> None:
    try:
        addresses = allocate(found, DEPTH)
    except ToolsError as error:
        peak = max(sum(i.size for i in found if i.first <= step <= i.last) for step in range(41))
        # First fit may waste room between tensors, but never half of the memory at these sizes.
        assert peak > DEPTH // 2
        assert "\n" not in str(error)
        return
    for a, b in itertools.combinations(found, 2):
        if a.meets(b):
            start, other = addresses[a.name], addresses[b.name]
            assert start + a.size <= other or other + b.size <= start
    assert all(0 <= addresses[i.name] <= DEPTH - i.size for i in found)


def test_memory_is_reused_after_the_last_read() -> None:
    chain = [Interval(f"t{step}", 400, step, step + 1) for step in range(50)]
    addresses = allocate(chain, DEPTH)
    assert max(addresses.values()) == 400


def test_what_finds_no_place_is_placed_first() -> None:
    """Neither by size nor by time: t0 must not lie in the middle."""
    found = [
        Interval("t0", 2, 0, 3),
        Interval("t1", 2, 3, 5),
        Interval("t2", 5, 5, 8),
        Interval("t3", 5, 1, 1),
    ]
    assert sorted(allocate(found, 7).values()) == [0, 0, 2, 5]


def test_refusal_names_the_tensors_of_the_fullest_step() -> None:
    found = [Interval("x", 500, 0, 2), Interval("hidden", 600, 1, 1), Interval("small", 5, 4, 4)]
    with pytest.raises(ToolsError, match=r"hidden 600 \+ x 500 words per bank .* 1000 are there"):
        allocate(found, DEPTH)


def test_bank_words() -> None:
    # 50 tokens make 7 groups of 8 rows; 64 elements make 8 words.
    assert bank_words(50, 8) == 56


SIZES = st.tuples(st.integers(1, 70), st.integers(1, 40))
INT16 = st.integers(-32767, 32767)


@settings(deadline=None, max_examples=50)
@given(SIZES.flatmap(lambda shape: hnp.arrays(np.int64, shape, elements=INT16)))
def test_weight_segments(weight: np.ndarray) -> None:
    outputs, depth = weight.shape
    bias = np.arange(1, outputs + 1)
    packed = pack_weight(weight, bias)
    tiles, words = -(-outputs // 32), -(-depth // 8)
    assert packed.shape == (tiles * (words * 32 + 4) * 8,)
    cells = packed.reshape(4, tiles, 1 + 8 * words, 8)
    for n in range(tiles * 32):
        port, tile = n % 32 // 8, n // 32
        assert cells[port, tile, 0, n % 8] == (bias[n] if n < outputs else 0)
        for k in range(words * 8):
            expected = weight[n, k] if n < outputs and k < depth else 0
            assert cells[port, tile, 1 + k // 8 * 8 + n % 8, k % 8] == expected


def test_rows_are_padded_with_zeros() -> None:
    packed = pack_rows(np.arange(1, 11).reshape(2, 5))
    assert packed.tolist() == [1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0]
    assert pack_rows(np.array([7])).tolist() == [7] + [0] * 7


def test_equal_parameters_are_stored_once() -> None:
    image = ParameterImage()
    first = image.add("a", pack_rows(np.arange(16)), (16,))
    other = image.add("b", pack_rows(np.arange(8)), (8,))
    again = image.add("c", pack_rows(np.arange(16)), (16,))
    assert (first, other, again) == (0, 2, 0)
    assert image.array().tolist() == [*range(16), *range(8)]
    assert [(r.name, r.offset, r.words) for r in image.regions] == [
        ("a", 0, 2),
        ("b", 2, 1),
        ("c", 0, 2),
    ]
