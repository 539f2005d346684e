"""The engine at a small geometry: random products, chained, under random stalls."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cocotb
import numpy as np
from rtl.bench.engine import EngineBench, Report
from rtl.bench.products import Product, Weights
from rtl.bench.random_products import Programs, Tensor
from rtl.bench.signals import to_bits
from rtl.designs import DESCRIPTION, MAX_ALIGN, MOST_GROUPS, SMALL

PREFIX = "engine_"


@cocotb.test()
async def one_product(dut: Any) -> None:
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    product = Product(
        source=0,
        source_stride=6,
        rows=10,
        depth_words=6,
        out_words=5,
        target=200,
        target_stride=5,
        out_shift=20,
        has_bias=True,
        bias_shift=9,
        tag=77,
        stream=2,
    )
    result, saturated = bench.submit(product, bench.random_weights(product))
    await bench.finish(1, rows=result.size // SMALL.outputs)
    report = bench.reports.words[0]
    await bench.check_banks()
    bench.check_rows([(product, result)])
    assert (report.tag, report.failed, report.saturated) == (77, False, saturated)


class LateWriter:
    """Writes a tensor when a product has begun, and tells of its row groups."""

    LATENCY = 30  # from a product's first depth word to the first word that others write

    def __init__(self, bench: EngineBench) -> None:
        self.bench = bench
        # Number of the product, and the tensor with its row groups' words.
        self.tensors: list[tuple[int, Tensor, list[list[int]]]] = []
        self.group = 0
        self.asked = False
        bench.steps.steps.append(self.step)

    def step(self) -> None:
        """Write the next row group, or tell of the one that is written."""
        bench, tokens = self.bench, self.bench.geometry.tokens
        if not self.tensors or bench.user.left or bench.user.next < len(bench.user.requests):
            return
        number, tensor, words = self.tensors[0]
        if self.asked:
            bench.outside.slots.append(tensor.slot)
            self.asked = False
            self.group += 1
            if self.group == tensor.groups(tokens):
                self.tensors.pop(0)
                self.group = 0
            return
        if len(bench.begins) <= number or bench.rng.random() < bench.rows.pause:
            return
        if bench.steps.cycle >= bench.begins[number].cycle + self.LATENCY:
            begin = tensor.start + self.group * tensor.words
            bench.user.requests += enumerate(words[self.group], begin)
            self.asked = True

    def add(self, number: int, tensor: Tensor) -> None:
        """Write what the model holds now, when product `number` has begun."""
        memory = self.bench.model.memory
        starts = range(tensor.start, tensor.end(self.bench.geometry.tokens), tensor.words)
        words = [[to_bits(memory[at + w]) for w in range(tensor.words)] for at in starts]
        self.tensors.append((number, tensor, words))


@cocotb.test()
@cocotb.parametrize(seed=range(1, 4), pause=[0.0, 0.3, 0.7])
async def random_program(dut: Any, seed: int, pause: float) -> None:
    """A hundred products: earlier results as operands, residuals and weights; kept matrices.

    Others write tensors late, results grow by several products, slots are used again.
    """
    bench = EngineBench(dut, SMALL, prefix=PREFIX, seed=seed, pause=pause)
    await bench.start()
    narrow = (-300, 300)

    def weights(product: Product) -> Weights:
        limits = narrow if bench.rng.random() < 0.5 else (-32768, 32767)
        return bench.random_weights(product, *limits)

    programs = Programs(bench.model, bench.rng, weights)
    writer = LateWriter(bench)
    products, streamed, saturated, fills = [], [], [], []
    for tag in range(100):
        step = programs.draw(tag)
        product = step.product
        bench.commands.send([command.bits for command in (*step.placements, product)])
        if step.fed_ahead is not None:
            bench.feed(step.placements[-1], step.fed_ahead)
        if step.fed is not None:
            bench.feed(product, step.fed)
        result, count = bench.model.execute(product, step.weights)
        if step.written is not None:
            bench.model.randomize(step.written.start, step.written.end(SMALL.tokens))
            writer.add(tag, step.written)
        products.append(product)
        fills += [p for p in step.placements if p.fill]
        saturated.append(count)
        if product.stream:
            streamed.append((product, result))
    await bench.finish(100, rows=sum(result.size for _, result in streamed) // SMALL.outputs)
    await bench.steps.until(lambda: not writer.tensors)
    assert [(r.tag, r.failed) for r in bench.reports.words] == [(tag, False) for tag in range(100)]
    bench.check_rows(streamed)
    await bench.check_banks()
    assert [report.saturated for report in bench.reports.words] == saturated
    assert [report.largest for report in bench.reports.words] == bench.model.largest
    assert sum(saturated) > 100
    assert bench.commands.empty
    assert bench.weights.empty
    check_begins(bench, products)
    # What the program is for has happened in it.
    assert sum(p.transposed for p in fills) > 3
    assert sum(p.keep for p in products) > 20
    assert sum(p.keep and p.ring_offset > 0 for p in products) > 5
    assert sum(p.source_first > 0 for p in products) > 5
    assert sum(p.depth_words < SMALL.spacing for p in products) > 20
    assert sum(p.clear_slot > 0 for p in products) > 0
    assert sum(p.to_banks and not p.claim for p in products) > 1


def check_begins(bench: EngineBench, products: Sequence[Product]) -> None:
    """Each product told of its begin, and emptied its slots before."""
    assert [begin.announces for begin in bench.begins] == [p.announces for p in products]
    for begin, product in zip(bench.begins, products, strict=True):
        emptied = {product.clear_slot, product.target_slot if product.claim else 0} - {0}
        assert all(begin.groups[slot] == 0 for slot in emptied)
    cycles = [begin.cycle for begin in bench.begins]
    assert all(b - a >= bench.geometry.spacing for a, b in pairwise(cycles))


@cocotb.test()
async def largest_sums(dut: Any) -> None:
    """-32768 · -32768 over the longest rows, and its negative, at each of three shifts."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    words = SMALL.max_depth_words
    bench.model.memory[: 2 * words] = -32768
    await bench.start()
    product = Product(
        source=0,
        source_stride=words,
        rows=8,
        depth_words=words,
        out_words=2,
        target=400,
        target_stride=2,
        has_bias=True,
        bias_shift=MAX_ALIGN - 1,
    )
    for place, (weight, shift) in enumerate(
        (value, shift) for value in (-32768, 32767) for shift in (31, 23, 22)
    ):
        weights = Weights(
            np.full((SMALL.outputs, words * SMALL.depth), weight, np.int16),
            np.full(SMALL.outputs, -32768 if weight > 0 else 32767, np.int16),
        )
        moved = product.changed(target=400 + 4 * place, out_shift=shift)
        _, saturated = bench.submit(moved, weights)
        await bench.finish(place + 1)
        assert bench.reports.words[-1].saturated == saturated
        # 32767.5 rounds to 32768, which saturates; -32767.5 rounds to -32768, which does not.
        assert saturated == (64 if shift == 22 or (shift == 23 and weight < 0) else 0)
    await bench.check_banks()


