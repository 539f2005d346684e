"""The complete accelerator as a host sees it: registers, an interrupt, a memory."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cosim.bench.control import Answer, ControlPort
from cosim.bench.memory import OKAY, Memory

from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import ERRORS

CLOCK_NS = 2  # only the number of cycles matters
GMEMS = tuple(f"gmem{g}" for g in range(5))
CODES = {code: name for name, code in ERRORS.items()}
CONTROL = REGISTERS["control"].fields


class SystemBench:
    """Everything around the design.

    With ``memory.timing.pauses``, every channel of every AXI4 port and every stream of the HLS
    blocks stands still in that share of 256 cycles, and so does the host's port.
    """

    def __init__(self, dut: Any, memory: Memory) -> None:
        self.dut, self.memory = dut, memory
        self.rng = random.Random(memory.timing.seed)
        self.control = ControlPort(dut, self.rng, memory.timing.pauses / 256)
        dut.ap_rst_n.value = 0

    async def start(self) -> None:
        """Start the clock and reset."""
        Clock(self.dut.ap_clk, CLOCK_NS, unit="ns").start()
        await self.reset()

    async def reset(self, cycles: int = 6) -> None:
        """Reset everything; what was under way is lost, the memory's content stays."""
        self.dut.ap_rst_n.value = 0
        await self.cycles(cycles)
        self.dut.ap_rst_n.value = 1
        await self.cycles(4)

    async def cycles(self, count: int) -> None:
        """Let cycles pass."""
        await ClockCycles(self.dut.ap_clk, count)

    # ---- registers
    async def read(self, name: str) -> int:
        """Return a register, which must answer."""
        spec = REGISTERS[name]
        words = []
        for word in range(spec.bits // 32):
            answer = await self.control.read(spec.offset + 4 * word)
            assert answer.code == OKAY, name
            words.append(answer.value)
        return sum(value << 32 * place for place, value in enumerate(words))

    async def write(self, name: str, value: int) -> None:
        """Write a register, which must answer."""
        spec = REGISTERS[name]
        for word in range(spec.bits // 32):
            answer = await self.control.write(
                spec.offset + 4 * word, value >> 32 * word & 2**32 - 1
            )
            assert answer == Answer(OKAY), name

    async def control_bits(self) -> set[str]:
        """Return the names of the bits that are set in ``control``."""
        value = await self.read("control")
        return {name for name, bit in CONTROL.items() if value >> bit & 1}

    async def enable_interrupts(self) -> None:
        """Enable both of them."""
        await self.write("gier", 1)
        await self.write("ier", 3)

    # ---- jobs
    async def begin(self, **wanted: int) -> None:
        """Write the registers of a job and start it."""
        for name, value in wanted.items():
            await self.write(name, value)
        await self.write("control", 1 << CONTROL["start"])

    async def abort(self) -> None:
        """Give the job up."""
        await self.write("control", 1 << CONTROL["abort"])

    async def wait_interrupt(self, cycles: int) -> bool:
        """Let cycles pass until the interrupt is high; False when they are over."""
        if not self.dut.interrupt.value:
            try:
                await with_timeout(RisingEdge(self.dut.interrupt), CLOCK_NS * cycles, "ns")
            except SimTimeoutError:
                return False
        return True

    async def finish(self, cycles: int = 50_000) -> tuple[str, int]:
        """Wait for the interrupt and clear it; return the error's name and its instruction."""
        assert await self.wait_interrupt(cycles), f"no interrupt after {cycles} cycles"
        assert "done" in await self.control_bits()
        await self.write("isr", 3)
        await self.cycles(4)
        assert not self.dut.interrupt.value
        status = await self.read("status")
        return CODES[status & 0xFF], status >> 16

    # ---- buses
    def checker(self, gmem: str) -> Any:
        """Return what watches a port."""
        return getattr(self.dut, f"check_{gmem}")

    def check_buses(self) -> None:
        """Hold AXI4's rules on all ports, since the last reset."""
        for gmem in GMEMS:
            kinds = int(self.checker(gmem).violation_kinds.value)
            assert int(self.checker(gmem).violations.value) == 0, (gmem, hex(kinds))

    async def check_quiet(self) -> None:
        """Every read that was asked for has come, every write has its response; nothing follows."""
        counts: list[list[int]] = []
        for _ in range(2):
            await self.cycles(20)
            counts.append([])
            for gmem in GMEMS:
                checker = self.checker(gmem)
                assert int(checker.reads_open.value) == int(checker.writes_open.value) == 0, gmem
                counts[-1] += [int(checker.read_bursts.value), int(checker.write_bursts.value)]
        assert counts[0] == counts[1]
