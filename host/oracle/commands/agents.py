"""The units between streams and banks: writers, readers, loads and stores."""

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle.checks import column_tiles
from trivit.host.oracle.commands.banks import Rows
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import (
    BLOCKS,
    PAIR,
    Unit,
    from_pairs,
    from_tile_order,
    group_rows,
    to_pairs,
)
from trivit.host.tiles import ceil_div, depth_words, row_groups


def row_writer(unit: Unit) -> Work:
    """Write rows of tiles, all of them or those that the last list names."""
    listed: Int16 = np.zeros(0, dtype=np.int16)
    while True:
        f = yield from unit.next()
        if f["list"]:
            words = yield from unit.take("lists", depth_words(f["rows"]))
            listed = words.reshape(-1)[: f["rows"]]
            _write(unit, f, words.reshape(1, -1), 0)
            unit.report()
            continue
        tiles, rows = column_tiles(f["words"]), f["rows"]
        block = yield from unit.take(_source(f), tiles * rows)
        y = block.reshape(tiles, rows, TILE_OUTPUTS).transpose(1, 0, 2)
        if f["rows_outer"]:
            groups = np.split(block, np.arange(1, row_groups(rows)) * TILE_TOKENS * tiles)
            parts = [g.reshape(tiles, -1, TILE_OUTPUTS).transpose(1, 0, 2) for g in groups]
            y = np.concatenate(parts)
        values = y.reshape(rows, -1)[:, : f["words"] * TILE_DEPTH]
        if f["compact"]:
            if len(listed) != f["kept"] or listed.max() >= rows:
                raise unit.thread.error(
                    f"keeps {f['kept']} of {rows} rows by a list of {len(listed)}"
                )
            values = values[listed]
        _write(unit, f, values, f["first_row"])
        unit.report()


def _source(f: dict[str, int]) -> str:
    """Return the stream that a row writer's rows come from."""
    if f["backward"]:
        return f"{BLOCKS[f['backward'] - 1]}_results"
    return "direct" if f["direct"] else "gelu"


def _write(unit: Unit, f: dict[str, int], values: Int16, first_row: int) -> None:
    """Write rows from ``first_row`` of a tensor on and count its row groups."""
    first, last = first_row // TILE_TOKENS, (first_row + len(values) - 1) // TILE_TOKENS
    done = 0
    for group in range(first, last + 1):
        bank = (first_row + done) % TILE_TOKENS
        part = values[done : done + TILE_TOKENS - bank]
        rows = Rows(
            f["target"] + group * f["target_stride"],
            len(part),
            values.shape[1] // TILE_DEPTH,
            f["slot"],
            unit.shared.scoreboard.slots[f["slot"]].count,
        )
        unit.shared.banks.write(rows, part, unit.thread, bank)
        unit.shared.scoreboard.complete(f["slot"], unit.thread)
        done += len(part)


def softmax_writer(unit: Unit) -> Work:
    """Write probabilities, row group after row group of all heads."""
    while True:
        f = yield from unit.next()
        groups, words = row_groups(f["rows"]), f["words"]
        for step in range(f["heads"] * groups):
            rows = group_rows(f["rows"], step % groups, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            block = yield from unit.take("probabilities", words * pairs)
            values = from_pairs(from_tile_order(block, words, pairs), rows)
            place = step % f["wrap"] if f["wrap"] else step
            where = Rows(f["target"] + place * f["target_stride"], rows, words, f["slot"], step)
            unit.shared.banks.write(where, values, unit.thread)
            unit.shared.scoreboard.complete(f["slot"], unit.thread)
        unit.report()


def norm_writer(unit: Unit) -> Work:
    """Write normalised rows."""
    while True:
        f = yield from unit.next()
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            source = "gradients" if f["backward"] else "normalised"
            block = yield from unit.take(source, f["words"] * pairs)
            values = from_pairs(block.reshape(f["words"], pairs, PAIR), rows)
            address = f["target"] + group * f["target_stride"]
            where = Rows(address, rows, f["words"], f["slot"], group)
            unit.shared.banks.write(where, values, unit.thread)
            unit.shared.scoreboard.complete(f["slot"], unit.thread)
        unit.report()


def row_reader(unit: Unit) -> Work:
    """Send rows to be normalised as they become complete.

    For backward a word of dY, of x and of the addend in turn; x and addend are complete.
    """
    while True:
        f = yield from unit.next()
        yield from unit.shared.readers.take(unit.thread)
        for group in range(row_groups(f["rows"])):
            yield from unit.see(f["slot"], f["first"] + group)
            words = [to_pairs(_read(unit, f, group))]
            if f["tensors"] < 2:
                unit.send("rows", words[0])
                continue
            for source in ("second", "third")[: f["tensors"] - 1]:
                complete = {**f, "source": f[source], "slot": 0}
                words.append(to_pairs(_read(unit, complete, group)))
            unit.send("gradient_rows", np.stack(words, axis=2))


def store(unit: Unit) -> Work:
    """Send rows to DDR as they become complete."""
    while True:
        f = yield from unit.next()
        yield from unit.shared.stores.take(unit.thread)
        for group in range(row_groups(f["rows"])):
            yield from unit.see(f["slot"], f["first"] + group)
            _store(unit, f, group)
        unit.report()


def _store(unit: Unit, f: dict[str, int], group: int) -> None:
    """Send a row group to port 0, or each row to its port: equally many to each.

    Rows that do not exist are whatever lies there.
    """
    rows = _read(unit, f, group)
    if not f["spread"]:
        unit.send("stored0", rows)
        return
    address = f["source"] + group * f["source_stride"]
    missing = -len(rows) % PARAM_PORTS
    beyond = unit.shared.banks.peek(address, f["words"], unit.thread)[len(rows) :][:missing]
    padded = np.concatenate([rows, beyond])
    told = unit.thread.tell()
    for port in range(PARAM_PORTS):
        unit.send(f"stored{port}", padded[port::PARAM_PORTS], told)


def _read(unit: Unit, f: dict[str, int], group: int) -> Int16:
    address = f["source"] + group * f["source_stride"]
    rows = group_rows(f["rows"], group, TILE_TOKENS)
    where = Rows(address, rows, f["words"], f["slot"], f["first"] + group)
    return unit.shared.banks.read(where, unit.thread)


def load(unit: Unit) -> Work:
    """Write rows from the four ports, or bring vectors to normalisation."""
    while True:
        f = yield from unit.next()
        words = f["words"]
        if f["vectors"]:
            block = yield from unit.take("rows0", 2 * words)
            stream = "gradient_vectors" if f["backward"] else "vectors"
            unit.send(stream, block)
            taker = "normalise_backward" if f["backward"] else "normalise"
            while unit.shared.streams[stream].waiting:  # which hold a few words alone
                yield f"{taker} to take vectors"
            unit.report()
            continue
        if f["announced"]:
            yield from unit.shared.loads.take(unit.thread)
        share = ceil_div(f["rows"], PARAM_PORTS)
        parts = []
        for port in range(PARAM_PORTS):
            block = yield from unit.take(f"rows{port}", share * words)
            parts.append(block.reshape(share, -1))
        values = np.stack(parts, axis=1).reshape(share * PARAM_PORTS, -1)[: f["rows"]]
        counted = f if f["complete"] else {**f, "slot": 0}
        _write(unit, counted, values, f["first_row"])
        unit.report()
