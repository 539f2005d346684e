"""Attention in steps at the small geometry, under random stalls; what the ring holds for them."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.engine import EngineBench, Report
from rtl.bench.products import Product, Weights, ahead, placement
from rtl.bench.steps import QKV, Shape, Softmax, StepAttention
from rtl.designs import DESCRIPTION, SMALL

PREFIX = "engine_"


@cocotb.test()
@cocotb.parametrize(seed=range(1, 4), pause=[0.0, 0.6])
async def attention(dut: Any, seed: int, pause: float) -> None:
    """Heads in turn, keys and values of the next placed ahead, and the projection row by row."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, seed=seed, pause=pause)
    await bench.start()
    rng = bench.rng
    shape = Shape(
        tokens=rng.randint(13, 20),
        heads=rng.choice([2, 3]),
        head=rng.choice([1, 2]),
        lag=rng.randint(1, 3),
        **{"qkv": 0, "probability": 150, "context": 200, "result": 300},
        in_steps=seed != 3,
    )
    work = StepAttention(bench, shape)
    Softmax(work, delay=rng.choice([0, 40]), waiting=rng.randint(1, 4), pause=pause)
    work.place_first()
    work.submit()
    for _ in range(work.groups):  # rows of queries, keys and values, one by one
        await bench.steps.run(rng.choice([0, 30]))
        await bench.complete(QKV)
    rows = sum(result.size for _, result in work.streamed) // SMALL.outputs
    await bench.finish(len(work.products), rows=rows)
    await bench.steps.run(40)
    got = [(report.tag, report.failed, report.saturated) for report in bench.reports.words]
    assert got == [(tag, False, count) for tag, count in enumerate(work.saturated)]
    bench.check_rows(work.streamed)
    await bench.check_banks()
    assert bench.commands.empty
    assert bench.weights.empty
    assert [begin.groups[2] for begin in bench.begins[:1]] == [0]


# 2 tiles of 5 depth words; matrices of up to 7 depth words and 6 tiles.
GOOD = Product(
    source=0, source_stride=7, rows=9, depth_words=5, out_words=4, target=300, target_stride=12,
    out_shift=22,
)  # fmt: skip
KEPT = GOOD.changed(keep=True)
AGAIN = KEPT.changed(fill=False)
LAST = GOOD.changed(fill=False)
BIAS = {"has_bias": True, "bias_shift": 3}
WIDE = {"out_words": 8}  # 20 depth words
# What is refused after products that are right; each with the number of the matrix that it takes.
Sequence = list[tuple[Product, int]]
RING: dict[str, tuple[Sequence, Product]] = {
    "released": ([(KEPT, 0), (AGAIN, 0), (LAST, 0)], LAST),
    "kept beyond": ([(KEPT, 0)], AGAIN.changed(ring_offset=1)),
    "own fill beyond": ([(KEPT, 0)], KEPT.changed(ring_offset=11)),
    "more outputs": ([(KEPT, 0)], AGAIN.changed(**WIDE)),
    "two released": (
        [(KEPT, 0), (KEPT.changed(ring_offset=10), 1), (LAST, 0), (LAST, 1)],
        AGAIN,
    ),
    "kept, too many words": (
        [(KEPT.changed(**WIDE), 0), (KEPT.changed(ring_offset=20, **WIDE), 1)],
        KEPT.changed(ring_offset=40, out_words=12, depth_words=5),
    ),
    "rows outer, too many words": (
        [(KEPT, 0)],
        LAST.changed(rows_outer=True, fill=True, out_words=18, depth_words=8),
    ),
    "two with biases": ([(KEPT.changed(**BIAS), 0)], KEPT.changed(ring_offset=10, **BIAS)),
    "no biases": ([(KEPT, 0)], AGAIN.changed(**BIAS)),
    "biases released": (
        [(KEPT.changed(**BIAS), 0), (KEPT.changed(ring_offset=10), 1), (LAST.changed(**BIAS), 0)],
        AGAIN.changed(**BIAS),
    ),
    "released with an offset": ([(KEPT, 0)], LAST.changed(ring_offset=1)),
}
# Whatever the ring may hold: filled to the last word, read in part, released in any state.
FITS: Sequence = [
    (KEPT.changed(**BIAS), 0),
    (KEPT.changed(ring_offset=10, **WIDE), 1),
    (KEPT.changed(ring_offset=30, **WIDE), 2),
    (AGAIN.changed(ring_offset=30, **WIDE), 2),
    (KEPT.changed(ring_offset=50, depth_words=7), 3),
    (AGAIN.changed(ring_offset=50, depth_words=7, rows_outer=True), 3),
    (AGAIN.changed(rows_outer=True, **BIAS), 0),
    (AGAIN.changed(**BIAS), 0),
    (AGAIN.changed(ring_offset=10, **WIDE), 1),
    (LAST.changed(**BIAS), 0),
    (AGAIN.changed(ring_offset=40, depth_words=7), 3),
    (LAST.changed(**WIDE), 1),
    (LAST.changed(rows_outer=True, **WIDE), 2),
    (KEPT.changed(ring_offset=14, **BIAS), 4),
    (LAST.changed(depth_words=7), 3),
    (LAST.changed(**BIAS), 4),
    (GOOD.changed(out_words=12, depth_words=7, **BIAS), 5),
    (GOOD, 6),
]


