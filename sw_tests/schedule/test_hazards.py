"""Reads, writes, counts and the ring, each rule alone."""

import numpy as np
import pytest

from trivit.host.oracle.commands.banks import Banks, Rows
from trivit.host.oracle.commands.clocks import OrderError, Thread
from trivit.host.oracle.commands.ring import Ring
from trivit.host.oracle.commands.scoreboard import LARGEST, Scoreboard

ROWS = Rows(address=10, rows=8, words=2, slot=3, group=0)
VALUES = np.arange(128, dtype=np.int16).reshape(8, 16)


@pytest.fixture
def scoreboard() -> Scoreboard:
    return Scoreboard()


@pytest.fixture
def banks(scoreboard: Scoreboard) -> Banks:
    return Banks(scoreboard)


def test_a_read_needs_to_know_of_the_write(banks: Banks) -> None:
    writer, reader = Thread("write_back"), Thread("engine")
    banks.write(ROWS, VALUES, writer)
    with pytest.raises(OrderError, match="that write_back may not have written yet"):
        banks.read(ROWS, reader)
    reader.learn(writer.tell())
    assert (banks.read(ROWS, reader) == VALUES).all()
    writer.learn(reader.tell())
    banks.write(ROWS, VALUES, writer)  # behind what was told
    with pytest.raises(OrderError, match="may not have written yet"):
        banks.read(Rows(11, 1, 1), reader)


def test_a_write_needs_to_know_of_reads_and_writes(banks: Banks) -> None:
    writer, reader = Thread("write_back"), Thread("row_reader")
    banks.write(ROWS, VALUES, writer)
    reader.learn(writer.tell())
    banks.read(ROWS, reader)
    with pytest.raises(OrderError, match="that row_reader may not have read yet"):
        banks.write(Rows(11, 1, 1), VALUES[:1, :8], writer)
    banks.write(Rows(12, 8, 2), VALUES, writer)  # beside them
    other = Thread("load")
    with pytest.raises(OrderError, match="that write_back may write afterwards"):
        banks.write(ROWS, VALUES, other)
    other.learn(writer.tell())
    other.learn(reader.tell())
    banks.write(ROWS, VALUES, other)


def test_rows_belong_to_the_row_group_that_was_counted(
    banks: Banks, scoreboard: Scoreboard
) -> None:
    by = Thread("engine")
    banks.write(Rows(10, 8, 2, slot=3, group=4), VALUES, by)
    banks.read(Rows(10, 8, 2, slot=3, group=5), by)  # heads count on
    with pytest.raises(OrderError, match=r"row group 2 of slot 3 .* row group 4 of slot 3"):
        banks.read(Rows(10, 8, 2, slot=3, group=2), by)
    scoreboard.clear(3, by)
    # A reader may wait by the count of a later tensor: its clock says whether that is enough.
    banks.read(Rows(10, 8, 2, slot=3, group=2), by)


def test_rows_that_do_not_exist_are_nobodys(banks: Banks) -> None:
    by = Thread("load")
    banks.write(Rows(0, 3, 1), VALUES[:3, :8], by, 5)
    banks.write(Rows(0, 5, 1), VALUES[:5, :8], Thread("store"))
    with pytest.raises(OrderError, match="that nobody wrote"):
        banks.read(Rows(1, 1, 1), by)
    with pytest.raises(OrderError, match="2 words at 15359 are not in the banks"):
        banks.read(Rows(15359, 1, 2), by)


def test_a_count_is_looked_at_after_it_was_emptied(scoreboard: Scoreboard) -> None:
    engine, writer, reader = Thread("engine"), Thread("norm_writer"), Thread("row_reader")
    scoreboard.clear(2, engine)
    begun = engine.tell()
    for thread in (writer, reader):
        with pytest.raises(OrderError, match="slot 2 may still have the count of an older"):
            scoreboard.sees(2, 0, thread)
        thread.learn(begun)
    assert not scoreboard.sees(2, 0, reader)
    scoreboard.complete(2, writer)
    assert scoreboard.sees(2, 0, reader) and not scoreboard.sees(2, 1, reader)
    with pytest.raises(OrderError, match="emptied while its last row groups may be on their way"):
        scoreboard.clear(2, engine)
    engine.learn(writer.tell())
    with pytest.raises(OrderError, match="emptied while row_reader may look at it"):
        scoreboard.clear(2, engine)
    engine.learn(reader.tell())
    scoreboard.clear(2, engine)


def test_counts_end_at_what_a_field_holds(scoreboard: Scoreboard) -> None:
    by = Thread("engine")
    for _ in range(LARGEST):
        scoreboard.complete(1, by)
    assert scoreboard.sees(1, LARGEST - 1, by)
    with pytest.raises(OrderError, match="slot 1 counts more than 2047 row groups"):
        scoreboard.complete(1, by)
    assert scoreboard.sees(0, LARGEST, by)


def product(out_words: int, depth_words: int, offset: int = 0, **flags: int) -> dict[str, int]:
    flags = {"keep": 0, "rows_outer": 0, "has_bias": 0, **flags}
    return {"out_words": out_words, "depth_words": depth_words, "ring_offset": offset, **flags}


def test_the_ring_is_a_queue() -> None:
    by, ring = Thread("engine"), Ring()
    keys, values = ring.append(product(5, 3)), ring.append(product(3, 5))
    assert ring.outstanding == 2 * 3 + 5
    assert ring.accept(product(5, 3, keep=1), by) is keys
    assert ring.accept(product(3, 5, 6, keep=1), by) is values
    with pytest.raises(OrderError, match="releases depth words at 6 of the ring before older"):
        ring.accept(product(3, 5, 6), by)
    with pytest.raises(OrderError, match="finds no matrix of 1 x 5 at 5"):
        ring.accept(product(3, 5, 5, keep=1), by)
    with pytest.raises(OrderError, match="reads 5 depth words at 7 of the ring, which holds 11"):
        ring.accept(product(3, 5, 7, keep=1), by)
    assert ring.accept(product(5, 3), by) is keys
    assert ring.accept(product(3, 5), by) is values
    assert ring.outstanding == 0


@pytest.mark.parametrize("flag", ["keep", "rows_outer"])
def test_what_is_kept_whole_fits_the_ring(flag: str) -> None:
    by, ring = Thread("engine"), Ring()
    ring.append(product(12, 384))
    with pytest.raises(OrderError, match="needs 1152 depth words at once, the ring has 1024"):
        ring.accept(product(12, 384, **{flag: 1}), by)
    ring.accept(product(12, 384), by)


def test_biases_are_of_one_matrix() -> None:
    by, ring = Thread("engine"), Ring()
    ring.append(product(260, 1, has_bias=1))
    with pytest.raises(OrderError, match="needs biases of 65 tiles at once, the ring has 64"):
        ring.accept(product(260, 1, rows_outer=1, has_bias=1), by)
    behind = ring.append(product(5, 3, has_bias=1))
    with pytest.raises(OrderError, match="takes biases of 2 tiles, the ring holds those of 67"):
        ring.accept(product(5, 3, has_bias=1, keep=1, ring_offset=65), by)
    ring.accept(product(260, 1, has_bias=1), by)
    with pytest.raises(OrderError, match="takes biases of 3 tiles, the ring holds those of 2"):
        ring.accept(product(9, 2, has_bias=1), by)
    assert ring.accept(product(5, 3, has_bias=1), by) is behind
