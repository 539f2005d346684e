"""The accelerator's top with its bus ports; the bench is host, memory and the HLS sequencer."""

from __future__ import annotations

import logging
import random
from collections import deque
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave
from numpy.typing import NDArray
from simulation.bench.memory import Buffer, Memory
from simulation.bench.tb import pauses

from trivit.host.backends.simulator_run import decode_log
from trivit.host.commands import decode, encode, to_words
from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import ERRORS

GMEMS = tuple(f"gmem{g}" for g in range(5))
PORTS = 4
CODES = {code: name for name, code in ERRORS.items()}
UNITS = ("engine", "row_writer", "softmax_writer", "norm_writer", "row_reader", "load", "store")
_BLOCK_OUTPUTS = (
    *(f"{kind}{port}" for kind in ("weights", "rows", "stores") for port in range(PORTS)),
    *UNITS,
    "program_end",
)
# Channels of blocks that no program here uses.
_SILENT = (
    *("gelu_results", "softmax_results", "normalise_results", "select_lists"),
    *(f"{b}_reports" for b in ("gelu", "softmax", "normalise", "select", "connections")),
)
_MOVES = {"move_weights": "weights", "move_rows": "rows", "move_store": "stores"}


class Sequencer:
    """What hls/src/sequencer.cpp does, with random pauses; a reset of the blocks forgets all."""

    def __init__(self, dut: Any, rng: random.Random, pause: float) -> None:
        self.dut, self.rng, self.pause = dut, rng, pause
        self.resets = 0
        self.drop: set[str] = set()  # units whose commands get lost
        self.clear()

    def clear(self) -> None:
        self.job = 0
        self.descriptors: deque[int] = deque()
        self.queues: dict[str, deque[int]] = {name: deque() for name in _BLOCK_OUTPUTS}
        self.offered: set[str] = set()
        self.taking: set[str] = set()
        self.active = False
        self.stores = 0

    def _pin(self, name: str, signal: str) -> Any:
        return getattr(self.dut, f"{name}_{signal}")

    async def run(self) -> None:
        """Step at every falling edge: what is valid and ready then moves at the next rising one."""
        held = True
        while True:
            await FallingEdge(self.dut.ap_clk)
            if not self.dut.blocks_rst_n.value:
                self.resets += not held
                held = True
                self.clear()
                for name in (*_BLOCK_OUTPUTS, *_SILENT):
                    self._pin(name, "TVALID").value = 0
                for name in ("jobs", "descriptors"):
                    self._pin(name, "TREADY").value = 0
                continue
            held = False
            self._step()

    def _step(self) -> None:
        for name in self.taking:  # they moved at the rising edge
            if name == "jobs":
                self.active = True
        for name in self.offered:
            self.queues[name].popleft()
        self.taking, self.offered = set(), set()
        for name, wanted in (("jobs", not self.active), ("descriptors", self.active)):
            ready = wanted and self.rng.random() >= self.pause
            self._pin(name, "TREADY").value = int(ready)
            if ready and self._pin(name, "TVALID").value:
                word = int(self._pin(name, "TDATA").value)
                self.taking.add(name)
                if name == "jobs":
                    self.job = word
                else:
                    self._dispatch(word)
        for name, queue in self.queues.items():
            held = int(self._pin(name, "TVALID").value)
            offers = bool(queue) and (held or self.rng.random() >= self.pause)
            self._pin(name, "TVALID").value = int(offers)
            if offers:
                self._pin(name, "TDATA").value = queue[0]
                if self._pin(name, "TREADY").value:
                    self.offered.add(name)

    def _dispatch(self, word: int) -> None:
        command = decode(word)
        if command.unit in self.drop:
            return
        if command.unit in UNITS:
            self.queues[command.unit].append(word)
        elif command.unit in _MOVES:
            f = command.fields
            base = self.job >> (36 * f["base"]) & ((1 << 36) - 1)
            fence = (1 << PORTS) - 1 << 76 | self.stores << 60 if f.get("fenced") else 0
            stores = command.unit == "move_store"
            for port in range(PORTS):
                mine = f["ports"] >> port & 1
                if mine or stores:  # all ports count stores
                    address = base + f["address"] + port * f["port_stride"]
                    move = fence | mine * f["words"] << 36 | address
                    self.queues[f"{_MOVES[command.unit]}{port}"].append(move)
            self.stores += stores
        elif command.end:
            for unit in ("row_writer", "softmax_writer", "norm_writer", "load", "store"):
                self.queues[unit].append(encode(unit, end=True))
            self.queues["program_end"].append(command.fields["reports"])
            self.active = False


