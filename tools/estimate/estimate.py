"""Work and modelled cycles of a program bundle, instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trivit.host.bundle import Bundle
from trivit.host.generated.spec import TIMING
from trivit.host.instructions import decode
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.schedule import program_costs
from trivit.tools.estimate.work import ARRAY_MACS, ddr_bytes, ideal_cycles


@dataclass(frozen=True, kw_only=True)
class InstructionEstimate:
    """One instruction for one image.

    ``tensor`` names what it writes (or stores); ``macs`` counts the multiply-accumulates of the
    unpadded problem that the kernel executes, ``open_macs`` those that remain at most if masked
    attention connections were skipped. The kernel masks them, so they cost it the same cycles.

    ``cycles`` is split into ``array_cycles`` (it issues products), ``memory_cycles`` (everything
    waits for DDR) and ``vector_cycles`` (the rest); ``bound`` names the largest part.
    ``ideal_cycles`` is the array's geometry alone, ``ddr_bytes`` the traffic with the descriptor.
    A selection that hides behind other work takes no cycles at all.
    """

    opcode: str
    tensor: str
    cycles: int
    macs: int
    open_macs: int
    array_cycles: int
    vector_cycles: int
    memory_cycles: int
    bound: str
    ideal_cycles: int
    ddr_bytes: int

    @property
    def utilisation(self) -> float:
        """Share of the array's multipliers times cycles that did useful products."""
        return self.macs / (self.cycles * ARRAY_MACS) if self.cycles else 0.0


@dataclass(frozen=True, kw_only=True)
class Total:
    """Sums over instructions."""

    cycles: int
    macs: int
    open_macs: int
    ideal_cycles: int
    ddr_bytes: int
    instructions: int


@dataclass(frozen=True)
class Estimate:
    """Modelled cost of one image; nothing here was measured on a device."""

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
    def ideal_cycles(self) -> int:
        """Cycles of the array's geometry alone (see work.ideal_cycles)."""
        return sum(i.ideal_cycles for i in self.instructions)

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
        return self.cycles / (TIMING["clock_mhz"] * 1e3)

    def by_opcode(self) -> dict[str, Total]:
        """Return the totals of each opcode, most cycles first."""
        names = {i.opcode for i in self.instructions}
        totals = {n: _total(i for i in self.instructions if i.opcode == n) for n in names}
        return dict(sorted(totals.items(), key=lambda item: (-item[1].cycles, item[0])))


def estimate_bundle(bundle: Bundle) -> Estimate:
    """Return the modelled cost of the bundle's first program.

    Raises:
        ToolsError: an instruction that this kernel does not have, or a bundle without MAC counts
            (one that the compiler did not write, or that was traced).
    """
    work = bundle.first.info.get("instructions", [])
    if len(work) != len(bundle.program):
        raise ToolsError(
            f"the bundle counts the work of {len(work)} instructions but has "
            f"{len(bundle.program)}: give a file of `trivit compile`"
        )
    program = []
    for index, words in enumerate(bundle.program):
        instruction = decode(words)
        if instruction is None:
            raise ToolsError(f"instruction {index} has an unknown opcode: compile it again")
        program.append(instruction)
    rows = [
        InstructionEstimate(
            opcode=instruction.opcode,
            tensor=str(entry["tensor"]),
            cycles=cost.cycles,
            macs=int(entry["macs"]),
            open_macs=int(entry["open_macs"]),
            array_cycles=cost.array,
            vector_cycles=cost.vector,
            memory_cycles=cost.memory,
            bound=cost.bound,
            ideal_cycles=ideal_cycles(instruction),
            ddr_bytes=ddr_bytes(instruction),
        )
        for instruction, entry, cost in zip(program, work, program_costs(program), strict=True)
    ]
    return Estimate(tuple(rows))


def _total(instructions: Iterable[InstructionEstimate]) -> Total:
    chosen = list(instructions)
    return Total(
        cycles=sum(i.cycles for i in chosen),
        macs=sum(i.macs for i in chosen),
        open_macs=sum(i.open_macs for i in chosen),
        ideal_cycles=sum(i.ideal_cycles for i in chosen),
        ddr_bytes=sum(i.ddr_bytes for i in chosen),
        instructions=len(chosen),
    )
