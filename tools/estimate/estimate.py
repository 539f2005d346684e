"""Work and modelled cycles of a program, instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trivit.host.bundle import Bundle
from trivit.host.generated.spec import TIMING
from trivit.host.instructions import decode
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.timeline import predict
from trivit.tools.estimate.work import ARRAY_MACS, ddr_bytes
from trivit.tools.schedule import schedule


@dataclass(frozen=True, kw_only=True)
class InstructionEstimate:
    """One instruction for one image.

    ``tensor`` names what it writes (or stores); ``macs`` counts the multiply-accumulates of the
    unpadded problem that the array executes, ``open_macs`` those that remain at most if masked
    attention connections were skipped. The array computes them, so they cost it the same cycles.

    ``cycles`` are the array's, each of them counted once: ``limit_cycles`` in which it works, which
    its geometry makes unavoidable, and ``waits`` before and between products, by cause. So what
    other units do beside the array takes no cycles. ``ddr_bytes`` is the traffic with the commands
    and reports.
    """

    opcode: str
    tensor: str
    macs: int
    open_macs: int
    limit_cycles: int
    waits: dict[str, int]
    ddr_bytes: int

    @property
    def cycles(self) -> int:
        """Cycles by which the instruction moves the end of the array's work."""
        return self.limit_cycles + sum(self.waits.values())

    @property
    def bound(self) -> str:
        """What most cycles went to: ``array``, or what the array waited for; empty without any."""
        shares = {"array": self.limit_cycles, **self.waits}
        most = max(shares, key=lambda name: shares[name])
        return most if shares[most] else ""

    @property
    def utilisation(self) -> float:
        """Share of the array's multipliers times cycles that did useful products."""
        return self.macs / (self.cycles * ARRAY_MACS) if self.cycles else 0.0


@dataclass(frozen=True)
class Estimate:
    """Modelled cost of one image; nothing here was simulated or measured."""

    instructions: tuple[InstructionEstimate, ...]

    @property
    def cycles(self) -> int:
        """Modelled cycles of one image."""
        return sum(i.cycles for i in self.instructions)

    @property
    def macs(self) -> int:
        """Executed multiply-accumulates of one image, without padding."""
        return sum(i.macs for i in self.instructions)

    @property
    def open_macs(self) -> int:
        """Multiply-accumulates if masked attention connections were skipped."""
        return sum(i.open_macs for i in self.instructions)

    @property
    def limit_cycles(self) -> int:
        """Cycles of the array alone: ceil(M/8)·ceil(N/32)·ceil(K/8), summed over products."""
        return sum(i.limit_cycles for i in self.instructions)

    @property
    def waits(self) -> dict[str, int]:
        """Cycles in which the array stands still, by cause; ``end`` behind its last product."""
        return summed_waits(self.instructions)

    @property
    def ddr_bytes(self) -> int:
        """Bytes between DDR and the chip for one image."""
        return sum(i.ddr_bytes for i in self.instructions)

    @property
    def utilisation(self) -> float:
        """Share of the array's multipliers times cycles that did useful products."""
        return self.macs / (self.cycles * ARRAY_MACS)

    @property
    def latency_ms(self) -> float:
        """Modelled milliseconds of one image at the kernel's clock."""
        return milliseconds(self.cycles)


def summed_waits(instructions: Iterable[InstructionEstimate]) -> dict[str, int]:
    """Return the waits of several instructions, by cause in the order of first appearance."""
    waits: dict[str, int] = {}
    for instruction in instructions:
        for cause, cycles in instruction.waits.items():
            waits[cause] = waits.get(cause, 0) + cycles
    return waits


def milliseconds(cycles: int) -> float:
    """Return the time of so many cycles at the kernel's clock."""
    return cycles / (TIMING["clock_mhz"] * 1e3)


def modelled_cycles(bundle: Bundle) -> int:
    """Return the modelled cycles of one image of the bundle's first program.

    Raises:
        ToolsError: the units cannot compute the program; one line that names the instruction.
    """
    return predict(schedule(bundle)).cycles


def estimate_bundle(bundle: Bundle) -> Estimate:
    """Return the modelled cost of the bundle's first program.

    Raises:
        ToolsError: the units cannot compute the program, or a bundle without MAC counts (one that
            the compiler did not write, or that was traced).
    """
    work = bundle.first.info.get("instructions", [])
    if len(work) != len(bundle.program):
        raise ToolsError(
            f"the bundle counts the work of {len(work)} instructions but has "
            f"{len(bundle.program)}: give a file of `trivit compile`"
        )
    scheduled = schedule(bundle)
    timeline = predict(scheduled)
    traffic = ddr_bytes(scheduled)
    limits, waits = timeline.limits(scheduled.tags), timeline.waits(scheduled.tags)
    rows = []
    for index, (words, entry) in enumerate(zip(bundle.program, work, strict=True)):
        instruction = decode(words)
        assert instruction is not None  # the scheduler has read it
        rows.append(
            InstructionEstimate(
                opcode=instruction.opcode,
                tensor=str(entry["tensor"]),
                macs=int(entry["macs"]),
                open_macs=int(entry["open_macs"]),
                limit_cycles=limits[index],
                waits=waits[index],
                ddr_bytes=traffic[index],
            )
        )
    return Estimate(tuple(rows))
