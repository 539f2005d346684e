"""A port's mover against a model of DDR memory: data, order, fences, errors, cycles."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb
from rtl.bench.memory import DECERR, SLVERR, Timing, first_content
from rtl.bench.mover import MoverBench, move

STORED_AT = 1 << 30  # words; what is read elsewhere is never written
OWN = 1  # the port itself in `fence_ports`


def contents(address: int, words: int) -> list[int]:
    """Words of a region that is never written."""
    return [first_content(address + n) for n in range(words)]


def near_a_border(rng: random.Random) -> int:
    """An address within a few words of a 4 KB border, or anywhere."""
    if rng.random() < 0.5:
        return 256 * rng.randrange(1, 1 << 16) + rng.randrange(-6, 6)
    return rng.randrange(1 << 28)


def random_load(bench: MoverBench, count: int, longest: int) -> dict[str, list[int]]:
    """Send commands to all queues; return the words that each stream must bring.

    Rows are partly what an earlier store wrote, behind a fence on this port and on others.
    """
    rng = bench.rng
    expected: dict[str, list[int]] = {"weights": [], "rows": []}
    for number in range(1, count + 1):
        sizes = [rng.choice((rng.choice((0, 1, 15, 16)), rng.randrange(longest))) for _ in range(3)]
        address = near_a_border(rng)
        bench.commands["weights"].send([move(address, sizes[0])])
        expected["weights"] += contents(address, sizes[0])

        target = STORED_AT + 4096 * number + rng.randrange(200, 300)
        stored = [rng.getrandbits(128) for _ in range(sizes[1])]
        bench.commands["store"].send([move(target, sizes[1])])
        bench.store.send(stored)
        if rng.random() < 0.6:
            mask = OWN | rng.randrange(8) << 1
            bench.commands["rows"].send([move(target, sizes[1], number, mask)])
            expected["rows"] += stored
        else:
            address = near_a_border(rng)
            bench.commands["rows"].send([move(address, sizes[2])])
            expected["rows"] += contents(address, sizes[2])
    return expected


def by_columns(address: int, row_words: int, tiles: int, *, bias: bool = False) -> list[int]:
    """Addresses of a matrix by columns: 4 depth words of 8 outputs, tile after tile.

    With `bias` each tile's word of biases comes before its first depth words.
    """
    return [
        address + tile * (8 * row_words + 1) + place
        for first in range(0, row_words, 4)
        for tile in range(tiles)
        for place in (
            *([-1] if bias and not first else []),
            *range(8 * first, 8 * min(first + 4, row_words)),
        )
    ]


def by_planes(address: int, words: int, planes: int, stride: int) -> list[int]:
    """Addresses of planes: 32 words of each in turn."""
    return [
        address + plane * stride + word
        for first in range(0, words, 32)
        for plane in range(planes or 1)
        for word in range(first, min(first + 32, words))
    ]


@cocotb.test()
@cocotb.parametrize((("name", "pause"), [("mover", 0.0), ("mover", 0.4), ("least", 0.4)]))
async def matrices_by_columns(dut: Any, name: str, pause: float) -> None:
    """Read and written in pieces, between other commands; a write command is counted once."""
    rng = random.Random(18)
    bench = MoverBench(dut, name, rng, pause)
    if name == "least":
        bench.memory.timing = replace(Timing(), latency=9)
    await bench.reset()
    weights: list[int] = []
    rows: list[int] = []
    shapes = [(rng.randint(1, 13), rng.randint(1, 5)) for _ in range(8)]
    for number, (row_words, tiles) in enumerate(shapes, 1):
        address = near_a_border(rng)
        bench.commands["weights"].send([move(address, row_words, tiles=tiles)])
        weights += map(first_content, by_columns(address, row_words, tiles))
        if rng.random() < 0.5:
            bench.commands["weights"].send([move(address, 5)])
            weights += contents(address, 5)

        target = STORED_AT + 65536 * number + rng.randrange(256)
        bias = rng.random() < 0.5
        written = by_columns(target, row_words, tiles, bias=bias)
        stored = [rng.getrandbits(128) for _ in written]
        bench.commands["store"].send([move(target, row_words, tiles=tiles, bias=bias)])
        bench.store.send(stored)
        # All of it once more, behind the store: what no piece has written is as it was.
        words = 1 + tiles * (8 * row_words + 1)
        bench.commands["rows"].send([move(target - 1, words, number, OWN)])
        memory = dict(zip(written, stored, strict=True))
        rows += [memory.get(a, first_content(a)) for a in range(target - 1, target - 1 + words)]
    await bench.steps.until(
        lambda: (
            bench.finished == len(shapes)
            and len(bench.streams["weights"].words) >= len(weights)
            and len(bench.streams["rows"].words) >= len(rows)
        )
    )
    await bench.steps.run(100)
    assert bench.received("weights") == weights
    assert bench.received("rows") == rows
    assert bench.finished == len(shapes) and bench.store.empty and bench.memory.quiet


@cocotb.test()
@cocotb.parametrize((("name", "pause"), [("mover", 0.0), ("mover", 0.4), ("least", 0.4)]))
async def planes(dut: Any, name: str, pause: float) -> None:
    """Pieces of planes are read and written in turn, between rows; a command is counted once."""
    rng = random.Random(19)
    bench = MoverBench(dut, name, rng, pause)
    if name == "least":
        bench.memory.timing = replace(Timing(), latency=9)
    await bench.reset()
    rows: list[int] = []
    count = 10
    for number in range(1, count + 1):
        words, of_planes = rng.choice((1, 31, 32, 33, rng.randint(1, 150))), rng.randint(0, 7)
        stride = words + rng.randrange(20)
        address = near_a_border(rng)
        command: dict[str, Any] = {
            "planes": of_planes,
            "plane_stride": stride,
            "update": rng.random() < 0.5,
        }
        bench.commands["rows"].send([move(address, words, **command)])
        rows += map(first_content, by_planes(address, words, of_planes, stride))
        if rng.random() < 0.5:
            bench.commands["rows"].send([move(address, 5)])
            rows += contents(address, 5)

        target = STORED_AT + 65536 * number + rng.randrange(256)
        written = by_planes(target, words, of_planes, stride)
        stored = [rng.getrandbits(128) for _ in written]
        bench.commands["store"].send([move(target, words, **command)])
        bench.store.send(stored)
        bench.commands["rows"].send([move(target, max(written) + 1 - target, number, OWN)])
        memory = dict(zip(written, stored, strict=True))
        rows += [memory.get(a, first_content(a)) for a in range(target, max(written) + 1)]
    await bench.steps.until(
        lambda: bench.finished == count and len(bench.streams["rows"].words) >= len(rows), 60_000
    )
    await bench.steps.run(100)
    assert bench.received("rows") == rows
    assert bench.finished == count and bench.store.empty and bench.memory.quiet


def let_others_finish(bench: MoverBench, count: int) -> None:
    """Let the other ports finish `count` commands, one every 16 cycles at most."""
    done = [0, 0, 0]

    def step() -> None:
        if bench.steps.cycle % 16 == 0:
            port = bench.rng.randrange(3)
            done[port] = min(done[port] + 3, count)
            bench.pins.others.value = sum(value << 16 * p for p, value in enumerate(done))

    bench.steps.steps.append(step)


@cocotb.test()
@cocotb.parametrize(
    (("name", "pause"), [("mover", 0.0), ("mover", 0.4), ("least", 0.0), ("least", 0.6)])
)
async def random_commands(dut: Any, name: str, pause: float) -> None:
    """All queues at once, 4 KB borders, fences, stalls on every channel: each word arrives."""
    bench = MoverBench(dut, name, random.Random(11), pause)
    if name == "least":
        bench.memory.timing = replace(Timing(), latency=9)
    await bench.reset()
    count = 40 if name == "mover" else 20
    expected = random_load(bench, count, 80 if name == "mover" else 30)
    let_others_finish(bench, count)
    await bench.steps.until(
        lambda: (
            bench.finished == count
            and all(len(bench.streams[s].words) >= len(expected[s]) for s in expected)
        )
    )
    await bench.steps.run(100)
    for stream, words in expected.items():
        assert bench.received(stream) == words, stream
    assert bench.store.empty and bench.memory.quiet and int(bench.pins.idle.value)
    read, write = bench.statistics()
    assert read["word"] == sum(map(len, expected.values()))
    assert write["word"] == len(bench.store.words)
    elapsed = bench.steps.cycle - bench.cleared
    assert sum(read.values()) == sum(write.values()) == elapsed
    if name == "least":
        assert bench.memory.most_seen == 2
        assert read["open"] > 0 and read["fence"] > 0


@cocotb.test()
@cocotb.parametrize(name=["mover", "least"])
async def queues_apart(dut: Any, name: str) -> None:
    """A store without words, a stream that nobody takes, a fence: what is behind others moves."""
    bench = MoverBench(dut, name, random.Random(12))
    if name == "least":
        bench.memory.timing = replace(Timing(), latency=9)
    await bench.reset()
    bench.streams["weights"].pause = 1.0
    bench.commands["store"].send([move(STORED_AT, 20)])
    bench.commands["weights"].send([move(512, 400)])
    bench.commands["rows"].send([move(10_000, 60)])
    await bench.steps.until(lambda: len(bench.streams["rows"].words) == 60, 2000)
    assert bench.received("rows") == contents(10_000, 60)
    # Rows wait for the store, weights go on.
    bench.commands["rows"].send([move(STORED_AT, 20, 1, OWN)])
    bench.streams["weights"].pause = 0.0
    await bench.steps.until(lambda: len(bench.streams["weights"].words) == 400, 8000)
    assert bench.received("weights") == contents(512, 400)
    await bench.steps.run(100)
    assert len(bench.streams["rows"].words) == 60 and bench.finished == 0
    bench.store.send(list(range(20)))
    await bench.steps.until(lambda: len(bench.streams["rows"].words) == 80, 1000)
    assert bench.received("rows")[60:] == list(range(20))
    read, write = bench.statistics()
    assert read["room"] > 0 and read["fence"] > 0 and write["rows"] > 400


@cocotb.test()
async def oldest_command_goes_first(dut: Any) -> None:
    """Of two streams that are taken, the one whose command is older has the port.

    The memory answers soon, so that a stream's places are enough for all of the port.
    """
    bench = MoverBench(dut, "mover", random.Random(17))
    bench.memory.timing = Timing(latency=20, refresh=0)
    await bench.reset()
    weights, rows = (bench.streams[name].words for name in ("weights", "rows"))
    bench.commands["weights"].send([move(0, 640)])
    await bench.steps.run(4)
    bench.commands["rows"].send([move(4096, 640)])
    await bench.steps.run(4)
    bench.commands["weights"].send([move(8192, 640)])
    await bench.steps.until(lambda: len(weights) >= 600, 2000)
    assert len(rows) <= 64
    await bench.steps.until(lambda: len(rows) >= 600, 2000)
    assert len(weights) <= 640 + 64
    await bench.steps.until(lambda: len(weights) == 1280 and len(rows) == 640, 2000)


@cocotb.test()
async def fence_counts_wrap(dut: Any) -> None:
    """A fence on others' counts passes when the count is reached, beyond 65,535 too."""
    bench = MoverBench(dut, "mover", random.Random(13))
    await bench.reset()
    counts = [0xFFFE, 0x8000, 3]
    for ports, fence, before, after in (
        (0b0010, 0x10002, counts, [2, 0x8000, 3]),
        (0b0100, 0x8001, counts, [0xFFFE, 0x8001, 3]),
        (0b1110, 4, [4, 4, 3], [4, 4, 4]),
    ):
        arrived = len(bench.streams["rows"].words)
        bench.pins.others.value = sum(value << 16 * p for p, value in enumerate(before))
        await bench.steps.run()
        bench.commands["rows"].send([move(77, 3, fence, ports)])
        await bench.steps.run(120)
        assert len(bench.streams["rows"].words) == arrived
        bench.pins.others.value = sum(value << 16 * p for p, value in enumerate(after))
        await bench.steps.run(120)
        assert len(bench.streams["rows"].words) == arrived + 3


