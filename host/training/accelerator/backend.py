"""Training on the accelerator's commands: the image of a state in DDR, figures, logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.oracle.commands import Outcome, interpret_memory
from trivit.host.schedule import Schedule
from trivit.host.training.accelerator.schedule import TrainingSchedule
from trivit.host.training.arena import Arena, view
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.descriptors import FIGURES, WRITES, Resolved, StepConstants
from trivit.host.training.program import TrainingProgram
from trivit.host.training.state import Check

#: Runs commands over what lies in DDR: (schedule, parameters, input).
Device = Callable[[Schedule, Int16, Int16], Outcome]


class AcceleratorTraining(TrainingBackend):
    """Runs a program's schedules: of a step, of a step without updates, of forward alone."""

    name = "interpreter"
    tells_class_attention = False

    def __init__(
        self,
        program: TrainingProgram,
        schedules: Sequence[TrainingSchedule],
        device: Device = interpret_memory,
    ) -> None:
        """Take the schedules of a program's parts.

        Args:
            program: what a step is.
            schedules: of the program and of its parts.
            device: who runs commands; the interpreter by default.
        """
        self._arena = Arena(program)
        self._schedules = {schedule.opcodes: schedule for schedule in schedules}
        self._tensors = program.by_name
        self._image = next(t.name for t in program.tensors if t.role == "image")
        self._target = next(t.name for t in program.tensors if t.role == "target")
        self._device = device
        # [CLS] has a row of its position's gradient, of which the host takes the norm itself.
        self._rows = [
            (self._arena.place(operation.operands["gradient"]), operation.operands["high"].tensor)
            for operation in program.operations
            if operation.phase == "update" and operation.operands["gradient"].rows is not None
        ]

    def checker(self, program: TrainingProgram) -> Check:
        """Return who refuses numbers of an op that no field of a command holds.

        Raises:
            HostError: ops that there is no schedule of.
        """
        return self._schedule(tuple(o.opcode for o in program.operations)).check

    def _schedule(self, opcodes: tuple[str, ...]) -> TrainingSchedule:
        schedule = self._schedules.get(opcodes)
        if schedule is None:
            raise HostError(
                f"the backend {self.name} has no schedule of these ops: leave out accumulation and "
                "unfused clipping, or use the backend emulator"
            )
        return schedule

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Execute the commands of these ops.

        Raises:
            HostError: ops that there is no schedule of.
        """
        schedule = self._schedule(tuple(o.opcode for o in operations))
        planes = schedule.planes
        params = planes.region()
        for plane, tensor, name in self._kept(schedule):
            planes.put(params, plane, tensor, self._arena.view(memory, name))
        commands = schedule.patched(operations, step)
        inputs = self._inputs(schedule, memory)
        outcome = self._device(schedule.for_interpreter(commands), params, inputs)
        if "update_sgd" in schedule.opcodes:
            for plane, tensor, name in self._kept(schedule):
                self._arena.view(memory, name)[:] = planes.get(outcome.params, plane, tensor)
            for place, parameter in self._rows:
                view(memory, place)[:] = planes.get(outcome.params, "gradient", parameter)
        logits = self._arena.view(memory, schedule.logits)
        logits[0] = outcome.output[: logits.shape[1]]
        return figures_of(schedule, outcome)

    def _kept(self, schedule: TrainingSchedule) -> Iterator[tuple[str, str, str]]:
        """Yield (plane, parameter, tensor of the program) of what lasts from step to step."""
        roles = {"parameter": "high", "low": "low", "momentum": "momentum"}
        for tensor in self._tensors.values():
            if tensor.role in roles:
                yield roles[tensor.role], tensor.of or tensor.name, tensor.name

    def _inputs(self, schedule: TrainingSchedule, memory: Int16) -> Int16:
        """Return the input region: the image's patches, behind them the target."""
        pixels = self._arena.view(memory, self._image).reshape(1, -1)
        image = schedule.image.arrange(pixels)[0]
        target = np.zeros(schedule.target_words * TILE_DEPTH, np.int16)
        wanted = self._arena.view(memory, self._target)[0]
        target[: len(wanted)] = wanted
        return np.concatenate([image, target])


def figures_of(schedule: TrainingSchedule, outcome: Outcome) -> Int64:
    """Return (ops, 3, 3) figures as other backends do, as far as reports give them.

    Sums of squares are those of parameters' gradients alone.
    """
    figures = np.zeros((len(schedule.opcodes), WRITES, FIGURES), np.int64)
    meant = {unit: iter(figures) for unit, figures in schedule.figures.items()}
    for report in outcome.reports:
        figure = next(meant[report.unit])
        if figure is None:
            continue
        found = figures[figure.operation, figure.slot]
        if figure.squares:
            found[2] = report.squares
        else:
            found[0] += report.saturated
            found[1] = max(found[1], report.largest)
    return figures