# A command that the engine can run, and what turns it into one that it refuses.
GOOD = Product(
    source=0, source_stride=5, rows=9, depth_words=5, out_words=4, target=300, target_stride=4
)
LAST, RING, MOST = SMALL.activation_depth, SMALL.weight_depth, SMALL.max_depth_words
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "receiver": ("unknown_opcode", {"stream": 5, "has_residual": True}),
    "partner of nobody": ("unknown_opcode", {"stream": 2, "has_residual": True, "partner": True}),
    "partner without residual": ("unknown_opcode", {"stream": 6, "partner": True}),
    "sums of rows": ("unknown_opcode", {"stream": 3, "sums": True}),
    "shift of no sums": ("unknown_opcode", {"stream": 4, "sum_shift": 1}),
    "skip of no sums": ("unknown_opcode", {"stream": 4, "skip_first": True}),
    "matrix in row groups": ("unknown_opcode", {"stream": 4, "rows_outer": True}),
    "no rows": ("size_limit", {"rows": 0}),
    "rows": ("size_limit", {"rows": MOST * SMALL.tokens + 1}),
    "no depth": ("size_limit", {"depth_words": 0}),
    "depth": ("size_limit", {"depth_words": MOST + 1}),
    "no output": ("size_limit", {"out_words": 0}),
    "outputs": ("size_limit", {"out_words": MOST + 1}),
    "ring": ("size_limit", {"rows_outer": True, "out_words": 20, "depth_words": 7}),
    "kept": ("size_limit", {"keep": True, "out_words": 20, "depth_words": 7}),
    "ring's biases": (
        "size_limit",
        {"rows_outer": True, "out_words": 18, "depth_words": 4, "has_bias": True},
    ),
    "kept biases": (
        "size_limit",
        {"keep": True, "out_words": 18, "depth_words": 4, "has_bias": True},
    ),
    "empty ring": ("size_limit", {"fill": False}),
    "empty ring, kept": ("size_limit", {"fill": False, "keep": True}),
    "offset in an empty ring": ("size_limit", {"keep": True, "ring_offset": 1}),
    "offset without keep": ("size_limit", {"ring_offset": 1}),
    "transposed rows": ("size_limit", {"transposed": True, "last_rows": 0}),
    "more rows than banks": ("size_limit", {"transposed": True, "last_rows": 5}),
    "source": ("activation_address", {"source": LAST - 14}),
    "transposed source": (
        "activation_address",
        {"transposed": True, "last_rows": 4, "source": LAST - 22},
    ),
    "stride": ("activation_address", {"source_stride": LAST}),
    "target": ("activation_address", {"target": LAST - 11}),
    "residual": ("activation_address", {"has_residual": True, "residual": LAST - 11}),
    "bias_shift": ("shift_range", {"bias_shift": MAX_ALIGN + 1}),
    "residual_shift": ("shift_range", {"residual_shift": MAX_ALIGN + 1}),
    "claims its source": ("size_limit", {"target_slot": 3, "source_slot": 3}),
    "claims its residual": (
        "size_limit",
        {"target_slot": 3, "has_residual": True, "residual_slot": 3},
    ),
    "clears its source": ("size_limit", {"clear_slot": 3, "source_slot": 3}),
    "clears its residual": (
        "size_limit",
        {"clear_slot": 3, "has_residual": True, "residual_slot": 3},
    ),
    "count of the source": ("size_limit", {"source_slot": 3, "source_first": MOST_GROUPS - 2}),
    "count of the operand's depth": (
        "size_limit",
        {"source_slot": 3, "source_first": MOST_GROUPS - 4, "transposed": True, "last_rows": 1},
    ),
    "count of the residual": (
        "size_limit",
        {"has_residual": True, "residual_slot": 3, "residual_first": MOST_GROUPS - 2},
    ),
}
# Words that no product has: another unit, the end of a program, a bit that means nothing.
WRONG_BITS = {"unit": 1 << 12, "end": 1, "reserved": 1 << 255}
# The same a step inside the limit.
ACCEPTED: tuple[dict[str, Any], ...] = (
    {"source": LAST - 15},
    {"transposed": True, "last_rows": 4, "source": LAST - 23},
    {"target": LAST - 12},
    {"has_residual": True, "residual": LAST - 12},
    {"rows_outer": True, "out_words": 18, "depth_words": 7},
    {"rows_outer": True, "out_words": 16, "depth_words": 4, "has_bias": True, "target": 200},
    {"bias_shift": MAX_ALIGN, "residual_shift": MAX_ALIGN},
    {"depth_words": 1, "has_residual": True, "stream": 3},
    {"stream": 4},
    {"stream": 7, "has_residual": True, "partner": True},
    {"depth_words": 1, "rows_outer": True, "rows": 24, "has_bias": True, "has_residual": True},
    {"target_slot": 3, "source_first": MOST_GROUPS},
    {"claim": False, "target_slot": 3, "has_residual": True, "residual_first": MOST_GROUPS},
)


