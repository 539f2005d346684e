"""Units of the engine on their own, at the small geometry, against numpy."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from rtl.bench.engine import WeightSender
from rtl.bench.products import Weights
from rtl.bench.signals import Pins, Receiver, Sender, Steps, from_bits, to_bits
from rtl.designs import SMALL, SUM_BITS

from trivit.host.fixed_point import requantize

TOKENS, OUTPUTS, DEPTH, PORTS = SMALL.tokens, SMALL.outputs, SMALL.depth, SMALL.ports
MASK = (1 << SUM_BITS) - 1
EXTREMES = (-32768, -32767, -1, 0, 1, 32767)


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random int16, a third of them extremes."""
    values = rng.integers(-32768, 32768, shape)
    return np.where(rng.random(shape) < 1 / 3, rng.choice(EXTREMES, shape), values).astype(np.int16)


def signed(value: int, bits: int) -> int:
    """A bit vector as a number in two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value


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
            block, biases = order[position]
            pins.read_address.value = position % SMALL.weight_depth
            pins.release_word.value = 1
            if biases is not None:
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


@cocotb.test()
async def bias_aligner(dut: Any) -> None:
    """Biases of all shifts plus half of the cut-off unit, every DEPTH cycles or later."""
    pins = Pins(dut, "aligner_")
    rng = np.random.default_rng(5)
    steps = Steps(pins.clk)
    pins.reset.value = 1
    pins.__getattr__("from").value = 0
    steps.start()
    await steps.run(DEPTH + 6)
    pins.reset.value = 0
    due: dict[int, list[int]] = {}
    next_at, checked = 0, 0
    for cycle in range(600):
        if cycle == next_at:
            use = bool(rng.random() < 0.8)
            bias, bias_shift = draw(rng, DEPTH), int(rng.integers(0, SUM_BITS - 16))
            out_shift = int(rng.integers(0, 32))
            half = 1 << out_shift >> 1
            due[cycle + DEPTH + 4] = [(int(b) << bias_shift if use else 0) + half for b in bias]
            pins.biases.value = to_bits(bias)
            # valid, bias, release_bias, bias_shift, out_shift, index
            pins.__getattr__("from").value = (
                1 << 20 | int(use) << 19 | bias_shift << 13 | out_shift << 8
            )
            next_at += DEPTH + int(rng.integers(0, 3) * rng.integers(0, 3))
        else:
            pins.__getattr__("from").value = 0
        await steps.run()
        if cycle + 1 in due:
            start = int(pins.start.value)
            got = [signed(start >> SUM_BITS * n & MASK, SUM_BITS) for n in range(DEPTH)]
            assert got == [signed(value & MASK, SUM_BITS) for value in due[cycle + 1]]
            checked += 1
    assert checked > 80


@cocotb.test()
async def rounding_lane(dut: Any) -> None:
    """Every shift: random sums, ties, both ends of the range and one step beyond."""
    pins = Pins(dut, "lane_")
    rng = np.random.default_rng(6)
    steps = Steps(pins.clk)
    cases: list[tuple[int, int, int, int]] = []  # sum, shift, residual, its shift
    for shift in range(32):
        unit, half = 1 << shift, 1 << shift >> 1
        for whole in (-32769, -32768, -32767, -2, -1, 0, 1, 2, 32766, 32767, 32768):
            base = whole * unit
            cases += [(base + d, shift, 0, 0) for d in (-half - 1, -half, -1, 0, 1, half, half + 1)]
        for _ in range(20):
            size = int(rng.integers(1, 38))
            value = int(rng.integers(-(2**size), 2**size))
            cases.append((value, shift, int(draw(rng, 1)[0]), int(rng.integers(0, 23))))
    cases = [case for case in cases if abs(case[0]) < 2**38]
    values, flags = zip(
        *(
            (int(y[0]), bool(n))
            for total, shift, residual, left in cases
            for y, n in [requantize(np.array([total + (residual << left)]), shift)]
        ),
        strict=True,
    )
    steps.start()
    for cycle in range(len(cases) + 8):

        def case(ago: int, now: int = cycle) -> tuple[int, int, int, int]:
            return cases[min(max(now - ago, 0), len(cases) - 1)]

        _, _, residual, left = case(0)
        pins.residual.value = residual & 0xFFFF
        pins.factor.value = 1 << left
        total, shift, _, _ = case(1)
        pins.sum.value = (total + (1 << shift >> 1)) & MASK
        shift = case(3)[1]
        pins.shift_eights.value = shift >> 3
        pins.dropped.value = (1 << shift) - 1 & 0x7FFFFFFF
        shift = case(4)[1]
        pins.shift_ones.value = shift & 7
        pins.rounds.value = int(shift != 0)
        await steps.run()
        place = cycle - 5  # the edges of 6 cycles from the residual to the value
        if 0 <= place < len(cases):
            got = signed(int(pins.value.value), 16), bool(int(pins.saturated.value))
            assert got == (values[place], flags[place]), cases[place]


@cocotb.test()
@cocotb.parametrize(pauses=[(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.6, 0.4)])
async def stream_fifo(dut: Any, pauses: tuple[float, float]) -> None:
    """Nothing is lost or doubled; without stalls a word moves in every cycle."""
    pins = Pins(dut, "fifo_")
    rng = random.Random(7)
    steps = Steps(pins.clk)
    sender = Sender(pins.in_data, pins.in_valid, pins.in_ready, rng, pauses[0])
    receiver = Receiver(
        lambda: int(pins.out_data.value), pins.out_valid, pins.out_ready, rng, pauses[1]
    )
    pins.reset.value = 1
    pins.out_ready.value = 0
    steps.start()
    await steps.run(2)
    pins.reset.value = 0
    steps.steps = [sender.step, receiver.step]
    words = [rng.getrandbits(16) for _ in range(300)]
    sender.send(words)
    begin = steps.cycle
    await steps.until(lambda: len(receiver.words) == 300, 2000)
    assert receiver.words == words
    if pauses == (0.0, 0.0):
        assert steps.cycle - begin <= 304


@cocotb.test()
async def scoreboard(dut: Any) -> None:
    """Random claims, completions and marks against a model."""
    pins = Pins(dut, "board_")
    rng = random.Random(8)
    steps = Steps(pins.clk)
    pins.claim.value = pins.complete.value = pins.set.value = pins.finish.value = 0
    pins.reset.value = 1
    steps.start()
    await steps.run(2)
    pins.reset.value = 0
    await steps.run()
    groups, busy = [511, *[0] * 7], [False] * 8
    for _ in range(500):
        completing, claimed, marked = rng.randrange(8), rng.randrange(8), rng.randrange(8)
        complete, claim, mark = (rng.random() < share for share in (0.5, 0.2, 0.1))
        finish, count = rng.random() < 0.3, rng.randrange(400)
        pins.complete.value, pins.complete_slot.value = int(complete), completing
        pins.finish.value = int(finish)
        pins.claim.value, pins.claim_slot.value = int(claim), claimed
        pins.set.value, pins.set_slot.value, pins.set_groups.value = int(mark), marked, count
        asked = [rng.randrange(8) for _ in range(3)]
        pins.source_slot.value, pins.residual_slot.value, pins.target_slot.value = asked
        if complete and completing:
            groups[completing] = (groups[completing] + 1) % 512
            busy[completing] = busy[completing] and not finish
        if mark and marked:
            groups[marked] = count
        if claim and claimed:
            groups[claimed], busy[claimed] = 0, True
        await steps.run()
        got = (int(pins.source_groups.value), int(pins.residual_groups.value))
        assert got == (groups[asked[0]], groups[asked[1]])
        assert bool(int(pins.target_busy.value)) == busy[asked[2]]
