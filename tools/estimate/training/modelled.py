"""Modelled cycles of a step whose commands there are."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.commands import decode, from_words
from trivit.host.training.program import TrainingProgram
from trivit.tools.estimate.estimate import milliseconds
from trivit.tools.estimate.timeline import Timeline, predict_step
from trivit.tools.estimate.work import command_bytes
from trivit.tools.training.schedule import lower


@dataclass(frozen=True, kw_only=True)
class ModelledStep:
    """A step by its commands: neither simulated nor measured.

    ``phases`` are the phases of the program's ops by their number, as the timeline's tags are.
    """

    timeline: Timeline
    phases: tuple[str, ...]
    opcodes: tuple[str, ...]
    ddr_bytes: tuple[int, ...]

    @property
    def cycles(self) -> int:
        """Modelled cycles of the step."""
        return self.timeline.cycles

    @property
    def milliseconds(self) -> float:
        """Milliseconds at the kernel's clock."""
        return milliseconds(self.cycles)

    def of_phases(self) -> dict[str, tuple[int, dict[str, int], int]]:
        """Return by phase the array's cycles, the cycles that it waits by cause, bytes of DDR."""
        tags = len(self.phases)
        limits, waits = self.timeline.limits(tags), self.timeline.waits(tags)
        sums: dict[str, tuple[int, dict[str, int], int]] = {}
        for tag, phase in enumerate(self.phases):
            array, waited, traffic = sums.get(phase, (0, {}, 0))
            for cause, cycles in waits[tag].items():
                waited[cause] = waited.get(cause, 0) + cycles
            sums[phase] = (array + limits[tag], waited, traffic + self.ddr_bytes[tag])
        return sums


def modelled_step(program: TrainingProgram) -> ModelledStep:
    """Return the modelled step of a program.

    Raises:
        ToolsError: the accelerator has no commands for it yet, or it does not fit.
    """
    made = lower(program)
    commands = [decode(word) for word in from_words(made.commands)]
    tags = len(program.operations)
    return ModelledStep(
        timeline=predict_step(made.commands),
        phases=tuple(operation.phase for operation in program.operations),
        opcodes=made.opcodes,
        ddr_bytes=tuple(command_bytes(commands, tags)),
    )
