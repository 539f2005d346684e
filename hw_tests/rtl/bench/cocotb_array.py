"""The array and what brings its operand, at the small geometry, against numpy."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from rtl.bench.numbers import DEPTH, MASK, OUTPUTS, PORTS, TOKENS, draw, signed
from rtl.bench.signals import Pins, Steps, from_bits, to_bits
from rtl.designs import SUM_BITS


@cocotb.test()
async def systolic_array(dut: Any) -> None:
    """Row groups of random length, without a gap: every sum, in the cycle that it leaves in."""
    pins = Pins(dut, "array_")
    rng = np.random.default_rng(1)
    steps = Steps(pins.clk)
    lengths = [TOKENS, *rng.integers(TOKENS, 12, 20).tolist(), TOKENS, TOKENS]
    total = sum(lengths)
    a = draw(rng, total, TOKENS, DEPTH)
    w = draw(rng, total, OUTPUTS, DEPTH)
    a[: lengths[0]] = w[: lengths[0]] = -32768  # the largest sum
    starts = rng.integers(-(2**37), 2**37, (len(lengths), OUTPUTS))
    begins = np.cumsum([0, *lengths])
    want = [
        np.einsum("ktd,knd->tn", a[i:j].astype(np.int64), w[i:j].astype(np.int64)) + start
        for i, j, start in zip(begins, begins[1:], starts, strict=False)
    ]
    steps.start()
    seen = 0
    for cycle in range(total + TOKENS + DEPTH + PORTS + 6):
        await steps.run()
        # Sums of group g and row t: DEPTH + 3 + t + g cycles after the last depth word came in.
        for group, end in enumerate(begins[1:]):
            for g in range(PORTS):
                t = cycle - (int(end) - 1 + DEPTH + 3 + g)
                if 0 <= t < TOKENS:
                    sums = int(pins.sums.value)
                    for n in range(DEPTH * g, DEPTH * (g + 1)):
                        got = signed(sums >> SUM_BITS * n & MASK, SUM_BITS)
                        assert got == want[group][t, n], (group, t, n)
                        seen += 1
        now = cycle  # what the array gets in this cycle
        block = np.zeros((TOKENS, DEPTH), np.int16)
        for t in range(TOKENS):
            for f in range(DEPTH):
                if 0 <= now - t - f < total:
                    block[t, f] = a[now - t - f, t, f]
        words = np.zeros((OUTPUTS, DEPTH), np.int16)
        for n in range(OUTPUTS):
            for f in range(DEPTH):
                step = now - f - n // DEPTH
                if 0 <= step < total:
                    words[n, f] = w[step, n, f]
        pins.activations.value = to_bits(block)
        pins.weights.value = to_bits(words)
        leaving = now - (DEPTH + 2)
        pins.first.value = int(leaving in begins)
        start = 0
        for n in range(OUTPUTS):
            group = int(np.searchsorted(begins, leaving - n // DEPTH, side="right")) - 1
            if 0 <= group < len(lengths):
                start |= (int(starts[group, n]) & MASK) << SUM_BITS * n
        pins.start.value = start
        # The row that leaves group g in the next cycle to be looked at.
        rows = 0
        for g in range(PORTS):
            for end in begins[1:]:
                t = now + 1 - (int(end) - 1 + DEPTH + 3 + g)
                if 0 <= t < TOKENS:
                    rows |= t << 2 * g
        pins.row.value = rows
    assert seen == len(lengths) * TOKENS * OUTPUTS


@cocotb.test()
async def operand_straight_and_transposed(dut: Any) -> None:
    """Random addresses, both ways round and with missing banks, in every cycle."""
    pins = Pins(dut, "operand_")
    rng = np.random.default_rng(2)
    steps = Steps(pins.clk)
    memory = draw(rng, 64, TOKENS, DEPTH)
    steps.start()
    pins.banks.value = 0
    for address in range(64):
        pins.b_enable.value = pins.b_write.value = (1 << TOKENS) - 1
        pins.b_address.value = sum(address << 9 * t for t in range(TOKENS))
        pins.b_written.value = to_bits(memory[address])
        await steps.run()
    pins.b_write.value = 0
    count = 200
    addresses = rng.integers(0, 64, count)
    transposed = rng.random(count) < 0.5
    banks = rng.choice([0, 1, 2, 3, TOKENS, TOKENS, TOKENS], count)
    want = np.zeros((count, TOKENS, DEPTH), np.int16)
    for i in range(count):
        block = memory[addresses[i]].copy()
        block[banks[i] :] = 0
        want[i] = block.T if transposed[i] else block
    before = 0
    for cycle in range(count + TOKENS + DEPTH + 3):
        if cycle < count:
            pins.address.value = int(addresses[cycle])
            pins.transposed.value = int(transposed[cycle])
            pins.banks.value = int(banks[cycle])
        other = int(rng.integers(0, 64))  # port B reads at the same time
        pins.b_address.value = sum(other << 9 * t for t in range(TOKENS))
        await steps.run()
        got = from_bits(int(pins.operand.value), TOKENS * DEPTH).reshape(TOKENS, DEPTH)
        for t in range(TOKENS):
            for f in range(DEPTH):
                request = cycle - (t + f + 2)  # 3 cycles after it, seen at the end of the third
                if 0 <= request < count:
                    assert got[t, f] == want[request, t, f], (request, t, f)
        if cycle:
            data = from_bits(int(pins.b_data.value), TOKENS * DEPTH).reshape(TOKENS, DEPTH)
            np.testing.assert_array_equal(data, memory[before])
        before = other
