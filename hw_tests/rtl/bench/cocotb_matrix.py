"""Results as matrices for DDR, and the order of words that a port writes."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer
from rtl.bench.mover import move
from rtl.bench.numbers import DEPTH, PORTS, TOKENS, draw
from rtl.bench.signals import Pins, Sender, Steps, to_bits

WORD = (1 << 16 * DEPTH) - 1


def place_bits(*, port: int, row: int, words: int, ends: bool, sums: bool) -> int:
    """A row's place: `row_place_t` of hls/rtl/engine_types.sv."""
    return int(sums) << 11 | int(ends) << 10 | port << 7 | row << 4 | words


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def matrix_writer(dut: Any, pause: float) -> None:
    """Matrices of all sizes, tile after tile of their columns: each port gets its pieces.

    Sums come before those of the first tile, if the matrix has some, whenever they are ready.
    """
    pins = Pins(dut, "matrix_")
    rng, numbers = random.Random(6), np.random.default_rng(6)
    steps = Steps(pins.clk)

    received: list[list[int]] = [[] for _ in range(PORTS)]
    wanted: list[list[int]] = [[] for _ in range(PORTS)]
    sent: list[int] = []
    sums: list[int] = []
    for _ in range(20):
        summed = rng.random() < 0.5
        rows, columns = rng.randint(1, 5 * TOKENS), rng.randint(1, 5)  # words of a row
        matrix = draw(numbers, rows, columns, DEPTH)
        for tile in range(0, columns, PORTS):
            words = min(PORTS, columns - tile)
            for group in range(0, rows, TOKENS):
                port = group // TOKENS % PORTS
                count = min(TOKENS, rows - group)
                with_sums = summed and tile == 0
                if with_sums:
                    sums.append(rng.getrandbits(16 * DEPTH))
                    wanted[port].append(sums[-1])
                for row in range(count):
                    # Beyond the matrix a row brings words that must not be written.
                    values = draw(numbers, PORTS, DEPTH)
                    values[:words] = matrix[group + row, tile : tile + words]
                    ends = row + 1 == count
                    place = place_bits(port=port, row=row, words=words, ends=ends, sums=with_sums)
                    sent.append(to_bits(values.reshape(-1)) << 16 | place)
                for word in range(tile, tile + words):
                    wanted[port] += [to_bits(matrix[group + r, word]) for r in range(count)]
                    wanted[port] += [0] * (TOKENS - count)

    pins.reset.value = 1
    pins.word_ready.value = pins.row_valid.value = pins.sums_valid.value = 0
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    total, offered = sum(map(len, wanted)), False
    while sent or sum(map(len, received)) < total:
        await steps.run()
        assert steps.cycle < 20_000, f"{len(sent)} rows are left"
        offered = bool(sent) and (offered or rng.random() >= pause)
        pins.row_valid.value = int(offered)
        if offered:
            pins.row.value, pins.row_place.value = sent[0] >> 16, sent[0] & 0xFFFF
        ready = sum((rng.random() >= pause) << port for port in range(PORTS))
        pins.word_ready.value = ready
        pins.sums_valid.value = int(bool(sums) and rng.random() >= pause)
        pins.sums.value = sums[0] if sums else 0
        await Timer(500, "ps")  # whether there is room follows from the row's port
        if offered and int(pins.row_ready.value):
            sent.pop(0)
            offered = False
        if int(pins.sums_ready.value):
            sums.pop(0)
        valid, data = int(pins.word_valid.value), int(pins.word.value)
        for port in range(PORTS):
            if valid & ready & 1 << port:
                received[port].append(data >> 16 * DEPTH * port & WORD)
    assert received == wanted


