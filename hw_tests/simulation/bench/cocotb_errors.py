"""A program that the kernel cannot execute stops with its code, and touches nothing it must not."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from numpy.typing import NDArray
from programs import random_bundle
from simulation.bench.job import Job
from simulation.bench.tb import started_bench

from trivit.host.bundle import Bundle
from trivit.host.generated import spec
from trivit.host.images import preprocess
from trivit.host.instructions import KernelError, decode, encode
from trivit.host.oracle.checks import memory_regions
from trivit.host.oracle.machine import Machine
from trivit.host.tracing import with_trace

UNTOUCHED = np.uint16(0xA5A5).astype(np.int16)
LAST = spec.PROGRAM_DEPTH - 1
HUGE = 2**32 - 1
ONE_PAST = -1  # stands for the first address whose access ends one word behind its region

# opcode, changed fields, expected error. The memory accepts no access outside the buffers, which
# end with their last word, so a check that lets one word too many through is seen as well.
BAD_FIELDS: list[tuple[str, dict[str, int], str]] = [
    ("load", {"rows": 0}, "size_limit"),
    ("matmul", {"depth_words": spec.MAX_DEPTH_WORDS + 1}, "size_limit"),
    ("attention", {"heads": HUGE}, "size_limit"),
    ("patchify", {"dst": LAST + 1}, "activation_address"),
    ("select_connections", {"index": HUGE}, "activation_address"),
    ("load", {"source": HUGE}, "memory_address"),
    ("patchify", {"source": 1}, "memory_address"),
    ("store", {"target": HUGE}, "memory_address"),
    ("matmul", {"weight": HUGE}, "memory_address"),
    ("matmul", {"beta": HUGE}, "memory_address"),
    ("load", {"source": ONE_PAST}, "memory_address"),
    ("store", {"target": ONE_PAST}, "memory_address"),
    ("matmul", {"weight": ONE_PAST}, "memory_address"),
    ("matmul", {"gamma": ONE_PAST}, "memory_address"),
    ("matmul", {"out_shift": spec.MAX_SHIFT + 1}, "shift_range"),
    ("attention", {"prob_frac": 16}, "shift_range"),
]


def changed(
    bundle: Bundle, opcode: str, fields: dict[str, int], flag: str | None = None
) -> tuple[Bundle, int]:
    """The bundle with `fields` of the last `opcode` with `flag` changed, and that one's index."""
    decoded = [decode(words) for words in bundle.program]
    index = max(
        i
        for i, found in enumerate(decoded)
        if found and found.opcode == opcode and (flag is None or flag in found.flags)
    )
    found = decoded[index]
    assert found is not None
    sizes = {
        "params": len(bundle.params) // 8,
        "input": bundle.input_words,
        "output": bundle.output_words,
    }
    last = {name: sizes[region] - n for name, (region, _, n) in memory_regions(found).items()}
    fields = {
        name: last[name] + 1 if value == ONE_PAST else value for name, value in fields.items()
    }
    program = bundle.program.copy()
    program[index] = encode(opcode, found.flags, **{**found.fields, **fields})
    return bundle.with_instructions(program), index


def expected_after(
    bundle: Bundle, image: NDArray[np.int16], index: int
) -> tuple[NDArray[np.int16], NDArray[np.uint64]]:
    """What `index` instructions leave in an output region, and their saturation counts."""
    region = np.zeros(bundle.output_words * 8, dtype=np.int16)
    saturations = np.zeros(0, dtype=np.uint64)
    if index:
        region, saturations = Machine().run(
            bundle.program[:index], bundle.params, image, bundle.output_words
        )
    stored = np.zeros(region.size, dtype=bool)
    for words in bundle.program[:index]:
        instruction = decode(words)
        if instruction is not None and instruction.opcode == "store":
            f = instruction.fields
            stored[8 * f["target"] : 8 * (f["target"] + f["rows"] * f["words"])] = True
    return np.where(stored, region, UNTOUCHED), saturations


