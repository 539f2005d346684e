"""The ring of weights at the small geometry."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from rtl.bench.engine import WeightSender
from rtl.bench.numbers import DEPTH, OUTPUTS, PORTS, draw
from rtl.bench.products import Weights
from rtl.bench.signals import Pins, Sender, Steps, from_bits, to_bits
from rtl.designs import SMALL


class PlacerModel:
    """Places blocks as the placer does: claims a place, brings the words some cycles later."""

    LATENCY = SMALL.tokens + 3

    def __init__(self, pins: Pins, rng: random.Random, pause: float) -> None:
        self.pins, self.rng, self.pause = pins, rng, pause
        self.blocks: list[list[int]] = [[] for _ in range(PORTS)]
        self.sent = [0] * PORTS
        self.way: list[tuple[int, int, int] | None] = [None] * self.LATENCY
        pins.place.value = pins.block_valid.value = 0

    def add(self, port: int, words: list[int]) -> None:
        """Words of a port in their order, DEPTH of them a block."""
        width = 16 * DEPTH
        for place in range(0, len(words), DEPTH):
            block = sum(w << width * o for o, w in enumerate(words[place : place + DEPTH]))
            self.blocks[port].append(block)

    @property
    def empty(self) -> bool:
        """Whether everything was brought."""
        done = all(n == len(blocks) for n, blocks in zip(self.sent, self.blocks, strict=True))
        return done and not any(self.way)

    def step(self) -> None:
        """Claim a place in a cycle, and bring the block that is due."""
        pins = self.pins
        room = int(pins.place_room.value)
        ports = [p for p in range(PORTS) if room >> p & 1 and self.sent[p] < len(self.blocks[p])]
        taken = None
        if ports and self.rng.random() >= self.pause:
            port = self.rng.choice(ports)
            address = int(pins.place_address.value) >> 6 * port & 63
            taken = (port, address, self.blocks[port][self.sent[port]])
            self.sent[port] += 1
        pins.place.value = 0 if taken is None else 1 << taken[0]
        self.way.append(taken)
        due = self.way.pop(0)
        pins.block_valid.value = 0 if due is None else 1 << due[0]
        if due is not None:
            pins.block_address.value, pins.block.value = due[1], due[2]


def fill_bits(
    *,
    placed: bool = False,
    transposed: bool = False,
    last_ports: int = PORTS,
    bias: bool = False,
    tiles: int,
    words: int,
) -> int:
    """A matrix for the ring: `fill_t` of hls/rtl/engine_types.sv."""
    flags = int(placed) << 24 | int(transposed) << 23 | last_ports << 19 | int(bias) << 18
    return flags | tiles << 9 | words


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def weight_ring(dut: Any, pause: float) -> None:
    """Several matrices pass; each word is read as soon as it is there, skewed, and released."""
    pins = Pins(dut, "ring_")
    rng, numbers = random.Random(3), np.random.default_rng(3)
    steps = Steps(pins.clk)
    pins.discard.value = pins.release_word.value = pins.release_bias.value = 0
    pins.reset.value = 1
    sender = WeightSender(pins, SMALL, rng, pause)
    fills = Sender(pins.fill, pins.fill_valid, pins.fill_ready, rng, pause)
    banks = PlacerModel(pins, rng, pause)
    steps.steps = [sender.step, fills.step, banks.step]
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    order: list[tuple[np.ndarray, np.ndarray | None]] = []  # depth words, biases with the first
    for number in range(24):
        tiles, words, bias = rng.randint(1, 5), rng.randint(1, 16), number % 3 != 0
        weights = Weights(
            draw(numbers, tiles * OUTPUTS, words * DEPTH), draw(numbers, tiles * OUTPUTS)
        )
        placed, transposed = number % 6 in (1, 2), number % 6 in (0, 3, 4)
        bias = bias and not placed and not transposed
        last_ports = rng.randint(1, PORTS)
        fills.send(
            [
                fill_bits(
                    placed=placed,
                    transposed=transposed,
                    last_ports=last_ports,
                    bias=bias,
                    tiles=tiles,
                    words=words,
                )
            ]
        )
        if transposed:
            out_words = PORTS * (tiles - 1) + last_ports
            weights.weight[DEPTH * out_words :] = 0
            ports = weights.columns(SMALL, out_words)
        else:
            ports = weights.words(SMALL, bias=bias)
        for port, sent in enumerate(ports):
            bits = [to_bits(word) for word in sent]
            if placed:
                banks.add(port, bits)
            else:
                sender.words[port] += bits
        for tile in range(tiles):
            block = weights.weight[OUTPUTS * tile : OUTPUTS * (tile + 1)]
            for word in range(words):
                biases = weights.bias[OUTPUTS * tile : OUTPUTS * (tile + 1)]
                first = word == 0 and bias
                order.append(
                    (block[:, DEPTH * word : DEPTH * (word + 1)], biases if first else None)
                )
    asked: list[tuple[int, np.ndarray]] = []
    position = biases_read = 0
    width = 7
    while position < len(order) or asked:
        await steps.run()
        got = from_bits(int(pins.weights.value), OUTPUTS * DEPTH).reshape(OUTPUTS, DEPTH)
        for cycle, block in asked:
            for n in range(OUTPUTS):
                for f in range(DEPTH):
                    if steps.cycle - cycle == f + n // DEPTH + 3:
                        assert got[n, f] == block[n, f], (cycle, n, f)
        asked = [(c, b) for c, b in asked if steps.cycle - c < DEPTH + PORTS + 3]
        pins.release_word.value = pins.release_bias.value = 0
        filled = int(pins.filled.value)
        here = position % (2 * SMALL.weight_depth)
        there = all(filled >> width * p & 0x7F != here for p in range(PORTS))
        if position < len(order) and there and rng.random() >= pause:
            block, with_it = order[position]
            pins.read_address.value = position % SMALL.weight_depth
            pins.release_word.value = 1
            if with_it is not None:
                pins.bias_read.value = sum(biases_read % 8 << 3 * p for p in range(PORTS))
                pins.release_bias.value = 1
                biases_read += 1
            asked.append((steps.cycle, block))
            position += 1
        assert steps.cycle < 20_000
    assert sender.empty
    assert banks.empty
    assert biases_read % 8 == sum(b is not None for _, b in order) % 8


@cocotb.test()
async def weight_ring_discards(dut: Any) -> None:
    """With `discard`, words that no fill waits for are swallowed; without it they wait."""
    pins = Pins(dut, "ring_")
    steps = Steps(pins.clk)
    pins.reset.value = 1
    pins.discard.value = pins.place.value = pins.block_valid.value = 0
    sender = WeightSender(pins, SMALL, random.Random(4), 0.0)
    steps.steps = [sender.step]
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    for words in sender.words:
        words += [1] * 20
    await steps.run(40)
    assert sender.sent == [0, 0]
    pins.discard.value = 1
    await steps.run(40)
    assert sender.empty


@cocotb.test()
async def weight_ring_transposed_rate(dut: Any) -> None:
    """A transposed matrix takes the cycles of a straight one, but for its skew at the end."""
    pins = Pins(dut, "ring_")
    steps = Steps(pins.clk)
    pins.discard.value = pins.place.value = pins.block_valid.value = 0
    pins.release_word.value = pins.release_bias.value = 0
    tiles, words = 3, 16
    total = tiles * words
    skew = (PORTS - 1) * DEPTH
    numbers = np.random.default_rng(5)
    for transposed in (False, True):
        pins.reset.value = 1
        sender = WeightSender(pins, SMALL, random.Random(5), 0.0)
        fills = Sender(pins.fill, pins.fill_valid, pins.fill_ready, random.Random(5), 0.0)
        steps.steps = [sender.step, fills.step]
        if not steps.cycle:
            steps.start()
        await steps.run(3)
        pins.reset.value = 0
        weights = Weights(draw(numbers, tiles * OUTPUTS, words * DEPTH), np.zeros(0, np.int16))
        straight = Weights(weights.weight, np.zeros(tiles * OUTPUTS, np.int16))
        ports = (
            weights.columns(SMALL, tiles * PORTS)
            if transposed
            else straight.words(SMALL, bias=False)
        )
        fills.send([fill_bits(transposed=transposed, tiles=tiles, words=words)])
        for port, sent in enumerate(ports):
            sender.words[port] += [to_bits(word) for word in sent]
        begin, ends = steps.cycle, [0] * PORTS
        while not all(ends):
            await steps.run()
            filled = int(pins.filled.value)
            for port in range(PORTS):
                if not ends[port] and filled >> 7 * port & 0x7F == total:
                    ends[port] = steps.cycle - begin
        if not transposed:
            cycles = ends[0]
            assert ends == [cycles] * PORTS and cycles <= total * DEPTH + 6
        else:
            assert ends == [cycles + port * DEPTH for port in range(PORTS)]
            assert ends[-1] == cycles + skew
