"""A trace as figures for each instruction of the program."""

from collections import Counter
from dataclasses import dataclass

from trivit.host.bundle import Bundle
from trivit.host.instructions import decode
from trivit.tools.profile.trace import Trace


@dataclass(frozen=True, kw_only=True)
class UnitTime:
    """What a unit did for an instruction: first and last cycle, and its cycles by kind."""

    unit: str
    begin: int
    end: int
    clocks: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class InstructionProfile:
    """One instruction. The array's cycles are all of the program's, each counted once.

    ``work`` are the cycles in which the array issued depth words of this instruction's products,
    ``waits`` those in which it stood still before or between them, by cause (hls/rtl/README.md).
    ``units`` are the others that worked for the instruction, most of them beside the array.
    """

    index: int
    opcode: str
    tensor: str
    work: int
    waits: dict[str, int]
    units: tuple[UnitTime, ...]

    @property
    def cycles(self) -> int:
        """Cycles of the array that belong to this instruction."""
        return self.work + sum(self.waits.values())


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One image of one program, simulated.

    ``cycles`` is the accelerator's own count, from the job's begin to its last report.
    """

    cycles: int
    instructions: tuple[InstructionProfile, ...]

    @property
    def work(self) -> int:
        """Cycles in which the array worked."""
        return sum(instruction.work for instruction in self.instructions)

    @property
    def waits(self) -> dict[str, int]:
        """Cycles in which the array stood still, by cause; ``end`` behind its last product."""
        waits: Counter[str] = Counter()
        for instruction in self.instructions:
            waits.update(instruction.waits)
        waits["end"] = self.cycles - self.work - sum(waits.values())
        return dict(waits)


def profile(bundle: Bundle, trace: Trace, cycles: int) -> Profile:
    """Return the figures of one image of the bundle's first program.

    Args:
        bundle: whose instructions the tags number.
        trace: of one image (``Trace.of_job``).
        cycles: of that image, by the accelerator's counter.
    """
    names = {tensor.instruction: tensor.name for tensor in bundle.tensors}
    work: Counter[int] = Counter()
    waits: dict[int, Counter[str]] = {}
    for product in trace.products:
        clocks = Counter(product.clocks)
        work[product.tag] += clocks.pop("work", 0)
        waits.setdefault(product.tag, Counter()).update(clocks)
    units: dict[int, dict[str, UnitTime]] = {}
    for span in trace.commands:
        known = units.setdefault(span.tag, {}).get(span.unit)
        clocks = Counter(span.clocks)
        if known is not None:
            clocks.update(known.clocks)
        units[span.tag][span.unit] = UnitTime(
            unit=span.unit,
            begin=span.begin if known is None else min(known.begin, span.begin),
            end=span.end if known is None else max(known.end, span.end),
            clocks=dict(clocks),
        )
    instructions = []
    for index, words in enumerate(bundle.program):
        instruction = decode(words)
        instructions.append(
            InstructionProfile(
                index=index,
                opcode=instruction.opcode if instruction else "unknown",
                tensor=names.get(index, ""),
                work=work[index],
                waits=dict(waits.get(index, {})),
                units=tuple(units.get(index, {}).values()),
            )
        )
    return Profile(cycles=cycles, instructions=tuple(instructions))