@cocotb.test()
async def errors(dut: Any) -> None:
    """The first bad response of each side stays; every word and response comes all the same."""
    bench = MoverBench(dut, "mover", random.Random(14), 0.2)
    codes = {512 + 32: SLVERR, 512 + 96: DECERR, STORED_AT + 16: DECERR, STORED_AT + 48: SLVERR}
    bench.memory.response = lambda address: codes.get(address, 0)
    await bench.reset()
    bench.commands["rows"].send([move(512, 32)])
    await bench.steps.until(lambda: len(bench.streams["rows"].words) == 32, 1000)
    assert int(bench.pins.read_error.value) == 0
    bench.commands["rows"].send([move(512 + 32, 96)])
    bench.commands["store"].send([move(STORED_AT, 64), move(STORED_AT + 64, 16)])
    bench.store.send(list(range(80)))
    await bench.steps.until(
        lambda: len(bench.streams["rows"].words) == 128 and bench.finished == 2, 2000
    )
    assert bench.received("rows") == contents(512, 128)
    assert (int(bench.pins.read_error.value), int(bench.pins.write_error.value)) == (SLVERR, DECERR)
    assert [bench.memory.read(STORED_AT + n) for n in (0, 32, 64)] == [0, 32, 64]
    await bench.reset()
    assert (int(bench.pins.read_error.value), int(bench.pins.write_error.value)) == (0, 0)


