"""Commands survive encoding at the extremes of every field; wrong ones are named."""

import numpy as np
import pytest

from trivit.host.commands import REPORTING, decode, encode, from_words, to_words
from trivit.host.errors import HostError
from trivit.host.generated.commands import COMMANDS


@pytest.mark.parametrize("unit", COMMANDS)
def test_round_trip_of_each_field_alone_and_of_all(unit: str) -> None:
    extremes = {name: (1 << width) - 1 for name, (_, width) in COMMANDS[unit].fields.items()}
    for fields in [{name: value} for name, value in extremes.items()] + [extremes]:
        command = encode(unit, tag=2047, end=True, **fields)
        assert command < 1 << 256
        decoded = decode(command)
        assert (decoded.unit, decoded.tag, decoded.end) == (unit, 2047, True)
        assert decoded.fields == dict.fromkeys(extremes, 0) | fields


def test_words_are_lowest_first() -> None:
    commands = [encode("engine", tag=5, out_shift=31), encode("store", rows=7)]
    words = to_words(commands)
    assert words.shape == (2, 4) and words.dtype == np.uint64
    assert words[0, 0] == (5 << 1) | (1 << 12)
    assert from_words(words) == commands


def test_placements_and_readers_do_not_report() -> None:
    assert decode(encode("engine")).reports and not decode(encode("engine", place=1)).reports
    assert not decode(encode("row_reader")).reports
    assert set(REPORTING) < set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("furnace", {}), "unknown unit 'furnace': use one of sequencer, engine"),
        (("store", {"gelu": 1}), "store has no field 'gelu': use one of rows, words"),
        (("store", {"rows": 1024}), r"store.rows = 1024 does not fit 10 bits: use 0..1023"),
        (("store", {"rows": -1}), "store.rows = -1 does not fit"),
        (("store", {"tag": 2048}), "store.tag = 2048 does not fit 11 bits"),
    ],
)
def test_wrong_commands_are_named(arguments: tuple[str, dict[str, int]], message: str) -> None:
    unit, fields = arguments
    with pytest.raises(HostError, match=message):
        encode(unit, **fields)


def test_numbers_of_no_unit_are_refused() -> None:
    numbers = range(len(COMMANDS))
    assert {decode(number << 12).unit for number in numbers} == COMMANDS.keys()
    for number in range(len(COMMANDS), 32):
        with pytest.raises(HostError, match=f"has the unit {number}: this kernel has 0 to 22"):
            decode(number << 12)


def test_sums_and_updates_report_more_than_once() -> None:
    assert decode(encode("engine", stream=4, sums=1)).reports == 2
    assert decode(encode("update", words=5)).reports == 3
    assert decode(encode("update", words=5, line=193)).reports == 6
    assert decode(encode("update", end=True)).reports == 0
    assert decode(encode("normalise_backward")).reports == 2


def test_foreign_bits_are_refused() -> None:
    with pytest.raises(HostError, match="a command of store has bits in no field"):
        decode(encode("store") | 1 << 255)
