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
from rtl.bench.signals import Pins, Steps, to_bits

WORD = (1 << 16 * DEPTH) - 1


def place_bits(*, port: int, row: int, words: int, ends: bool) -> int:
    """A row's place: `row_place_t` of hls/rtl/engine_types.sv."""
    return int(ends) << 10 | port << 7 | row << 4 | words


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def matrix_writer(dut: Any, pause: float) -> None:
    """Matrices of all sizes, tile after tile of their columns: each port gets its pieces."""
    pins = Pins(dut, "matrix_")
    rng, numbers = random.Random(6), np.random.default_rng(6)
    steps = Steps(pins.clk)

    received: list[list[int]] = [[] for _ in range(PORTS)]
    wanted: list[list[int]] = [[] for _ in range(PORTS)]
    sent: list[int] = []
    for _ in range(14):
        rows, columns = rng.randint(1, 5 * TOKENS), rng.randint(1, 5)  # words of a row
        matrix = draw(numbers, rows, columns, DEPTH)
        for tile in range(0, columns, PORTS):
            words = min(PORTS, columns - tile)
            for group in range(0, rows, TOKENS):
                port = group // TOKENS % PORTS
                count = min(TOKENS, rows - group)
                for row in range(count):
                    # Beyond the matrix a row brings words that must not be written.
                    values = draw(numbers, PORTS, DEPTH)
                    values[:words] = matrix[group + row, tile : tile + words]
                    place = place_bits(port=port, row=row, words=words, ends=row + 1 == count)
                    sent.append(to_bits(values.reshape(-1)) << 16 | place)
                for word in range(tile, tile + words):
                    wanted[port] += [to_bits(matrix[group + r, word]) for r in range(count)]
                    wanted[port] += [0] * (TOKENS - count)

    pins.reset.value = 1
    pins.word_ready.value = pins.row_valid.value = 0
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
        await Timer(500, "ps")  # whether there is room follows from the row's port
        if offered and int(pins.row_ready.value):
            sent.pop(0)
            offered = False
        valid, data = int(pins.word_valid.value), int(pins.word.value)
        for port in range(PORTS):
            if valid & ready & 1 << port:
                received[port].append(data >> 16 * DEPTH * port & WORD)
    assert received == wanted


@cocotb.test()
async def write_order(dut: Any) -> None:
    """Each move has as many words as it asks for, of its kind, and none before it is there."""
    pins, rng = Pins(dut, "order_"), random.Random(7)
    steps = Steps(pins.clk)
    wanted: list[str] = []
    got: list[str] = []
    left = [
        (rng.choice((0, 1, 2, rng.randint(3, 40))), rng.choice((0, 0, 1, rng.randint(2, 5))))
        for _ in range(60)
    ]
    moves: list[tuple[int, int]] = []

    def step() -> None:
        offers = bool(moves) and rng.random() < 0.3
        pins.valid.value = int(offers)
        if offers:
            words, tiles = moves[0]
            pins.command.value = move(0, words, tiles=tiles)
            if int(pins.room.value):
                wanted.extend(["matrix" if tiles else "store"] * words * (8 * tiles or 1))
                moves.pop(0)
        taken = rng.random() < 0.7
        pins.taken.value = int(taken)
        kinds = [kind for kind in ("store", "matrix") if int(getattr(pins, kind).value)]
        assert len(kinds) <= 1
        if taken:
            got.extend(kinds)

    pins.reset.value = 1
    pins.valid.value = pins.taken.value = 0
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    moves += left
    steps.steps = [step]
    await steps.until(lambda: not moves and bool(int(pins.idle.value)), 20_000)
    await steps.run(5)
    assert [(k, len(list(g))) for k, g in groupby(got)] == [
        (k, len(list(g))) for k, g in groupby(wanted)
    ]