def submit(bench: EngineBench, sequence: Sequence) -> list[int]:
    """Send products with their matrices; what each saturates."""
    matrices: list[Any] = []
    counts = []
    for tag, (product, number) in enumerate(sequence):
        if number == len(matrices):
            matrices.append(bench.random_weights(product))
        product = product.changed(tag=tag)
        counts.append(bench.submit(product, matrices[number])[1])
    return counts


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def kept_matrices(dut: Any, pause: float) -> None:
    """Matrices in the ring, read in any order as often as wanted, released from the oldest on."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=pause)
    await bench.start()
    counts = submit(bench, FITS)
    await bench.finish(len(FITS))
    # Biases that are used often give up their places once: else these would find none, or others'.
    last = GOOD.changed(tag=len(FITS), **BIAS)
    counts.append(bench.submit(last, bench.random_weights(last))[1])
    await bench.finish(len(FITS) + 1)
    assert bench.reports.words == [Report(tag, False, n) for tag, n in enumerate(counts)]
    await bench.check_banks()
    assert bench.weights.empty


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def filled_ahead(dut: Any, pause: float) -> None:
    """Weights from the streams that come before the products that take them."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=pause)
    await bench.start()
    whole = LAST.changed(rows_outer=True, **BIAS, **WIDE)  # taken by two products
    part = whole.changed(out_words=4)
    products = [KEPT, AGAIN, LAST, part, part.changed(target=380), GOOD.changed(**BIAS)]
    kept, later, last = (bench.random_weights(product) for product in (KEPT, whole, products[-1]))
    outputs = SMALL.outputs * part.out_words // SMALL.ports
    halves = [
        Weights(later.weight[rows], later.bias[rows])
        for rows in (slice(outputs), slice(outputs, None))
    ]
    bench.feed(KEPT, kept)
    bench.feed(whole, later)
    bench.feed(products[-1], last)
    commands = [product.changed(tag=tag).bits for tag, product in enumerate(products)]
    bench.commands.send([commands[0], ahead(whole).changed(tag=77).bits, *commands[1:]])
    weights = [kept, kept, kept, *halves, last]
    counts = [
        bench.model.execute(product, matrix)[1]
        for product, matrix in zip(products, weights, strict=True)
    ]
    await bench.finish(len(products))
    assert bench.reports.words == [Report(tag, False, n) for tag, n in enumerate(counts)]
    await bench.check_banks()
    assert bench.weights.empty


@cocotb.test()
@cocotb.parametrize(wrong=["source_slot", "stream", "keep", "has_residual"])
async def filled_ahead_refuses(dut: Any, wrong: str) -> None:
    """Fields that mean nothing when the ring is filled ahead."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=0.2)
    await bench.start()
    bench.commands.send([ahead(GOOD).changed(tag=5, **{wrong: 1}).bits])
    await bench.finish(1)
    assert bench.reports.words == [Report(5, True, 0)]
    assert int(bench.pins.error.value) == DESCRIPTION.errors["unknown_opcode"]


@cocotb.test()
async def placements_wait_for_room(dut: Any) -> None:
    """As many placements as the queues hold wait for room that a product behind them makes."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    kept = GOOD.changed(out_words=20, depth_words=6, target_stride=20)  # 60 of 64 words
    weights = bench.random_weights(kept)
    counts = [bench.submit(kept.changed(keep=True), weights)[1]]
    placed = GOOD.changed(out_words=2, fill=False)
    commands = [
        placement(placed, source=100 + 10 * number, source_stride=5, last_rows=4)
        for number in range(10)
    ]
    bench.commands.send([command.bits for command in commands])
    matrices = [bench.model.placed(command) for command in commands]
    counts.append(bench.submit(kept.changed(fill=False), weights)[1])
    counts += [bench.submit(placed, matrix)[1] for matrix in matrices]
    await bench.finish(len(counts))
    assert [report.saturated for report in bench.reports.words] == counts
    await bench.check_banks()


