"""The engine with somebody at each of its ports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rtl.bench.products import Banks, Int16, Product, Weights, placement
from rtl.bench.signals import Pins, Receiver, Sender, Steps, from_bits, to_bits
from rtl.designs import COUNT_BITS, MOST_GROUPS, Geometry

# hls/rtl/engine_types.sv, STALL_*
STALLS = ("none", "command", "source", "residual", "weights", "target", "stream", "short")
SLOTS, OUTSIDE = 8, 4


@dataclass(frozen=True)
class Report:
    """What the engine says of a finished product."""

    tag: int
    failed: bool
    saturated: int
    largest: int = field(default=0, compare=False)
    sums: bool = False  # of the operand, not of the product


class WeightSender:
    """Sends each port its words; every port pauses on its own."""

    def __init__(self, pins: Pins, geometry: Geometry, rng: random.Random, pause: float) -> None:
        self.pins, self.rng, self.pause = pins, rng, pause
        self.width = 16 * geometry.depth
        self.words: list[list[int]] = [[] for _ in range(geometry.ports)]
        self.sent = [0] * geometry.ports
        self.data = [0] * geometry.ports
        self.valid = 0
        pins.weight_valid.value = 0

    @property
    def empty(self) -> bool:
        """Whether everything was sent."""
        return all(done == len(words) for done, words in zip(self.sent, self.words, strict=True))

    def step(self) -> None:
        """Offer each port its next word."""
        if not self.valid and self.empty:
            self.pins.weight_valid.value = 0
            return
        for port, words in enumerate(self.words):
            free = not self.valid >> port & 1 and self.sent[port] < len(words)
            if free and self.rng.random() >= self.pause:
                self.data[port] = words[self.sent[port]]
                self.valid |= 1 << port
        value = sum(word << self.width * port for port, word in enumerate(self.data))
        self.pins.weight.value = value
        self.pins.weight_valid.value = self.valid
        taken = self.valid & int(self.pins.weight_ready.value)
        for port in range(len(self.words)):
            self.sent[port] += taken >> port & 1
        self.valid &= ~taken


class BankUser:
    """Reads and writes all banks at one address at a time, each bank when it is free."""

    def __init__(self, pins: Pins, geometry: Geometry) -> None:
        self.pins, self.geometry = pins, geometry
        self.requests: list[tuple[int, int | None]] = []  # address, written word or None
        self.next = 0
        self.left = 0  # banks that have not done the request yet
        self.read: list[list[int]] = [[] for _ in range(geometry.tokens)]
        pins.bank_valid.value = 0

    @property
    def idle(self) -> bool:
        """Whether every request was taken and every answer is here."""
        reads = sum(word is None for _, word in self.requests)
        return (
            self.next == len(self.requests)
            and not self.left
            and all(len(words) == reads for words in self.read)
        )

    def step(self) -> None:
        """Offer the request to the banks that have not done it."""
        geometry, pins = self.geometry, self.pins
        answered = int(pins.bank_read.value)
        if answered:
            width = 16 * geometry.depth
            data = int(pins.bank_data.value)
            for bank in range(geometry.tokens):
                if answered >> bank & 1:
                    self.read[bank].append(data >> width * bank & ((1 << width) - 1))
        if not self.left and self.next < len(self.requests):
            address, word = self.requests[self.next]
            self.next += 1
            self.left = (1 << geometry.tokens) - 1
            bits = (geometry.activation_depth - 1).bit_length()
            pins.bank_address.value = sum(address << bits * t for t in range(geometry.tokens))
            pins.bank_write.value = 0 if word is None else self.left
            if word is not None:
                pins.bank_written.value = word
        pins.bank_valid.value = self.left
        self.left &= ~int(pins.bank_ready.value)


class OutsideWriters:
    """Tell the engine of row groups that are written: up to one each in a cycle."""

    def __init__(self, pins: Pins, rng: random.Random) -> None:
        self.pins, self.rng = pins, rng
        self.slots: list[int] = []  # of row groups that are to be told
        pins.outside_complete.value = 0

    def step(self) -> None:
        """Tell the next ones, each by any of the writers."""
        now = self.slots[:OUTSIDE]
        writers = self.rng.sample(range(OUTSIDE), len(now))
        self.slots = self.slots[len(now) :]
        self.pins.outside_complete.value = sum(1 << writer for writer in writers)
        slots = sum(slot << 3 * writer for writer, slot in zip(writers, now, strict=True))
        self.pins.outside_slot.value = slots


@dataclass(frozen=True)
class Begin:
    """A product that began: when, whom it told, and the slots' counts in that cycle."""

    cycle: int
    announces: int
    groups: tuple[int, ...]


