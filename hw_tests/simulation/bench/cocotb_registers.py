"""The register file behaves as kernel.yaml and ap_ctrl_hs (vivado flow) say.

The kernel runs here without a program: it must end at once with the error `program_length`.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp
from simulation.bench.tb import started_bench

from trivit.host.generated import spec

ARGUMENTS = [
    name
    for name in spec.EMULATOR_REGISTERS
    if name not in ("control", "gier", "ier", "isr", "status")
]
NO_PROGRAM = spec.ERRORS["program_length"] << 24
DONE, READY = 1, 2  # bits of IER and ISR
PRESSURE = [None, 3]


@cocotb.test()
@cocotb.parametrize(pressure=PRESSURE)
async def reset_values(dut: Any, pressure: int | None) -> None:
    bench = await started_bench(dut, pressure)
    for _ in range(2):
        assert await bench.control_bits() == {"idle"}
        for name in spec.EMULATOR_REGISTERS:
            if name != "control":
                assert await bench.read(name) == 0, name
                await bench.write(name, 0xFFFFFFFF)
        await bench.reset()  # the second pass shows that reset clears what was written
    assert not dut.interrupt.value


@cocotb.test()
@cocotb.parametrize(pressure=PRESSURE)
async def arguments_hold_what_is_written(dut: Any, pressure: int | None) -> None:
    bench = await started_bench(dut, pressure)
    generator = random.Random(5)
    places = [(name, False) for name in ARGUMENTS] + [
        (name, True) for name in spec.EMULATOR_POINTERS
    ]
    expected = {place: generator.getrandbits(32) for place in places}
    for (name, high), value in expected.items():
        await bench.write(name, value, high)
    for (name, high), value in expected.items():
        assert await bench.read(name, high) == value, (name, high)

    # A write of two bytes leaves the other two alone.
    offset = spec.EMULATOR_REGISTERS["num_images"]
    await bench.write("num_images", 0x11223344)
    await bench.control.write(offset + 1, b"\xaa\xbb")
    assert await bench.read("num_images") == 0x11BBAA44

    # Offsets between the registers read as zero and keep nothing.
    used = set(spec.EMULATOR_REGISTERS.values()) | {
        spec.EMULATOR_REGISTERS[name] + 4 for name in spec.EMULATOR_POINTERS
    }
    for gap in set(range(0, max(used) + 4, 4)) - used:
        await bench.control.write_dword(gap, 0xFFFFFFFF)
        response = await bench.control.read(gap, 4)
        assert response.data == b"\0\0\0\0" and response.resp == AxiResp.OKAY, hex(gap)
    for (name, high), value in expected.items():
        if name != "num_images":
            assert await bench.read(name, high) == value, (name, high)

    status = await bench.read("status")
    await bench.write("status", ~status & 0xFFFFFFFF)
    assert await bench.read("status") == status, "status is read only"


@cocotb.test()
@cocotb.parametrize(pressure=PRESSURE)
async def start_and_done(dut: Any, pressure: int | None) -> None:
    bench = await started_bench(dut, pressure)
    for _ in range(2):
        await bench.start()
        await ClockCycles(dut.ap_clk, 40)
        # Start cleared itself; done and ready are there once and gone after one read.
        assert await bench.control_bits() == {"done", "ready", "idle"}
        assert await bench.control_bits() == {"idle"}
        assert await bench.read("status") == NO_PROGRAM
    # Reading another register leaves done alone.
    await bench.start()
    await ClockCycles(dut.ap_clk, 40)
    for name in ("status", "isr", "num_images"):
        await bench.read(name)
    assert "done" in await bench.control_bits()
    bench.check_buses()


@cocotb.test()
@cocotb.parametrize(pressure=PRESSURE)
async def interrupts(dut: Any, pressure: int | None) -> None:
    bench = await started_bench(dut, pressure)

    async def run() -> None:
        await bench.start()
        await ClockCycles(dut.ap_clk, 40)

    await run()
    assert await bench.read("isr") == 0, "nothing is enabled"

    await bench.write("ier", DONE)
    assert await bench.read("ier") == DONE
    await run()
    assert await bench.read("isr") == DONE
    assert not dut.interrupt.value, "the global enable is off"
    await bench.write("gier", 1)
    await ClockCycles(dut.ap_clk, 4)
    assert dut.interrupt.value
    assert "interrupt" in await bench.control_bits()

    # ISR toggles on write: clearing is writing a one where a one is.
    await bench.write("isr", DONE)
    await ClockCycles(dut.ap_clk, 4)
    assert await bench.read("isr") == 0
    assert not dut.interrupt.value
    await bench.write("isr", READY)
    assert await bench.read("isr") == READY, "writing a one where a zero is sets it"
    await ClockCycles(dut.ap_clk, 4)
    assert dut.interrupt.value
    await bench.write("isr", READY)

    await bench.write("ier", DONE | READY)
    await run()
    await bench.wait_interrupt(timeout_us=10)
    assert await bench.read("isr") == DONE | READY
    await bench.write("isr", DONE)
    assert await bench.read("isr") == READY
    await bench.write("gier", 0)
    await ClockCycles(dut.ap_clk, 4)
    assert not dut.interrupt.value


@cocotb.test()
@cocotb.parametrize(pressure=PRESSURE)
async def auto_restart(dut: Any, pressure: int | None) -> None:
    bench = await started_bench(dut, pressure)
    await bench.write("ier", DONE)
    await bench.start(auto_restart=True)
    for _ in range(3):
        # Each run raises the interrupt status again without a new start.
        await ClockCycles(dut.ap_clk, 40)
        assert await bench.read("isr") == DONE
        await bench.write("isr", DONE)
    bits = await bench.control_bits()
    assert "auto_restart" in bits and "done" not in bits
    await bench.write("control", 0)
    await ClockCycles(dut.ap_clk, 40)
    assert await bench.control_bits() == {"done", "ready", "idle"}, "the last run is reported"
    await bench.write("isr", await bench.read("isr"))
    await ClockCycles(dut.ap_clk, 40)
    assert await bench.read("isr") == 0, "it stopped"
