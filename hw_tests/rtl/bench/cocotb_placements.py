"""Copies from the banks into the ring, and the order of slots that they keep, against models."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer
from rtl.bench.numbers import DEPTH, PORTS, TOKENS, draw
from rtl.bench.signals import Pins, to_bits

NUMBERS = 1 << 16  # products are counted modulo this
RING_BITS = 6
OLD = 400  # row groups that an older tensor of a slot has left
#: From a read until bank 0 answers, and from a claimed place until its block comes.
READ, BLOCK = 3, TOKENS + 3


@cocotb.test()
async def slot_order(dut: Any) -> None:
    """Random products and begins: who empties a slot, and whether it has begun."""
    pins, rng = Pins(dut, "order_"), random.Random(11)
    Clock(pins.clk, 2, unit="ns").start(start_high=False)
    pins.reset.value = 1
    pins.taken.value = pins.begins.value = 0
    for _ in range(2):
        await FallingEdge(pins.clk)
    pins.reset.value = 0
    last: dict[int, int] = {}  # product that empties a slot and has not begun
    taken = begun = waited = 0
    for _ in range(1500):
        slot = rng.randrange(8)
        pins.placed_slot.value = slot
        await Timer(500, "ps")
        assert int(pins.begun.value) == begun
        assert bool(int(pins.behind.value)) == (slot in last)
        if slot in last:
            assert int(pins.writer.value) == last[slot]
            waited += 1
        takes, begins = rng.random() < 0.3, begun < taken and rng.random() < 0.3
        failed, claim = rng.random() < 0.1, rng.random() < 0.5
        target, clear = rng.randrange(8), rng.randrange(8)
        pins.taken.value, pins.begins.value = int(takes), int(begins)
        pins.failed.value, pins.claim.value = int(failed), int(claim)
        pins.target_slot.value, pins.clear_slot.value = target, clear
        await FallingEdge(pins.clk)
        if begins:
            last = {s: number for s, number in last.items() if number != begun}
            begun += 1
        if takes:
            if not failed:
                last |= dict.fromkeys({clear, *([target] if claim else [])} - {0}, taken)
            taken += 1
    assert waited > 300


@dataclass
class Matrix:
    """A tensor of the banks, how it goes to the ring, and how much of it is written."""

    transposed: bool
    slot: int
    first: int
    writer: int | None  # the product that must begin before the slot's count is its own
    last_rows: int
    out_words: int
    depth_words: int
    source: int
    stride: int
    rows: np.ndarray  # (groups, words, TOKENS, DEPTH)
    written: int = 0
    begun: bool = False

    @property
    def tiles(self) -> int:
        """Tiles of PORTS words of outputs."""
        return -(-self.out_words // PORTS)

    def blocks(self) -> list[tuple[int, int]]:
        """Return (port, block) in the order in which they go to the ring."""
        found = []
        for tile in range(self.tiles):
            for depth in range(self.depth_words):
                for port in range(PORTS):
                    found.append((port, self._block(PORTS * tile + port, depth)))
        return found

    def _block(self, word: int, depth: int) -> int:
        if word >= self.out_words:
            return 0
        group, column = (depth, word) if self.transposed else (word, depth)
        block = self.rows[group, column].copy()  # row, element
        if group + 1 == len(self.rows):
            block[self.last_rows :] = 0
        return to_bits(block.T if self.transposed else block)


class Banks:
    """Memory of the banks, which answer late, and whoever writes the tensors there."""

    def __init__(self, rng: random.Random, matrices: list[Matrix], before: int) -> None:
        self.rng, self.matrices = rng, matrices
        self.words = np.random.default_rng(7).integers(-9, 9, (4096, TOKENS, DEPTH), np.int16)
        self.groups = [511, *[OLD] * 7]
        self.begun = before
        self.asked: deque[int | None] = deque([None] * (READ + TOKENS), READ + TOKENS)
        for matrix in matrices:
            if matrix.slot == 0:
                while matrix.written < len(matrix.rows):
                    self._write(matrix)

    def _write(self, matrix: Matrix) -> None:
        start = matrix.source + matrix.written * matrix.stride
        words = matrix.rows[matrix.written]
        self.words[start : start + len(words)] = words
        matrix.written += 1

    def step(self, done: int) -> None:
        """Let a product begin or a row group be written; matrices before ``done`` are placed."""
        for number, matrix in enumerate(self.matrices):
            if matrix.slot == 0 or matrix.written == len(matrix.rows):
                continue
            late = self.rng.random() < 0.7
            if matrix.begun and not late:
                self._write(matrix)
                self.groups[matrix.slot] += 1
            elif not matrix.begun:  # products begin in order
                users = [m for m in self.matrices[done:number] if m.slot == matrix.slot]
                ahead = number % 3 == 0 or number <= done  # others begin when they are awaited
                if ahead and not users and not late and matrix.writer is not None:
                    matrix.begun = True
                    self.groups[matrix.slot] = matrix.first
                    self.begun = (matrix.writer + 1) % NUMBERS
                return

    def answers(self) -> int:
        """Return what the banks give in this cycle: bank t to a read READ + t cycles ago."""
        data = np.zeros((TOKENS, DEPTH), np.int16)
        for bank in range(TOKENS):
            address = self.asked[-(READ + bank)]
            if address is not None:
                data[bank] = self.words[address, bank]
        return to_bits(data)


def draw_matrices(rng: random.Random, before: int, count: int) -> list[Matrix]:
    """Matrices of all shapes; most of them written while they are placed."""
    numbers, address, matrices, number = np.random.default_rng(9), 0, [], before
    for place in range(count):
        transposed, out_words, depth_words = (
            rng.random() < 0.5,
            rng.randint(1, 5),
            rng.randint(1, 5),
        )
        groups, words = (depth_words, out_words) if transposed else (out_words, depth_words)
        stride = words + rng.randrange(3)
        slot = 0 if place % 4 == 3 else 1 + place % 7
        number = (number + rng.randint(1, 3)) % NUMBERS
        matrices.append(
            Matrix(
                transposed=transposed,
                slot=slot,
                first=rng.randrange(4),
                writer=None if slot == 0 else number,
                last_rows=rng.randint(1, TOKENS),
                out_words=out_words,
                depth_words=depth_words,
                source=address,
                stride=stride,
                rows=draw(numbers, groups, words, TOKENS, DEPTH),
            )
        )
        address += groups * stride
    return matrices


def offer(pins: Pins, matrix: Matrix) -> None:
    """Put a placement before the unit."""
    for name in ("transposed", "first", "last_rows", "tiles", "out_words", "depth_words"):
        getattr(pins, name).value = int(getattr(matrix, name))
    pins.source.value, pins.stride.value = matrix.source, matrix.stride
    pins.placed_slot.value = matrix.slot
    pins.behind.value, pins.writer.value = int(matrix.writer is not None), matrix.writer or 0


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.5])
async def placer(dut: Any, pause: float) -> None:
    """Matrices straight and transposed, while they are written, with ports and banks that pause."""
    pins, rng = Pins(dut, "placer_"), random.Random(12)
    Clock(pins.clk, 2, unit="ns").start(start_high=False)
    before = NUMBERS - 20  # the numbers of products wrap
    matrices = draw_matrices(rng, before, 24)
    banks = Banks(rng, matrices, before)
    blocks = deque(block for matrix in matrices for block in matrix.blocks())
    ends = np.cumsum([len(matrix.blocks()) for matrix in matrices])
    total, reads, accepted, cycle = len(blocks), 0, 0, 0
    due: dict[int, tuple[int, int, int]] = {}
    pins.reset.value, pins.valid.value = 1, 0
    pins.room.value = pins.free.value = pins.place.value = pins.bank_data.value = 0
    pins.groups.value = pins.begun.value = 0
    for _ in range(BLOCK + 2):
        await FallingEdge(pins.clk)
    pins.reset.value = 0
    while blocks or due:
        await FallingEdge(pins.clk)
        cycle += 1
        assert cycle < 6000, f"{len(blocks)} of {total} blocks are left"
        write = due.pop(cycle, None)
        assert int(pins.write.value) == (0 if write is None else 1 << write[0])
        if write is not None:
            assert (int(pins.write_address.value), int(pins.block.value)) == write[1:]
        done = int(np.searchsorted(ends, total - len(blocks), side="right"))
        banks.step(done)
        room = sum((rng.random() >= pause) << port for port in range(PORTS))
        places = [rng.randrange(1 << RING_BITS) for _ in range(PORTS)]
        free = rng.random() >= pause
        pins.room.value, pins.free.value = room, int(free)
        pins.place.value = sum(place << RING_BITS * port for port, place in enumerate(places))
        pins.groups.value, pins.begun.value = banks.groups[int(pins.slot.value)], banks.begun
        pins.bank_data.value = banks.answers()
        pins.valid.value = int(accepted < len(matrices))
        if accepted < len(matrices):
            offer(pins, matrices[accepted])
        await Timer(500, "ps")  # decisions follow from all this in the same cycle
        accepted += accepted < len(matrices) and int(pins.ready.value)
        taken, read = int(pins.take.value), int(pins.read.value) and free
        banks.asked.append(int(pins.address.value) if read else None)
        reads += read
        assert not read or taken, "a read without a place for its block"
        if taken:
            port, block = blocks.popleft()
            assert taken == 1 << port and room & taken
            due[cycle + BLOCK] = port, places[port], block
    assert accepted == len(matrices)
    # Blocks outside a tensor cost port B nothing.
    assert reads == sum(m.out_words * m.depth_words for m in matrices) < total