@cocotb.test()
async def word_order(dut: Any) -> None:
    """Each move has as many words as it asks for, of its kind, and none before it is there."""
    pins, rng = Pins(dut, "order_"), random.Random(7)
    steps = Steps(pins.clk)
    wanted: list[str] = []
    got: list[str] = []
    moves: list[tuple[int, str, int]] = []  # command, kind of its words, how many

    def draw_move() -> tuple[int, str, int]:
        words = rng.choice((0, 1, 2, rng.randint(3, 40)))
        kind = rng.choice(("rows", "matrix", "update"))
        if kind == "matrix":
            tiles, bias = rng.randint(1, 5), rng.random() < 0.5
            count = 8 * tiles * words + (tiles if bias and words else 0)
            return move(0, words, tiles=tiles, bias=bias), kind, count
        if kind == "update":
            planes = rng.randint(0, 7)
            return move(0, words, planes=planes, update=True), kind, words * (planes or 1)
        return move(0, words), kind, words

    def step() -> None:
        offers = bool(moves) and rng.random() < 0.3
        pins.valid.value = int(offers)
        if offers:
            command, kind, count = moves[0]
            pins.command.value = command
            if int(pins.room.value):
                wanted.extend([kind] * count)
                moves.pop(0)
        taken = rng.random() < 0.7
        pins.taken.value = int(taken)
        kinds = [k for k in ("rows", "matrix", "update") if int(getattr(pins, k).value)]
        assert len(kinds) <= 1
        if taken:
            got.extend(kinds)

    pins.reset.value = 1
    pins.valid.value = pins.taken.value = 0
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    moves += [draw_move() for _ in range(90)]
    steps.steps = [step]
    await steps.until(lambda: not moves and bool(int(pins.idle.value)), 20_000)
    await steps.run(5)
    assert [(k, len(list(g))) for k, g in groupby(got)] == [
        (k, len(list(g))) for k, g in groupby(wanted)
    ]


@cocotb.test()
async def commands_of_training(dut: Any) -> None:
    """Each block gets its commands, all of them an end; a number without a block is refused."""
    pins, absent = Pins(dut, "commands_"), Pins(dut, "absent_")
    rng, steps = random.Random(9), Steps(pins.clk)
    units = range(16, 21)
    source = Sender(pins.in_data, pins.in_valid, pins.in_ready, rng, 0.3)
    got: list[list[int]] = [[] for _ in units]

    def step() -> None:
        ready = sum((rng.random() < 0.6) << block for block in range(5))
        pins.out_ready.value = ready
        taken = int(pins.out_valid.value) & ready
        for block, words in enumerate(got):
            if taken >> block & 1:
                words.append(int(pins.out_data.value))

    pins.reset.value = 1
    pins.out_ready.value = 0
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    commands = []
    for _ in range(60):
        unit, end = rng.choice((*units, 21, 22)), rng.random() < 0.1
        commands.append(rng.getrandbits(239) << 17 | unit << 12 | rng.getrandbits(11) << 1 | end)
    steps.steps = [step]

    async def send(words: list[int]) -> None:
        source.send(words)
        for _ in range(600):
            await steps.run()
            await Timer(100, "ps")  # ready follows from who takes in this cycle
            source.step()
        assert source.empty

    await send(commands)
    for unit, words in zip(units, got, strict=True):
        assert words == [c for c in commands if c & 1 or min(c >> 12 & 31, units[-1]) == unit]
    assert int(pins.refused.value) == 0 and int(absent.refused.value) == 1
    first = next(command for command in commands if not command & 1)
    assert int(absent.refused_tag.value) == first >> 1 & 0x7FF
    assert int(absent.out_valid.value) == 0
    await send([27 << 12 | 77 << 1])
    assert int(pins.refused.value) == 1 and int(pins.refused_tag.value) == 77


@cocotb.test()
async def stream_fork(dut: Any) -> None:
    """Both channels get each word once, when each of them is ready."""
    pins, rng = Pins(dut, "fork_"), random.Random(10)
    steps, taken, words = Steps(pins.clk), [0, 0], 0
    pins.reset.value = 1
    pins.in_valid.value = pins.out_ready.value = 0
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    offered = False
    for _ in range(600):
        await steps.run()
        offered = offered or rng.random() < 0.7
        pins.in_valid.value = int(offered)
        ready = rng.choice((0, 1, 2, 3))
        pins.out_ready.value = ready
        await Timer(100, "ps")
        moved = int(pins.out_valid.value) & ready
        taken = [taken[0] + (moved & 1), taken[1] + (moved >> 1)]
        if offered and int(pins.in_ready.value):
            words += 1
            offered = False
            assert taken == [words, words]
    assert words > 150