@cocotb.test()
async def ring_refuses(dut: Any) -> None:
    """Products that would read words or biases which the ring does not hold for them."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, pause=0.2)
    await bench.start()
    for name, (sequence, command) in RING.items():
        counts = submit(bench, sequence)
        refused = command.changed(tag=99)
        bench.commands.send([refused.bits])
        if refused.fill:
            bench.feed(refused, bench.random_weights(refused))
        await bench.finish(len(counts) + 1)
        await bench.steps.until(lambda: bench.weights.empty)
        good = [Report(tag, False, count) for tag, count in enumerate(counts)]
        assert bench.reports.words == [*good, Report(99, True, 0)], name
        assert int(bench.pins.error.value) == DESCRIPTION.errors["size_limit"], name
        await bench.reset()
    await bench.check_banks()


@cocotb.test()
async def placement_waits_long(dut: Any) -> None:
    """Placements wait for rows of others, before and long after the product that is fed by them.

    They are told of an older tensor in the same slot, whose rows they must not take.
    """
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    slot, place = 5, range(100, 112)
    await bench.complete(slot, 4)  # the older tensor's
    first = GOOD.changed(out_words=2, rows=4, source_slot=6, clear_slot=slot)
    kept = first.changed(source_slot=0, clear_slot=0, keep=True)
    weights = [bench.random_weights(product) for product in (first, kept)]
    counts = [bench.submit(first, weights[0])[1], bench.submit(kept, weights[1])[1]]
    keys = placement(GOOD, source=100, source_stride=5, source_slot=slot, last_rows=2)
    keys = keys.changed(out_words=2)
    values = keys.changed(transposed=True, source_stride=2, depth_words=2, source_first=1)
    bench.commands.send([keys.bits, values.bits])
    fast = kept.changed(fill=False)
    counts += [bench.submit(fast, weights[1])[1] for _ in range(40)]
    bench.model.randomize(place.start, place.stop)
    counts.append(bench.submit(fast.changed(keep=False), weights[1])[1])
    last = first.changed(source_slot=0, clear_slot=0, fill=False, target=320)
    counts.append(bench.submit(last, bench.model.placed(keys))[1])
    last = last.changed(depth_words=2, target=340)
    counts.append(bench.submit(last, bench.model.placed(values))[1])
    await bench.steps.run(100)
    assert not bench.begins
    await bench.complete(6)
    await bench.finish(len(counts) - 2)
    await bench.steps.run(50)
    assert len(bench.begins) == len(counts) - 2
    bench.write(place)
    await bench.steps.until(lambda: bench.user.idle)
    for _ in range(3):
        await bench.complete(slot)
        await bench.steps.run(50)
    await bench.finish(len(counts))
    assert [report.saturated for report in bench.reports.words] == counts
    await bench.check_banks()


@cocotb.test()
@cocotb.parametrize(depth_words=[1, 2, SMALL.spacing, SMALL.spacing + 1])
async def no_gap_between_steps(dut: Any, depth_words: int) -> None:
    """Products of one row group and tile follow each other as closely as their results can.

    They read residuals, write to banks and stream, and count rows of one tensor.
    """
    bench = EngineBench(dut, SMALL, prefix=PREFIX)
    await bench.start()
    step = Product(
        source=0,
        source_stride=5,
        source_slot=1,
        rows=SMALL.tokens,
        depth_words=depth_words,
        out_words=2,
        target_stride=2,
        target_slot=2,
        has_residual=True,
        residual_shift=3,
        has_bias=True,
        out_shift=20,
        stream=3,
        keep=True,
    )
    count = 60
    weights = bench.random_weights(step)
    expected, saturated = [], []
    for tag in range(count):
        product = step.changed(
            tag=tag,
            source=tag % 4 * 5,
            source_first=tag,
            residual=200 + 2 * tag,
            target=330 + 2 * tag,
            fill=tag == 0,
            claim=tag == 0,
            keep=tag + 1 < count,
        )
        result, clamped = bench.submit(product, weights)
        expected.append((product, result))
        saturated.append(clamped)
    await bench.steps.run(200)  # the queue fills while the operand is missing
    assert not bench.begins
    await bench.complete(1, count)
    rows = sum(result.size for _, result in expected) // SMALL.outputs
    await bench.finish(count, rows=rows)
    cycles = [begin.cycle for begin in bench.begins]
    assert cycles[-1] - cycles[0] == (count - 1) * max(depth_words, SMALL.spacing)
    assert bench.groups()[2] == count
    assert [report.saturated for report in bench.reports.words] == saturated
    bench.check_rows(expected)
    await bench.check_banks()