class EngineBench:
    """Owns one simulation of the engine. With `pause`, all streams stand still at random."""

    def __init__(
        self, dut: Any, geometry: Geometry, *, prefix: str = "", seed: int = 1, pause: float = 0.0
    ) -> None:
        self.geometry = geometry
        self.pins = pins = Pins(dut, prefix)
        self.numbers = np.random.default_rng(seed)
        self.rng = rng = random.Random(seed)
        self.steps = Steps(pins.clk)
        self.model = Banks(geometry, self.numbers)
        self.report_cycles: list[int] = []
        self.begins: list[Begin] = []
        self.commands = Sender(pins.command, pins.command_valid, pins.command_ready, rng, pause)
        self.weights = WeightSender(pins, geometry, rng, pause)
        self.user = BankUser(pins, geometry)
        self.outside = OutsideWriters(pins, rng)
        self.rows = Receiver(self._row, pins.row_valid, pins.row_ready, rng, pause)
        self.partners: list[int] = []  # of those rows
        self.sums = Receiver(
            lambda: int(pins.sums_word.value), pins.sums_valid, pins.sums_ready, rng, pause
        )
        self.reports = Receiver(self._report, pins.report_valid, pins.report_ready, rng, pause)
        self.steps.steps = [
            self.commands.step,
            self.weights.step,
            self.user.step,
            self.outside.step,
            self._watch_begins,
            self.rows.step,
            self.sums.step,
            self.reports.step,
        ]

    def _report(self) -> Report:
        self.report_cycles.append(self.steps.cycle)
        value = int(self.pins.report.value)
        return Report(
            value >> 52 & 0x7FF,
            bool(value >> 63),
            value & 0xFFFFFF,
            value >> 24 & 0xFFFF,
            bool(value >> 51 & 1),
        )

    def _row(self) -> tuple[int, int, int]:
        self.partners.append(int(self.pins.row_partner.value))
        return (
            int(self.pins.row.value),
            int(self.pins.row_last.value),
            int(self.pins.row_to.value),
        )

    def _watch_begins(self) -> None:
        announces = int(self.pins.announce.value)
        if int(self.pins.begins.value):
            self.begins.append(Begin(self.steps.cycle, announces, tuple(self.groups())))
        else:
            assert announces == 0

    def groups(self) -> list[int]:
        """The count of each slot."""
        value = int(self.pins.slot_groups.value)
        return [value >> COUNT_BITS * slot & MOST_GROUPS for slot in range(SLOTS)]

    async def start(self, *, load: bool = True) -> None:
        """Reset the engine and fill its banks with what the model holds."""
        self.pins.clear_statistics.value = 0
        self.steps.start()
        await self.reset()
        if load:
            self.write(range(self.geometry.activation_depth))
            await self.steps.until(lambda: self.user.idle)

    async def reset(self) -> None:
        """Reset the engine, whose banks keep their words, and forget what it has told."""
        self.pins.reset.value = 1
        await self.steps.run(4)
        self.pins.reset.value = 0
        for told in (self.begins, self.report_cycles, self.reports.words, self.rows.words):
            told.clear()

    def write(self, addresses: Sequence[int] | range) -> None:
        """Write the model's words at these addresses into the banks."""
        memory = self.model.memory
        self.user.requests += [(address, to_bits(memory[address])) for address in addresses]

    async def complete(self, slot: int, groups: int = 1) -> None:
        """Tell the scoreboard that others wrote the next row groups of a slot."""
        self.outside.slots += [slot] * groups
        await self.steps.until(lambda: not self.outside.slots)

    def random_weights(self, product: Product, low: int = -32768, high: int = 32767) -> Weights:
        """Weights for a product, uniform in low..high."""
        tiles = -(-product.out_words // self.geometry.ports)
        outputs = tiles * self.geometry.outputs
        shape = (outputs, product.depth_words * self.geometry.depth)
        draw = self.numbers.integers
        weight = draw(low, high, shape, endpoint=True).astype(np.int16)
        bias = draw(-32768, 32768, outputs).astype(np.int16)
        return Weights(weight, bias)

    def submit(self, product: Product, weights: Weights) -> tuple[Int16, int]:
        """Send a product, and its weights if it fills; run it on the model; the expected result."""
        if product.fill:
            self.feed(product, weights)
        self.commands.send([product.bits])
        return self.model.execute(product, weights)

    def submit_placed(self, product: Product, **values: int | bool) -> tuple[Int16, int]:
        """Send a product whose weights lie in the banks (`placement`); the expected result."""
        command = placement(product, **values)
        product = product.changed(fill=False)
        self.commands.send([command.bits, product.bits])
        return self.model.execute(product, self.model.placed(command))

    def feed(self, command: Product, weights: Weights) -> None:
        """Send the weights that a command fills the ring with."""
        if command.place and command.transposed:
            ports = weights.columns(self.geometry, command.out_words)
        else:
            ports = weights.words(self.geometry, bias=command.has_bias)
        for port, words in enumerate(ports):
            self.weights.words[port] += [to_bits(word) for word in words]

    async def finish(self, reports: int, *, rows: int = 0, limit: int = 20_000) -> None:
        """Wait for so many reports and rows of the stream in all."""

        def done() -> bool:
            return len(self.reports.words) >= reports and len(self.rows.words) >= rows

        await self.steps.until(done, limit)

    async def check_banks(self, addresses: Sequence[int] | range | None = None) -> None:
        """The words of every bank at these addresses (all) must be what the model holds."""
        geometry = self.geometry
        addresses = range(geometry.activation_depth) if addresses is None else addresses
        self.user.read = [[] for _ in range(geometry.tokens)]
        self.user.requests = [(address, None) for address in addresses]
        self.user.next = 0
        await self.steps.until(lambda: self.user.idle, 4 * len(addresses) + 100)
        for bank, words in enumerate(self.user.read):
            got = np.stack([from_bits(word, geometry.depth) for word in words])
            want = self.model.memory[list(addresses), bank]
            np.testing.assert_array_equal(got, want, f"bank {bank}")

    def check_rows(self, expected: Sequence[tuple[Product, Int16]]) -> None:
        """The stream must have brought these results, row after row."""
        outputs = self.geometry.outputs
        want = [
            (
                result[row, outputs * tile : outputs * (tile + 1)],
                (row + 1 == rows and tile + 1 == n, product.stream),
            )
            for product, result in expected
            for rows, n in [(product.rows, result.shape[1] // outputs)]
            for tile, row in row_order(product, n, self.geometry.tokens)
        ]
        got = self.rows.words
        assert len(got) == len(want), (len(got), len(want))
        for place, ((bits, last, to), (row, marks)) in enumerate(zip(got, want, strict=True)):
            np.testing.assert_array_equal(from_bits(bits, outputs), row, f"row {place}")
            assert (bool(last), to) == marks, place

    def stalls(self) -> dict[str, int]:
        """Cycles since the statistics were cleared, by what happened in them."""
        value = int(self.pins.cycles.value)
        return {name: value >> 32 * bit & 0xFFFFFFFF for bit, name in enumerate(STALLS)}

    async def clear_statistics(self) -> None:
        """Start counting anew."""
        self.pins.clear_statistics.value = 1
        await self.steps.run()
        self.pins.clear_statistics.value = 0


def row_order(product: Product, tiles: int, tokens: int) -> list[tuple[int, int]]:
    """(tile, row) of the stream's words in their order."""
    if not product.rows_outer:
        return [(tile, row) for tile in range(tiles) for row in range(product.rows)]
    groups = [range(g, min(g + tokens, product.rows)) for g in range(0, product.rows, tokens)]
    return [(tile, row) for group in groups for tile in range(tiles) for row in group]