@cocotb.test()
async def refuses(dut: Any) -> None:
    """A refused command and what follows is reported in order; nothing is written, all drains."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=0.2)
    await bench.start()
    for name in (*REFUSED, *WRONG_BITS):
        code, values = REFUSED.get(name, ("unknown_opcode", {}))
        _, saturated = bench.submit(GOOD.changed(tag=1), bench.random_weights(GOOD))
        refused = GOOD.changed(tag=2, **values).bits ^ WRONG_BITS.get(name, 0)
        for command in (refused, GOOD.changed(tag=3, target=280).bits):
            bench.commands.send([command])
            bench.feed(GOOD, bench.random_weights(GOOD))
        await bench.finish(3)
        await bench.steps.until(lambda: bench.weights.empty)
        good, bad = Report(1, False, saturated), [Report(2, True, 0), Report(3, True, 0)]
        assert bench.reports.words == [good, *bad], name
        assert int(bench.pins.error.value) == DESCRIPTION.errors[code], name
        assert len(bench.begins) == 3
        await bench.reset()
    await bench.check_banks()


@cocotb.test()
async def accepts_what_just_fits(dut: Any) -> None:
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    saturated = []
    for number, values in enumerate(ACCEPTED):
        product = GOOD.changed(**values)
        weights = bench.random_weights(product, -100, 100)
        saturated.append(bench.submit(product, weights)[1])
        await bench.finish(number + 1)
    assert bench.reports.words == [Report(0, False, count) for count in saturated]
    await bench.check_banks()


@cocotb.test()
@cocotb.parametrize(transposed=[False, True])
async def waits_for_rows_of_others(dut: Any, transposed: bool) -> None:
    """Others write the operand's row groups late, in the middle of the product."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    groups, words = 6, 5
    late = range(100, 100 + groups * words)
    await bench.start(load=False)
    bench.write([address for address in range(SMALL.activation_depth) if address not in late])
    await bench.steps.until(lambda: bench.user.idle)
    product = Product(
        source=100,
        source_stride=words,
        rows=words * SMALL.depth if transposed else groups * SMALL.tokens,
        depth_words=groups if transposed else words,
        transposed=transposed,
        last_rows=3,
        out_words=5,
        target=300,
        target_stride=5,
        out_shift=22,
        source_slot=2,
    )
    _, saturated = bench.submit(product, bench.random_weights(product))
    await bench.steps.run(100)
    await bench.clear_statistics()
    for group in range(groups):
        await bench.steps.run(40)
        bench.write(late[group * words : (group + 1) * words])
        await bench.steps.until(lambda: bench.user.idle)
        await bench.complete(2)
    assert bench.stalls()["source"] > 150
    await bench.finish(1)
    assert bench.reports.words[0].saturated == saturated
    await bench.check_banks()