class TopBench:
    """Everything around the top. With ``pressure``, every channel of every bus pauses at random."""

    def __init__(self, dut: Any, seed: int = 1, pressure: bool = False, pause: float = 0.0) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.memory = Memory()
        self.decode_error = False
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.ERROR)
        dut.ap_rst_n.value = 0
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        self.control = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset
        )
        self.slaves = [
            AxiSlave(AxiBus.from_prefix(dut, f"m_axi_{g}"), dut.ap_clk, target=self.memory, **reset)
            for g in GMEMS
        ]
        self.sequencer = Sequencer(dut, self.rng, pause)
        if pressure:
            self._press(seed)
        for slave in self.slaves:
            self._answer(slave.read_if.r_channel, "rresp")
            self._answer(slave.write_if.b_channel, "bresp")

    def _press(self, seed: int) -> None:
        channels = []
        for unit in (self.control, *self.slaves):
            write, read = unit.write_if, unit.read_if
            channels += [write.aw_channel, write.w_channel, write.b_channel]
            channels += [read.ar_channel, read.r_channel]
        for number, channel in enumerate(channels):
            channel.set_pause_generator(pauses(1000 * seed + number))

    def _answer(self, channel: Any, name: str) -> None:
        """Let a bad response be DECERR instead of SLVERR."""
        send = channel.send

        async def answered(word: Any) -> None:
            if self.decode_error and getattr(word, name) == AxiResp.SLVERR:
                setattr(word, name, AxiResp.DECERR)
            await send(word)

        channel.send = answered

    async def start(self) -> None:
        """Start clock and sequencer, and reset."""
        import cocotb

        Clock(self.dut.ap_clk, 6, unit="ns").start()
        for name in (*_BLOCK_OUTPUTS, *_SILENT):
            getattr(self.dut, f"{name}_TVALID").value = 0
            getattr(self.dut, f"{name}_TDATA").value = 0
        for name in ("jobs", "descriptors", "gelu_rows", "softmax_scores", "normalise_rows"):
            getattr(self.dut, f"{name}_TREADY").value = 0
        self.dut.normalise_vectors_TREADY.value = 0
        cocotb.start_soon(self.sequencer.run())
        await self.reset()

    async def reset(self, cycles: int = 6) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, cycles)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 4)
        self.sequencer.resets = 0

    # ---- registers
    async def read(self, name: str) -> int:
        spec = REGISTERS[name]
        low = await self.control.read_dword(spec.offset)
        if spec.bits == 32:
            return low
        return low | await self.control.read_dword(spec.offset + 4) << 32

    async def write(self, name: str, value: int) -> None:
        spec = REGISTERS[name]
        await self.control.write_dword(spec.offset, value & 0xFFFFFFFF)
        if spec.bits == 64:
            await self.control.write_dword(spec.offset + 4, value >> 32)

    async def control_bits(self) -> set[str]:
        value = await self.read("control")
        return {name for name, bit in REGISTERS["control"].fields.items() if value >> bit & 1}

    async def begin(self, **wanted: int) -> None:
        """Write the registers of a job and start it."""
        for name, value in wanted.items():
            await self.write(name, value)
        await self.write("control", 1 << REGISTERS["control"].fields["start"])

    async def abort(self) -> None:
        await self.write("control", 1 << REGISTERS["control"].fields["abort"])

    async def finish(self, cycles: int = 20_000) -> tuple[str, int]:
        """Wait for the interrupt and clear it; return the error's name and its instruction."""
        if not self.dut.interrupt.value:
            await with_timeout(RisingEdge(self.dut.interrupt), 6 * cycles, "ns")
        assert "done" in await self.control_bits()
        await self.write("isr", 3)
        await ClockCycles(self.dut.ap_clk, 4)
        assert not self.dut.interrupt.value
        status = await self.read("status")
        return CODES[status & 0xFF], status >> 16

    async def enable_interrupts(self) -> None:
        await self.write("gier", 1)
        await self.write("ier", 3)

    def check_buses(self) -> None:
        """Hold AXI4's rules on all ports, since the last reset."""
        for gmem in GMEMS:
            checker = getattr(self.dut, f"check_{gmem}")
            assert int(checker.violations.value) == 0, gmem

    async def check_quiet(self) -> None:
        """Every read that was asked for has come, every write has its response."""
        await ClockCycles(self.dut.ap_clk, 2)
        for gmem in GMEMS:
            checker = getattr(self.dut, f"check_{gmem}")
            assert int(checker.reads_open.value) == int(checker.writes_open.value) == 0, gmem
            for valid in ("ARVALID", "AWVALID", "WVALID"):
                assert not getattr(self.dut, f"m_axi_{gmem}_{valid}").value, (gmem, valid)