@cocotb.test()
@cocotb.parametrize((("name", "pause"), [("mover", 0.0), ("mover", 0.4), ("least", 0.3)]))
async def halt(dut: Any, name: str, pause: float) -> None:
    """Stopped in the middle, with streams that nobody takes: all that was asked for ends."""
    rng = random.Random(15)
    bench = MoverBench(dut, name, rng, pause)
    for _ in range(4):
        await bench.reset()
        random_load(bench, 20, 60)
        await bench.steps.run(rng.randrange(40, 300))
        for stream in bench.streams.values():
            stream.pause = 1.0
        await bench.steps.run(rng.randrange(60))
        bench.pins.halt.value = 1
        await bench.steps.run(2)
        senders = (*bench.commands.values(), bench.store)
        await bench.steps.until(
            lambda senders=senders: (  # type: ignore[misc]
                bool(int(bench.pins.idle.value)) and all(sender.empty for sender in senders)
            ),
            4000,
        )
        await bench.steps.run(2)
        assert bench.memory.quiet
    await bench.reset()
    bench.commands["rows"].send([move(4090, 40)])
    await bench.steps.until(lambda: len(bench.streams["rows"].words) == 40, 2000)
    assert bench.received("rows") == contents(4090, 40)


TILE = 193  # words of a port: 24 depth words of 8 outputs, and one of biases
TILES = 12


