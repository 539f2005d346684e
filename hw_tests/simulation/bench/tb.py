"""Test bench of the kernel: clock, reset, register access, memory and bus pressure."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiSlave
from simulation.bench.memory import Buffer, Memory

from trivit.host.generated import spec

CLOCK_NS = 6  # near 150 MHz; only the number of cycles matters
PORTS = tuple(spec.EMULATOR_PORTS)


@dataclass(frozen=True)
class Traffic:
    """What crossed one port since the last reset."""

    read_bursts: int
    write_bursts: int
    read_beats: int
    write_beats: int
    longest_burst: int


def pauses(seed: int, share: float = 0.5) -> Iterator[bool]:
    """An endless random pause pattern: a channel stands still in `share` of the cycles, in runs."""
    generator = random.Random(seed)
    while True:
        pause = generator.random() < share
        for _ in range(generator.randrange(1, 9)):
            yield pause


class KernelBench:
    """Owns one simulation of the kernel.

    With `pressure` (a seed), every channel of every bus pauses at random: the memory delays
    addresses, data and responses, the host's register accesses come with gaps.
    Memory answers on `ports`.
    """

    def __init__(
        self, dut: Any, pressure: int | None = None, ports: tuple[str, ...] = PORTS
    ) -> None:
        self.dut = dut
        self.memory = Memory()
        self.pointers: dict[str, Buffer] = {}
        self.clock = Clock(dut.ap_clk, CLOCK_NS, unit="ns")
        # The models log every burst; what the memory refuses is kept in its violations.
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.ERROR)
        dut.ap_rst_n.value = 0
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        self.control = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset
        )
        self.slaves = {
            port: AxiSlave(
                AxiBus.from_prefix(dut, f"m_axi_{port}"), dut.ap_clk, target=self.memory, **reset
            )
            for port in ports
        }
        if pressure is not None:
            self._press(pressure)

    def _press(self, seed: int) -> None:
        channels = []
        for unit in (self.control, *self.slaves.values()):
            write, read = unit.write_if, unit.read_if
            channels += [write.aw_channel, write.w_channel, write.b_channel]
            channels += [read.ar_channel, read.r_channel]
        for number, channel in enumerate(channels):
            channel.set_pause_generator(pauses(1000 * seed + number))

    async def start_clock(self) -> None:
        """Start the clock and take the kernel through a reset."""
        self.clock.start()
        await self.reset()

    async def reset(self, cycles: int = 4) -> None:
        """Hold reset for some cycles; whatever the kernel was doing is lost."""
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, cycles)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 4)

    # ---- registers
    async def read(self, register: str, high: bool = False) -> int:
        """Read a register by name; `high` takes the upper word of a pointer."""
        return await self.control.read_dword(spec.EMULATOR_REGISTERS[register] + 4 * high)

    async def write(self, register: str, value: int, high: bool = False) -> None:
        """Write 32 bits to a register by name."""
        await self.control.write_dword(spec.EMULATOR_REGISTERS[register] + 4 * high, value)

    async def write_pointer(self, register: str, address: int) -> None:
        """Write both words of a pointer."""
        await self.write(register, address & 0xFFFFFFFF)
        await self.write(register, address >> 32, high=True)

    async def control_bits(self) -> set[str]:
        """Read the control register (which clears done and ready); the names of the set bits."""
        value = await self.read("control")
        return {name for name, bit in spec.EMULATOR_CONTROL_BITS.items() if value >> bit & 1}

    async def start(self, auto_restart: bool = False) -> None:
        """Set start."""
        bits = spec.EMULATOR_CONTROL_BITS
        await self.write("control", 1 << bits["start"] | auto_restart << bits["auto_restart"])

    async def wait_done(self, timeout_us: int = 20_000) -> int:
        """Poll done; return the status register."""

        async def poll() -> None:
            while "done" not in await self.control_bits():
                await ClockCycles(self.dut.ap_clk, 50)

        await with_timeout(poll(), timeout_us, "us")
        return await self.read("status")

    async def wait_interrupt(self, timeout_us: int = 20_000) -> None:
        """Wait for the interrupt output to rise."""
        if not self.dut.interrupt.value:
            await with_timeout(RisingEdge(self.dut.interrupt), timeout_us, "us")

    # ---- buses
    def traffic(self, port: str) -> Traffic:
        """What the checker of a port counted."""
        checker = getattr(self.dut, f"check_{port}")
        return Traffic(
            *(int(getattr(checker, name).value) for name in Traffic.__dataclass_fields__)
        )

    def bus_error(self) -> bool:
        """Whether a response carried an error since the last reset."""
        return bool(self.dut.bridge.bus_error.value)

    def check_buses(self) -> None:
        """AssertionError if a port broke an AXI rule or touched memory that it must not touch."""
        for port in PORTS:
            checker = getattr(self.dut, f"check_{port}")
            count, kinds = int(checker.violations.value), int(checker.violation_kinds.value)
            assert count == 0, f"{port}: {count} AXI violations, kinds {kinds:#x}"
        assert not self.memory.violations, self.memory.violations[:10]
        assert not self.bus_error(), "a bus response carried an error"


async def started_bench(dut: Any, pressure: int | None = None) -> KernelBench:
    """A bench after reset."""
    bench = KernelBench(dut, pressure)
    await bench.start_clock()
    return bench
