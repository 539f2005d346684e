"""Cycles and results of reference products at the full geometry."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from rtl.bench.engine import EngineBench
from rtl.bench.products import Product
from rtl.designs import FULL

# From the go to the report: guard and queue, latency of the array, rounding, write-back.
LATENCY = 45


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
        out_shift=20,
        has_bias=True,
        bias_shift=9,
        **values,
    )


async def loaded(dut: Any) -> EngineBench:
    """An engine whose banks hold random rows where the products read."""
    bench = EngineBench(dut, FULL)
    await bench.start(load=False)
    bench.write(range(25 * 24))
    await bench.steps.until(lambda: bench.user.idle)
    return bench


async def check_result(bench: EngineBench, product: Product, count: int = 200) -> None:
    """Compare random words of the result's full row groups with the model's, in all banks."""
    end = product.target + product.rows // FULL.tokens * product.target_stride
    await bench.check_banks(random.Random(1).sample(range(product.target, end), count))


@cocotb.test()
async def reference_product(dut: Any) -> None:
    """197 x 192 x 576, alone: from cold weights, then with the first tile in the ring."""
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
    dut._log.info("cold: %d cycles, %s", cold, stalls)
    assert bench.reports.words[0].saturated == saturated
    await check_result(bench, product)

    # The command waits for its source; the ring fills meanwhile.
    _, saturated = bench.submit(product.changed(source_slot=1), weights)
    await bench.steps.run(400)
    await bench.clear_statistics()
    begin = bench.steps.cycle
    await bench.mark(1, 25)
    await bench.finish(2)
    warm = bench.report_cycles[-1] - begin
    dut._log.info("warm: %d cycles, %s", warm, bench.stalls())


@cocotb.test()
async def queued_layer(dut: Any) -> None:
    """The four products of a DeiT-T layer with weights, one behind the other."""
    bench = await loaded(dut)
    names = ("qkv", "projection", "fc1", "fc2")
    qkv = dense(197, 24, 72, target_slot=1)
    products = [
        qkv,
        dense(197, 24, 24, source_slot=0).changed(target=8000, rows_outer=True, target_slot=2),
        qkv.changed(out_words=96, target_stride=96, source=8000, source_slot=2, target=600),
        dense(197, 96, 24).changed(source=600, target=8000, source_slot=1, target_slot=2),
    ]
    products[2] = products[2].changed(target_slot=1)
    products[3] = products[3].changed(target_slot=3)
    await bench.clear_statistics()
    begin = bench.steps.cycle
    for product in products:
        bench.submit(product, bench.random_weights(product, -300, 300))
    await bench.finish(4, limit=80_000)
    took = bench.report_cycles[-1] - begin
    limit = sum(product.cycles(FULL) for product in products)
    dut._log.info("layer: %d cycles of %d, %s", took, limit, bench.stalls())
    for name, product, before, after in zip(
        names, products, [begin, *bench.report_cycles], bench.report_cycles, strict=False
    ):
        dut._log.info("%s: %d of %d", name, after - before, product.cycles(FULL))
    await check_result(bench, products[3])
