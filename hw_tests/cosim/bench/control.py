"""The host's AXI4-Lite port: costs nothing between two accesses, and can hesitate at random."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge


@dataclass(frozen=True)
class Answer:
    """What a register access was answered: AXI4's code and, of a read, 32 bits."""

    code: int
    value: int = 0


class ControlPort:
    """Drives ``s_axi_control`` of a design; with ``pause``, channels wait in a share of cycles."""

    def __init__(self, dut: Any, rng: random.Random, pause: float = 0.0) -> None:
        self._clock = dut.ap_clk
        self._rng, self._pause = rng, pause
        self._pin = lambda name: getattr(dut, f"s_axi_control_{name}")
        for name in ("AWVALID", "WVALID", "BREADY", "ARVALID", "RREADY"):
            self._pin(name).value = 0

    async def write(self, offset: int, value: int, strobe: int = 0xF) -> Answer:
        """Write the bytes of a word that ``strobe`` names."""
        address = cocotb.start_soon(self._move("AWVALID", "AWREADY", AWADDR=offset))
        data = cocotb.start_soon(self._move("WVALID", "WREADY", WDATA=value, WSTRB=strobe))
        (code,) = await self._move("BREADY", "BVALID", take=("BRESP",))
        await address
        await data
        return Answer(code)

    async def read(self, offset: int) -> Answer:
        """Read a word."""
        address = cocotb.start_soon(self._move("ARVALID", "ARREADY", ARADDR=offset))
        code, value = await self._move("RREADY", "RVALID", take=("RRESP", "RDATA"))
        await address
        return Answer(code, value)

    async def _move(
        self, ours: str, theirs: str, take: tuple[str, ...] = (), **give: int
    ) -> tuple[int, ...]:
        """Raise our side of a handshake until both are high at a rising edge."""
        while self._rng.random() < self._pause:
            await RisingEdge(self._clock)
        for name, value in give.items():
            self._pin(name).value = value
        self._pin(ours).value = 1
        while True:
            await RisingEdge(self._clock)  # before it changes anything
            if self._pin(theirs).value:
                break
        taken = tuple(int(self._pin(name).value) for name in take)
        self._pin(ours).value = 0
        return taken