class Copy:
    """A program that brings rows to the banks and stores them again.

    With a `detour` they are spread over the ports to DDR first, behind the output, and loaded from
    there behind a fence.
    """

    def __init__(
        self,
        bench: TopBench,
        rows: int,
        words: int,
        *,
        product: dict[str, int] | None = None,
        detour: bool = False,
    ) -> None:
        self.bench, self.rows, self.words, self.detour = bench, rows, words, detour
        generator = np.random.default_rng(bench.rng.randrange(1 << 30))
        segment = -(-rows // PORTS) * words
        values = generator.integers(-(1 << 15), 1 << 15, (PORTS, segment, 8)).astype("<i2")
        self.values: NDArray[np.int16] = values
        fields = {"fill": 1, "announce_store": 1, "rows": 8, "depth_words": 1, "out_words": 1}
        engine = encode("engine", tag=6, end=False, **{**fields, **(product or {})})
        spilled = {"base": 2, "ports": 15, "words": segment, "address": rows * words}
        spilled["port_stride"] = segment
        there = 3 + -(-rows // 8) * words
        commands = [
            encode("move_rows", base=1, ports=15, words=segment, address=0, port_stride=segment),
            self._rows("load", 3, slot=1, tag=5, complete=1),
        ]
        if detour:
            commands += [
                encode("move_store", end=False, **spilled),
                self._rows("store", 3, slot=1, tag=7, spread=1),
                engine,
                encode("move_rows", end=False, fenced=1, **spilled),
                self._rows("load", there, slot=2, tag=5, complete=1),
            ]
        commands += [
            encode("move_store", base=2, ports=1, words=rows * words),
            self._rows("store", there if detour else 3, slot=1 + detour, tag=7),
            engine,
            encode("sequencer", end=True, reports=self.reports),
        ]
        memory = bench.memory
        program = to_words(commands).astype("<u8").tobytes()
        self.program = memory.allocate("program", program, "r")
        self.input = memory.allocate("input", values.tobytes(), "r")
        size = rows * words + (PORTS * segment if detour else 0)
        self.output = memory.allocate("output", size * 16, "rw" if detour else "w")
        self.log = memory.allocate("log", self.reports * 16, "w")
        self.commands = len(commands)

    @property
    def reports(self) -> int:
        return 6 if self.detour else 3

    def _rows(self, unit: str, address: int, *, slot: int, tag: int, **more: int) -> int:
        what = "target" if unit == "load" else "source"
        place = {what: address, f"{what}_stride": self.words, "slot": slot}
        return encode(unit, tag=tag, end=False, rows=self.rows, words=self.words, **place, **more)

    @property
    def registers(self) -> dict[str, int]:
        """What a host writes to run it."""
        buffers: dict[str, Buffer] = {n: getattr(self, n) for n in ("program", "input", "output")}
        return {
            **{name: buffer.address for name, buffer in buffers.items()},
            "params": self.input.address,
            "log": self.log.address,
            "commands": self.commands,
            "reports": self.reports,
        }

    def check(self) -> None:
        """Hold the stored rows against those that were loaded, and the log."""
        got = self.output.array(np.int16)[: self.rows * self.words * 8]
        got = got.reshape(self.rows, self.words, 8)
        for row in range(self.rows):
            first = row // PORTS * self.words
            expected = self.values[row % PORTS, first : first + self.words]
            assert np.array_equal(got[row], expected), row
        log = decode_log(bytes(self.log.data))
        came = sorted(zip(log["unit"].tolist(), log["tag"].tolist(), strict=True))
        assert came == sorted([(1, 6), (10, 5), (11, 7)] * (self.reports // 3))
