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
    steps.steps = [sender.step, fills.step]
    steps.start()
    await steps.run(3)
    pins.reset.value = 0
    order: list[tuple[np.ndarray, np.ndarray | None]] = []  # depth words, biases with the first
    for number in range(12):
        tiles, words, bias = rng.randint(1, 5), rng.randint(4, 20), number % 3 != 0
        weights = Weights(
            draw(numbers, tiles * OUTPUTS, words * DEPTH), draw(numbers, tiles * OUTPUTS)
        )
        fills.send([int(bias) << 18 | tiles << 9 | words])
        for port, sent in enumerate(weights.words(SMALL, bias=bias)):
            sender.words[port] += [to_bits(word) for word in sent]
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
    assert biases_read % 8 == sum(b is not None for _, b in order) % 8


@cocotb.test()
async def weight_ring_discards(dut: Any) -> None:
    """With `discard`, words that no fill waits for are swallowed; without it they wait."""
    pins = Pins(dut, "ring_")
    steps = Steps(pins.clk)
    pins.reset.value = 1
    pins.discard.value = 0
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
