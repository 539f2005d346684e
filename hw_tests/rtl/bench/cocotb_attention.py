"""Keys and values from the banks: attention by products of the engine, and who waits for whom."""

from __future__ import annotations

from typing import Any, ClassVar

import cocotb
import numpy as np
from rtl.bench.engine import EngineBench, Report
from rtl.bench.products import Int16, Product, placement
from rtl.designs import DESCRIPTION, MOST_GROUPS, SMALL

PREFIX = "engine_"
TOKENS, PORTS, LAST = SMALL.tokens, SMALL.ports, SMALL.activation_depth


class Attention:
    """Two layers of attention with one or two heads each, all commands in the queue at once.

    A layer: queries, keys and values from an input (weights from the streams), scores of each
    head, probabilities that somebody writes when the scores are reported, context, projection. Both
    layers use the same places and slots, so what runs ahead must not take the first layer's rows.
    """

    QKV, RESULT, CONTEXT = 1, 2, 4
    PROBABILITY = (3, 5, 6, 7)  # a slot for each layer and head: others mark them

    def __init__(self, bench: EngineBench, *, small: bool = False) -> None:
        rng = bench.rng
        self.bench = bench
        # Small: the ring has room for the second layer's keys while the first is at work.
        self.head_count = 1 if small else 2
        self.rows = rng.randint(13, 16 if small else 24)
        self.head = 4 if small else rng.randint(4, 5)
        self.words = 4 if small else rng.randint(4, 6)
        self.groups = -(-self.rows // TOKENS)
        self.last_rows = self.rows - (self.groups - 1) * TOKENS
        self.row = 3 * self.head_count * self.head
        self.qkv = self.words * self.groups
        self.scores = self.qkv + self.row * self.groups
        self.probability = self.scores + self.groups**2
        self.context = self.probability + self.groups**2
        self.end = self.context + self.head_count * self.head * self.groups
        assert self.end <= LAST
        self.saturated: list[int] = []
        self.streamed: list[tuple[Product, Int16]] = []
        self.written: list[tuple[int, int, Int16]] = []  # report that it waits for, slot, words

    def dense(self, depth_words: int, out_words: int, **values: Any) -> None:
        """A product with weights from the streams."""
        product = Product(
            source_stride=depth_words,
            rows=self.rows,
            depth_words=depth_words,
            out_words=out_words,
            target_stride=out_words,
            tag=len(self.saturated),
            **values,
        )
        weights = self.bench.random_weights(product, -900, 900)
        self.saturated.append(self.bench.submit(product, weights)[1])

    def attend(self, layer: int, head: int) -> None:
        """Scores and context of a head."""
        bench, groups = self.bench, self.groups
        at, all_heads = self.qkv + head * self.head, self.head_count * self.head
        common = {"source_stride": self.row, "source_slot": self.QKV, "last_rows": self.last_rows}
        scores = Product(
            source=at,
            source_stride=self.row,
            source_slot=self.QKV,
            rows=self.rows,
            depth_words=self.head,
            out_words=groups,
            target=self.scores,
            target_stride=groups,
            target_slot=self.RESULT,
            out_shift=17,
            stream=1,
            rows_outer=bench.rng.random() < 0.5,
            tag=len(self.saturated),
        )
        result, count = bench.submit_placed(scores, source=at + all_heads, **common)
        self.saturated.append(count)
        self.streamed.append((scores, result))
        # Probabilities; what lies beyond the last token meets zeros.
        shape = (groups**2, TOKENS, SMALL.depth)
        words = bench.numbers.integers(-32768, 32768, shape).astype(np.int16)
        self.written.append((len(self.saturated), self.PROBABILITY[2 * layer + head], words))
        bench.model.memory[self.probability : self.context] = words
        context = Product(
            source=self.probability,
            source_stride=groups,
            source_slot=self.PROBABILITY[2 * layer + head],
            rows=self.rows,
            depth_words=groups,
            out_words=self.head,
            target=self.context + head * self.head,
            target_stride=all_heads,
            target_slot=self.CONTEXT,
            out_shift=18,
            rows_outer=bench.rng.random() < 0.5,
            tag=len(self.saturated),
        )
        _, count = bench.submit_placed(
            context, source=at + 2 * all_heads, transposed=True, **common
        )
        self.saturated.append(count)

    COMMON: ClassVar[dict[str, Any]] = {"has_bias": True, "bias_shift": 5, "out_shift": 14}

    def project(self, slot: int) -> None:
        """Queries, keys and values from an input that `slot` tracks."""
        place = {"source": 0, "source_slot": slot, "target": self.qkv, "target_slot": self.QKV}
        self.dense(self.words, self.row, **place, **self.COMMON)

    def heads(self, layer: int) -> None:
        """All heads of a layer, and its result in the place of its input."""
        for head in range(self.head_count):
            self.attend(layer, head)
        place = {"source": self.context, "source_slot": self.CONTEXT, "target": 0}
        words = self.head_count * self.head
        self.dense(words, self.words, target_slot=self.RESULT, **place, **self.COMMON)

    async def write_probabilities(self) -> None:
        """Write each head's probabilities when its scores are reported, then mark them."""
        bench = self.bench
        for number, slot, words in self.written:
            await bench.finish(number)
            await bench.steps.until(lambda: bench.user.idle)
            bench.model.memory[self.probability : self.context] = words
            for group in range(self.groups):
                begin = self.probability + group * self.groups
                bench.write(range(begin, begin + self.groups))
                await bench.steps.until(lambda: bench.user.idle)
                await bench.complete(slot)


@cocotb.test()
@cocotb.parametrize(seed=range(1, 4), pause=[0.0, 0.5], late=[False, True])
async def attention(dut: Any, seed: int, pause: float, late: bool) -> None:
    """`late`: the second layer's keys are placed when only the first's are there."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, seed=seed, pause=pause)
    await bench.start()
    work = Attention(bench, small=late)
    work.project(work.RESULT if late else 0)
    work.heads(0)
    work.project(work.RESULT)
    if late:
        await bench.steps.until(lambda: bench.commands.empty)
        await bench.steps.run(10)
        await bench.complete(work.RESULT, work.groups)
        await bench.finish(1)
    work.heads(1)
    if late:  # time enough to run ahead while the first layer waits for its probabilities
        await bench.steps.run(600)
    await work.write_probabilities()
    rows = sum(result.size for _, result in work.streamed) // SMALL.outputs
    await bench.finish(len(work.saturated), rows=rows)
    got = [(report.tag, report.failed, report.saturated) for report in bench.reports.words]
    assert got == [(tag, False, count) for tag, count in enumerate(work.saturated)]
    bench.check_rows(work.streamed)
    await bench.check_banks()
    assert bench.commands.empty
    assert bench.weights.empty


# A product whose weights lie in the banks, its placement, and what turns them into refused ones.
GOOD = Product(
    source=0, source_stride=5, rows=9, depth_words=5, out_words=4, target=300, target_stride=4,
    fill=False, out_shift=22, tag=2,
)  # fmt: skip
KEYS = placement(GOOD, source=100, source_stride=6, last_rows=3)
VALUES = placement(GOOD, source=100, source_stride=4, last_rows=3, transposed=True)
DENSE = GOOD.changed(fill=True)
KEPT = GOOD.changed(keep=True, ring_offset=10)
# Error, placements that are right, and then a command that is refused.
REFUSED: dict[str, tuple[str, list[Product]]] = {
    "no placement": ("size_limit", [GOOD]),
    "other depth": ("size_limit", [KEYS, GOOD.changed(depth_words=6)]),
    "other outputs": ("size_limit", [VALUES, GOOD.changed(out_words=5)]),
    "behind the last": ("size_limit", [KEYS, VALUES, KEPT.changed(ring_offset=11)]),
    "bias": ("size_limit", [KEYS, GOOD.changed(has_bias=True)]),
    "loop order": ("unknown_opcode", [KEYS.changed(rows_outer=True)]),
    "fill by columns with biases": (
        "unknown_opcode",
        [VALUES.changed(fill=True, has_bias=True)],
    ),
    "biases of keys": ("unknown_opcode", [KEYS.changed(has_bias=True)]),
    "keep": ("unknown_opcode", [KEYS.changed(keep=True)]),
    "stream": ("unknown_opcode", [VALUES.changed(stream=2)]),
    "claim": ("unknown_opcode", [VALUES.changed(claim=True)]),
    "clear": ("unknown_opcode", [VALUES.changed(clear_slot=7)]),
    "announce": ("unknown_opcode", [VALUES.changed(announce_store=True)]),
    "no rows": ("size_limit", [KEYS.changed(last_rows=0)]),
    "more rows than banks": ("size_limit", [VALUES.changed(last_rows=TOKENS + 1)]),
    "no depth": ("size_limit", [KEYS.changed(depth_words=0)]),
    "no outputs": ("size_limit", [KEYS.changed(out_words=0)]),
    "keys": ("activation_address", [KEYS.changed(source=LAST - 22)]),
    "values": ("activation_address", [VALUES.changed(source=LAST - 19)]),
    "count of keys": ("size_limit", [KEYS.changed(source_slot=1, source_first=MOST_GROUPS - 3)]),
    "count of values": (
        "size_limit",
        [VALUES.changed(source_slot=1, source_first=MOST_GROUPS - 4)],
    ),
}


@cocotb.test()
async def refuses(dut: Any) -> None:
    """What was placed before is used; nothing is written by what comes behind."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=0.2)
    await bench.start()
    place = {"source": 200, "source_stride": 5, "last_rows": 4}
    for name, (code, commands) in REFUSED.items():
        _, count = bench.submit_placed(GOOD.changed(tag=1), **place)
        bench.commands.send([command.changed(tag=9).bits for command in commands])
        bench.commands.send([DENSE.changed(tag=9, target=280).bits])
        bench.feed(DENSE, bench.random_weights(DENSE))
        await bench.finish(3)
        await bench.steps.until(lambda: bench.weights.empty)
        assert bench.reports.words == [Report(1, False, count), *[Report(9, True, 0)] * 2], name
        assert int(bench.pins.error.value) == DESCRIPTION.errors[code], name
        await bench.steps.run(4 * TOKENS * PORTS)  # placements that nobody takes
        await bench.reset()
    await bench.check_banks()


@cocotb.test()
async def just_fits(dut: Any) -> None:
    """Placements that end with the last word of the banks; tails of every length."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    counts = []
    for rows in range(1, TOKENS + 1):
        for transposed, source, stride in ((False, LAST - 23, 6), (True, LAST - 20, 4)):
            values = {"source": source, "source_stride": stride, "last_rows": rows}
            counts.append(bench.submit_placed(GOOD, transposed=transposed, **values)[1])
            await bench.finish(len(counts))
    assert bench.reports.words == [Report(2, False, count) for count in counts]
    await bench.check_banks()
