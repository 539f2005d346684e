"""Cycles and results of reference products at the full geometry."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb
from rtl.bench.engine import EngineBench
from rtl.bench.products import Product
from rtl.bench.steps import QKV, Shape, Softmax, StepAttention
from rtl.designs import FULL

# From a command to its report, less the cycles of the array: 8 in guard and queue, then the way of
# the last depth word (hls/rtl/README.md) and 2 for the report's queue.
LATENCY = 40
# Cycles of softmax from a step's last score to its first probability, for each word of a row: the
# first pass over the row, two rows of a word a cycle, and as much for the rest.
DELAY = 8


def dense(rows: int, depth_words: int, out_words: int, **values: Any) -> Product:
    """A product whose operand lies at 0 and whose result lies behind it."""
    groups = -(-rows // FULL.tokens)
    return Product(
        source=0,
        source_stride=depth_words,
        rows=rows,
        depth_words=depth_words,
        out_words=out_words,
        target=groups * depth_words,
        target_stride=out_words,
        out_shift=17,
        has_bias=True,
        bias_shift=9,
        **values,
    )


async def loaded(dut: Any) -> EngineBench:
    """An engine whose banks hold random rows where the products read."""
    bench = EngineBench(dut, FULL)
    await bench.start(load=False)
    bench.write(range(25 * 24))
    bench.write(range(2000, 2000 + 25 * 28))
    await bench.steps.until(lambda: bench.user.idle)
    return bench


async def check_result(bench: EngineBench, product: Product, count: int = 200) -> None:
    """Compare random words of the result's full row groups with the model's, in all banks."""
    end = product.target + product.rows // FULL.tokens * product.target_stride
    await bench.check_banks(random.Random(1).sample(range(product.target, end), count))


@cocotb.test()
async def alone(dut: Any) -> None:
    """197 x 192 x 576: from an empty ring, then with the first tile in the ring."""
    bench = await loaded(dut)
    product = dense(197, 24, 72)
    limit = product.cycles(FULL)
    assert limit == 10_800
    weights = bench.random_weights(product)
    await bench.clear_statistics()
    begin = bench.steps.cycle
    _, saturated = bench.submit(product, weights)
    await bench.finish(1)
    cold = bench.report_cycles[-1] - begin
    stalls = bench.stalls()
    dut._log.info("from its command, ring empty: %d cycles, %s", cold, stalls)
    assert bench.reports.words[0].saturated == saturated > 0
    assert stalls["none"] == limit
    # The first row group goes at the pace of the ports: 8 cycles a depth word instead of 1.
    assert 7 * 24 <= stalls["weights"] <= 7 * 24 + 8
    assert limit < cold - stalls["weights"] <= limit + LATENCY
    await check_result(bench, product)

    _, saturated = bench.submit(product.changed(source_slot=1), weights)
    await bench.steps.run(400)  # the command waits for its source; the ring fills meanwhile
    await bench.clear_statistics()
    begin = bench.steps.cycle
    await bench.complete(1, 25)
    await bench.finish(2)
    warm = bench.report_cycles[-1] - begin
    dut._log.info("from its first rows, ring full: %d cycles, %s", warm, bench.stalls())
    assert bench.stalls()["weights"] == 0
    assert limit < warm <= limit + LATENCY
    assert limit / warm > 0.995
    await check_result(bench, product)


@cocotb.test()
async def queued_layer(dut: Any) -> None:
    """The four products of a DeiT-T layer, each the operand of the next, queued together."""
    bench = await loaded(dut)
    free = 25 * 24
    qkv = dense(197, 24, 72, target_slot=1)
    projection = dense(197, 24, 24).changed(target=8000, rows_outer=True, target_slot=2)
    fc1 = dense(197, 24, 96).changed(source=8000, source_slot=2, target=free, target_slot=3)
    fc2 = dense(197, 96, 24).changed(source=free, source_slot=3, target=9000, target_slot=4)
    products = [qkv, projection, fc1, fc2]
    await bench.clear_statistics()
    begin = bench.steps.cycle
    saturated = [bench.submit(p, bench.random_weights(p, -300, 300))[1] for p in products]
    await bench.finish(4, limit=80_000)
    times = [begin, *bench.report_cycles]
    took = [after - before for before, after in itertools.pairwise(times)]
    limits = [product.cycles(FULL) for product in products]
    dut._log.info("queued: %s of %s, %s", took, limits, bench.stalls())
    assert [report.saturated for report in bench.reports.words] == saturated
    assert took[1:] == limits[1:]
    assert sum(limits) / sum(took) > 0.99
    await check_result(bench, fc2)


@cocotb.test()
async def narrow(dut: Any) -> None:
    """8 depth words, the fewest: all of port B is used, and still no cycle is lost."""
    bench = await loaded(dut)
    product = dense(197, 8, 28).changed(
        target=2000,
        residual=2000,
        has_residual=True,
        stream=1,
        source_slot=1,
    )
    result, saturated = bench.submit(product, bench.random_weights(product, -300, 300))
    await bench.steps.run(900)
    await bench.clear_statistics()
    await bench.complete(1, 25)
    await bench.finish(1, rows=result.size // FULL.outputs)
    stalls = bench.stalls()
    dut._log.info("8 depth words: %s", stalls)
    assert bench.reports.words[0].saturated == saturated
    assert stalls["none"] == product.cycles(FULL) == 1400
    assert {name for name, n in stalls.items() if n} <= {"none", "source", "command"}
    bench.check_rows([(product, result)])
    await check_result(bench, product)


@cocotb.test()
@cocotb.parametrize(
    (
        ("tokens", "placed", "waiting"),
        [(197, True, 4), (69, True, 4), (197, False, 4), (197, True, 1)],
    )
)
async def attention(dut: Any, tokens: int, placed: bool, waiting: int) -> None:
    """Three heads of DeiT-T in steps of a row group, and the projection.

    At 197 tokens that goes in steps too. At 69 the array would wait for its weights: it is one
    product there, tiles outer. Keys and values come from the banks. Probabilities are written DELAY
    cycles a word after their scores, with `waiting` words in front of each pair of banks. `placed`:
    the first head's keys and values are in the ring, as they are when the product before made them.
    """
    bench = EngineBench(dut, FULL)
    await bench.start(load=False)
    groups, head, row, width = -(-tokens // FULL.tokens), 8, 72, 24
    shape = Shape(
        tokens=tokens,
        heads=3,
        head=head,
        lag=7,
        **{"qkv": 0, "probability": 2000, "context": 3000, "result": 4000},
        score_shift=19,
        context_shift=19,
        in_steps=tokens > 100,
    )
    bench.write(range(groups * row))
    await bench.steps.until(lambda: bench.user.idle)
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += not int(bench.pins.bank_ready.value) & 1

    bench.steps.steps.append(count)
    work = StepAttention(bench, shape)
    Softmax(work, delay=DELAY * groups, waiting=waiting)
    await bench.complete(QKV, groups)
    work.place_first()
    await bench.steps.run(600 if placed else 0)
    await bench.clear_statistics()
    begin = bench.steps.cycle
    work.submit()
    rows = sum(result.size for _, result in work.streamed) // FULL.outputs
    await bench.finish(len(work.products), rows=rows)
    cycles, stalls, limit = bench.report_cycles[-1] - begin, bench.stalls(), work.limit
    dut._log.info(
        "%d tokens: %d cycles of %d, %s; port B: %d, and %d of others",
        *(tokens, cycles, limit, stalls, taken, work.steps * groups),
    )
    assert [report.saturated for report in bench.reports.words] == work.saturated
    bench.check_rows(work.streamed)
    results = [at + word for at in (3000, 4000) for word in range((groups - 1) * width)]
    await bench.check_banks(results)
    # Keys, values and context: 8 words each for every row group; then the projection's result.
    assert taken == 3 * 3 * 8 * groups + width * groups
    assert stalls["none"] == limit
    # From step to step no cycle is lost. Only the first step may find no keys: 4 blocks a depth
    # word, of which the step hides one; at 69 tokens the last steps follow softmax closely; and
    # who brings a word a cycle and waits for each bank falls behind.
    waited = {name: n for name, n in stalls.items() if n and name not in ("none", "command")}
    if not placed:
        blocks = 4 * head * -(-groups // FULL.ports)
        assert blocks * 3 // 4 <= waited.pop("weights") <= blocks * 3 // 4 + 16
    most = {(69, 4): 16, (197, 1): 700}.get((tokens, waiting), 0)
    assert waited.pop("source", 0) <= most
    assert not waited, waited
    assert (
        limit
        < cycles - sum(stalls.values()) + stalls["none"] + stalls["command"]
        <= (limit + LATENCY + 8)
    )
