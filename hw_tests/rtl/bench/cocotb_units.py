"""What stands behind the array, and the parts that several units use, against numpy."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from rtl.bench.numbers import DEPTH, MASK, draw, signed
from rtl.bench.signals import Pins, Receiver, Sender, Steps, to_bits
from rtl.designs import COUNT_BITS, MAX_ALIGN, MOST_GROUPS, SUM_BITS

from trivit.host.fixed_point import requantize


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
            bias, bias_shift = draw(rng, DEPTH), int(rng.integers(0, MAX_ALIGN + 1))
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
    """Random begins and completions, by the engine and by four others, against a model."""
    pins = Pins(dut, "board_")
    rng = random.Random(8)
    steps = Steps(pins.clk)
    for name in ("begins", "writes", "claim", "complete", "finish", "outside", "outside_slot"):
        getattr(pins, name).value = 0
    pins.target_slot.value = pins.empty_slot.value = 0
    pins.reset.value = 1
    steps.start()
    await steps.run(2)
    pins.reset.value = 0
    await steps.run()
    groups, writers = [MOST_GROUPS, *[0] * 7], [0] * 8
    busy_seen = 0
    for _ in range(800):
        target, empty, completing = rng.randrange(8), rng.randrange(8), rng.randrange(8)
        claim, writes = (int(rng.random() < 0.5) for _ in range(2))
        complete = rng.random() < 0.5
        finish = complete and writers[completing] > 0 and rng.random() < 0.4
        outside, slots = rng.getrandbits(4), [rng.randrange(8) for _ in range(4)]
        pins.target_slot.value, pins.empty_slot.value = target, empty
        pins.claim.value, pins.writes.value = claim, writes
        pins.complete.value, pins.complete_slot.value = int(complete), completing
        pins.finish.value = int(finish)
        pins.outside.value = outside
        pins.outside_slot.value = sum(slot << 3 * place for place, slot in enumerate(slots))
        busy = bool(claim and writers[target]) or writers[empty] > 0
        begins = not busy and rng.random() < 0.2  # issue waits for a busy slot
        busy_seen += busy
        pins.begins.value = int(begins)
        asked = [rng.randrange(8) for _ in range(3)]
        pins.source_slot.value, pins.residual_slot.value, pins.placed_slot.value = asked
        written = [slot for place, slot in enumerate(slots) if outside >> place & 1]
        for slot in [*written, *([completing] if complete else [])]:
            if slot:
                groups[slot] = (groups[slot] + 1) & MOST_GROUPS
        if begins:
            for slot in {empty, *([target] if claim else [])} - {0}:
                groups[slot] = 0
        if begins and writes and target:
            writers[target] += 1
        if finish and completing:
            writers[completing] -= 1
        await steps.run()
        # At the falling edge before, the inputs were set; counts have followed, `busy` is new.
        counts = (pins.source_groups, pins.residual_groups, pins.placed_groups)
        assert [int(count.value) for count in counts] == [groups[slot] for slot in asked]
        got = int(pins.slot_groups.value)
        assert [got >> COUNT_BITS * slot & MOST_GROUPS for slot in range(8)] == groups
        busy = bool(claim and writers[target]) or writers[empty] > 0
        assert bool(int(pins.busy.value)) == busy
    assert busy_seen > 50