async def refused(
    dut: Any,
    bundle: Bundle,
    images: NDArray[np.uint8],
    error: str,
    index: int,
    pressure: int | None = None,
) -> None:
    """Run a bundle that must stop at `index` in the first image, and check all that it left."""
    inputs = preprocess(bundle, images)
    try:
        Machine().run(bundle.program, bundle.params, inputs[0], bundle.output_words)
    except KernelError as reference:
        assert (reference.code, reference.index) == (spec.ERRORS[error], index)
    else:
        raise AssertionError("the reference accepts this program")

    bench = await started_bench(dut, pressure)
    outcome = await Job(bench, bundle, images).run()
    assert outcome.status == spec.ERRORS[error] << 24 | index, f"status {outcome.status:#x}"
    region, saturations = expected_after(bundle, inputs[0], index)
    np.testing.assert_array_equal(outcome.regions[0], region)
    assert (outcome.regions[1:] == UNTOUCHED).all(), "the second image was begun"
    np.testing.assert_array_equal(outcome.saturations[:index], saturations)
    bench.check_buses()

    # The kernel works again at once.
    good, good_images = random_bundle(1)
    after = await Job(bench, good, good_images).run()
    assert after.status == 0
    bench.check_buses()


@cocotb.test()
@cocotb.parametrize(case=range(len(BAD_FIELDS)))
async def bad_field(dut: Any, case: int) -> None:
    opcode, fields, error = BAD_FIELDS[case]
    bundle, images = random_bundle(11)
    bundle, index = changed(with_trace(bundle), opcode, fields)
    await refused(dut, bundle, images, error, index, pressure=9 if case % 2 else None)


@cocotb.test()
@cocotb.parametrize(head=[0, 0xFF, 0x8000_0001])
async def unknown_opcode_or_flag(dut: Any, head: int) -> None:
    bundle, images = random_bundle(12)
    bundle = with_trace(bundle)
    index = 7
    bundle.program[index, 0] = head
    await refused(dut, bundle, images, "unknown_opcode", index)


@cocotb.test()
@cocotb.parametrize(reader=[("matmul", "compact"), ("select_connections", None)])
async def index_outside_its_tensor(dut: Any, reader: tuple[str, str | None]) -> None:
    bundle, images = random_bundle(13)
    positions = next(tensor for tensor in bundle.tensors if tensor.name == "positions")
    opcode, flag = reader
    bundle, index = changed(with_trace(bundle), opcode, {"index": positions.address}, flag)
    await refused(dut, bundle, images, "index_range", index)


@cocotb.test()
@cocotb.parametrize(length=[0, spec.MAX_INSTRUCTIONS + 1, HUGE])
async def program_length(dut: Any, length: int) -> None:
    bundle, images = random_bundle(14)
    bench = await started_bench(dut)
    job = Job(bench, bundle, images)
    job.scalars["num_instructions"] = length
    outcome = await job.run()
    assert outcome.status == spec.ERRORS["program_length"] << 24
    assert (outcome.regions == UNTOUCHED).all()
    assert (job.buffers["stats"].array(np.int16) == UNTOUCHED).all()
    bench.check_buses()


@cocotb.test()
@cocotb.parametrize(missing=["program", "params", "input", "output", "stats"])
async def bus_errors_are_seen(dut: Any, missing: str) -> None:
    """A pointer to nowhere: the bus answers with errors, the shell says so, nothing hangs."""
    bundle, images = random_bundle(15)
    bench = await started_bench(dut)
    job = Job(bench, bundle, images)
    job.buffers[missing].address = 0x10_0000
    bench.memory.buffers.remove(job.buffers[missing])
    await job.configure()
    assert not bench.bus_error()
    await bench.start()
    await bench.wait_done()
    assert bench.bus_error()
    assert bench.memory.violations
    assert all("outside all buffers at 0x1" in text for text in bench.memory.violations)