@cocotb.test()
async def others_share_port_b(dut: Any) -> None:
    """Reads of others get their words while results and residuals keep port B as busy as can be."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    product = GOOD.changed(rows=40, has_residual=True, residual=0, out_shift=22, target=300)
    for tag in range(6):
        bench.submit(product.changed(tag=tag), bench.random_weights(product))
    addresses = [bench.rng.randrange(240) for _ in range(150)]
    bench.user.requests += [(address, None) for address in addresses]
    await bench.finish(6)
    await bench.steps.until(lambda: bench.user.idle)
    for bank, words in enumerate(bench.user.read):
        want = [to_bits(bench.model.memory[address, bank]) for address in addresses]
        assert words == want
    await bench.check_banks()


@cocotb.test()
async def no_gap_between_queued_products(dut: Any) -> None:
    """Once weights are there, every cycle is a depth word until the last."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    product = GOOD.changed(rows=5 * SMALL.tokens)
    for number in range(6):  # the ring fills while the source is missing
        later = product.changed(source_slot=1, rows_outer=number % 2 == 0, target=240 + 20 * number)
        bench.submit(later, bench.random_weights(later))
    await bench.steps.run(300)
    await bench.clear_statistics()
    await bench.complete(1, 5)
    await bench.finish(6)
    stalls = bench.stalls()
    assert stalls["none"] == 6 * product.cycles(SMALL)
    waited = {name for name, cycles in stalls.items() if cycles and name != "none"}
    assert waited <= {"source", "command", "weights"}, stalls
    assert stalls["source"] <= 4, stalls
    assert stalls["command"] <= 30, stalls
    assert stalls["weights"] == 0, stalls
    await bench.check_banks()
