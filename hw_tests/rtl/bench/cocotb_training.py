"""What the engine does for training: partners, sums of operands, second reports."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from rtl.bench.engine import EngineBench, Report, row_order
from rtl.bench.products import Product
from rtl.bench.signals import from_bits
from rtl.designs import MAX_ALIGN, SMALL

PREFIX = "engine_"


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def partners(dut: Any, pause: float) -> None:
    """Residuals leave beside the results and are not added, between products that add theirs."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, seed=3, pause=pause)
    await bench.start()
    rng, streamed, saturated = bench.rng, [], []
    for tag in range(40):
        rows, out_words = rng.randint(1, 14), rng.randint(1, 5)
        has_residual = rng.random() < 0.8
        partner = has_residual and rng.random() < 0.7
        product = Product(
            source=rng.randrange(100),
            source_stride=9,
            rows=rows,
            depth_words=rng.randint(1, 9),
            out_words=out_words,
            target=300 + 20 * rng.randrange(8),
            target_stride=out_words,
            residual=rng.randrange(200),
            residual_shift=rng.randint(0, MAX_ALIGN),
            has_residual=has_residual,
            partner=partner,
            stream=rng.randint(5, 7) if partner else rng.randint(1, 3),
            out_shift=rng.randint(14, 24),
            to_banks=rng.random() < 0.3,
            rows_outer=rng.random() < 0.3,
            tag=tag,
        )
        partners_of = bench.model.partners(product) if partner else None
        result, count = bench.submit(product, bench.random_weights(product))
        streamed.append((product, result, partners_of))
        saturated.append(count)
    await bench.finish(40, rows=sum(result.size for _, result, _ in streamed) // SMALL.outputs)
    bench.check_rows([(product, result) for product, result, _ in streamed])
    assert [report.saturated for report in bench.reports.words] == saturated
    assert [report.largest for report in bench.reports.words] == bench.model.largest
    place, outputs = 0, SMALL.outputs
    for product, result, partners_of in streamed:
        for tile, row in row_order(product, result.shape[1] // outputs, SMALL.tokens):
            if partners_of is not None:
                want = partners_of[row, outputs * tile : outputs * (tile + 1)]
                got = from_bits(bench.partners[place], outputs)
                np.testing.assert_array_equal(got, want, f"partner {place} of {product}")
            place += 1
    await bench.check_banks()


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.6])
async def sums(dut: Any, pause: float) -> None:
    """Each row group's sums once, rounded, zero beyond the last row; a report of their own."""
    bench = EngineBench(dut, SMALL, prefix=PREFIX, seed=4, pause=pause)
    await bench.start()
    rng, words, reports, streamed = bench.rng, [], [], []
    for tag in range(60):
        transposed = rng.random() < 0.7
        extremes = rng.random() < 0.2
        source = rng.randrange(150)
        if extremes:  # sums that saturate, and ties
            bench.model.memory[440:480] = rng.choice((-32768, 32767, 1, 2, 3))
            source = 440
            bench.write(range(440, 480))
            await bench.steps.until(lambda: bench.user.idle)
        depth_words = rng.randint(1, 9)
        product = Product(
            source=source,
            source_stride=rng.randint(1, 9) if not extremes else 2,
            rows=rng.randint(1, 9 if extremes else 22),
            depth_words=1 if extremes else depth_words,
            last_rows=rng.randint(1, SMALL.tokens),
            out_words=rng.randint(1, 5),
            transposed=transposed,
            to_banks=False,
            claim=False,
            stream=4,
            out_shift=20,
            sums=rng.random() < 0.7,
            tag=tag,
        )
        if product.sums:
            product = product.changed(
                skip_first=rng.random() < 0.5, sum_shift=rng.choice((0, 1, 2, 7, 12, 31))
            )
        result, count = bench.submit(product, bench.random_weights(product))
        streamed.append((product, result))
        reports.append((Report(tag, False, count), bench.model.largest[-1]))
        if product.sums:
            values, clamped = bench.model.sums(product)
            padded = np.zeros(-(-len(values) // SMALL.tokens) * SMALL.tokens, np.int16)
            padded[: len(values)] = values
            words += list(padded.reshape(-1, SMALL.tokens))
            largest = int(np.abs(values.astype(np.int64)).max())
            reports.append((Report(tag, False, clamped, sums=True), largest))
        if extremes:
            rows = sum(result.size for _, result in streamed) // SMALL.outputs
            await bench.finish(len(reports), rows=rows)
    rows = sum(result.size for _, result in streamed) // SMALL.outputs
    await bench.finish(len(reports), rows=rows)
    await bench.steps.until(lambda: len(bench.sums.words) >= len(words), 100)
    assert bench.reports.words == [report for report, _ in reports]
    assert [report.largest for report in bench.reports.words] == [most for _, most in reports]
    assert sum(report.saturated for report, _ in reports if report.sums) > 0
    got = [from_bits(word, SMALL.tokens) for word in bench.sums.words]
    np.testing.assert_array_equal(got, words)
    bench.check_rows(streamed)