async def cycles_per_tile(
    dut: Any, timing: Timing, *, stores: bool, restart: bool = False
) -> float:
    """Cycles from one tile's last word to the next's, mean over all but the first."""
    bench = MoverBench(dut, "mover", random.Random(16))
    bench.memory.timing = timing
    await bench.reset()
    words = bench.streams["weights"].words
    if stores:
        bench.commands["store"].send([move(STORED_AT, TILES * TILE)])
        bench.store.send([5] * TILES * TILE)
    for tile in range(TILES):
        bench.commands["weights"].send([move(1000 + TILE * tile, TILE)])
        if restart:
            await bench.steps.until(lambda end=TILE * (tile + 1): len(words) == end)  # type: ignore[misc]
    await bench.steps.until(lambda: len(words) == TILES * TILE)
    assert bench.received("weights") == contents(1000, TILES * TILE)
    return (words[-1][1] - words[TILE - 1][1]) / (TILES - 1)


@cocotb.test()
async def tiles_back_to_back(dut: Any) -> None:
    """Cycles of a tile of 24 depth words; the array takes 216 for it at 69 tokens."""
    usual = Timing()
    steady = replace(usual, refresh=0)
    quarter = replace(usual, words_per_cycle=usual.words_per_cycle / 4)
    twice = replace(usual, latency=120)
    # Memory, stores beside it, each tile asked for when the last has come; from and to.
    cases = {
        "no refresh": (steady, False, False, 193.0, 193.1),
        "no refresh, restarted": (steady, False, True, 255.0, 265.0),
        "refresh": (usual, False, False, 193.0, 193.5),
        "stores": (usual, True, False, 193.0, 200.0),
        "quarter of the memory": (quarter, False, False, 193.0, 193.5),
        "quarter of the memory, stores": (quarter, True, False, 290.0, 360.0),
        "latency 120": (twice, False, False, 193.0, 220.0),
    }
    for name, (timing, stores, restart, least, most) in cases.items():
        cycles = await cycles_per_tile(dut, timing, stores=stores, restart=restart)
        dut._log.info("%s: %.1f cycles a tile", name, cycles)
        assert least <= cycles <= most, (name, cycles)
