"""Interprets a schedule: units, movers, and the sequencer that hands out commands."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.commands import Command, decode, from_words
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_TOKENS
from trivit.host.oracle.commands import agents, blocks, connections, gradients, update
from trivit.host.oracle.commands.clocks import OrderError
from trivit.host.oracle.commands.engine import STREAMS, Engine, Placer
from trivit.host.oracle.commands.memory import OUTPUT, PARAMS, Memory
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import BLOCKS, IDLE, Report, Shared, Unit
from trivit.host.schedule import Schedule, Watched

_WORK = {
    "gelu": blocks.gelu,
    "softmax": blocks.softmax,
    "normalise": blocks.normalise,
    "select": blocks.select,
    "connections": connections.connections,
    "gelu_backward": gradients.gelu_backward,
    "softmax_backward": gradients.softmax_backward,
    "cross_entropy": gradients.cross_entropy,
    "normalise_backward": gradients.normalise_backward,
    "update": update.update,
    "row_writer": agents.row_writer,
    "softmax_writer": agents.softmax_writer,
    "norm_writer": agents.norm_writer,
    "row_reader": agents.row_reader,
    "load": agents.load,
    "store": agents.store,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an image gives.

    ``output`` is the output region with what waited there, (output_words·8,) int16; ``params`` the
    params region, which training changes; ``tensors`` the watched ones as they were when complete,
    (rows, words·8) each; ``saturations`` (tags,) those of each v4 instruction; ``reports`` all of
    them, those of a unit in the order of its commands.
    """

    output: Int16
    params: Int16
    tensors: dict[str, Int16]
    saturations: NDArray[np.uint64]
    reports: tuple[Report, ...]


def interpret(schedule: Schedule, bundle: Bundle, region: Int16) -> Outcome:
    """Run a schedule for one image.

    Args:
        schedule: made from ``bundle``.
        bundle: for its parameters.
        region: (input_words·8,) int16, the image as ``images.preprocess`` makes it.

    Raises:
        OrderError: the schedule relies on an order that nothing makes, or cannot go on.
        HostError: a command that cannot be decoded.
    """
    params = np.concatenate([bundle.params, schedule.extra_params])
    return interpret_memory(schedule, params, schedule.image.arrange(region[None])[0])


def interpret_memory(schedule: Schedule, params: Int16, image: Int16) -> Outcome:
    """Run a schedule over what lies in DDR, as the accelerator does.

    Args:
        schedule: its commands run; its image layout and extra parameters are not looked at.
        params: (words·8,) int16, extra parameters included.
        image: (region_words·8,) int16, as the program's image layout arranges it.

    Raises:
        OrderError: the schedule relies on an order that nothing makes, or cannot go on.
        HostError: a command that cannot be decoded.
    """
    machine = _Machine(schedule, params, image)
    for word in from_words(schedule.commands):
        machine.obey(decode(word))
    return machine.outcome()


class _Machine:
    def __init__(self, schedule: Schedule, params: Int16, image: Int16) -> None:
        self.schedule = schedule
        self.shared = Shared(reported=self._reported)
        engine = Engine(self.shared)
        placer = Placer(engine)
        self.units: dict[str, Unit] = {"engine": engine, "placer": placer}
        self.work: dict[str, Work] = {"engine": engine.work(), "placer": placer.work()}
        for name, work in _WORK.items():
            self.units[name] = Unit(name, self.shared)
            self.work[name] = work(self.units[name])
        self.waits = dict.fromkeys(self.work, IDLE)
        self.memory = Memory(params, image, schedule.output_words, self.shared.streams)
        self.reports: list[Report] = []
        self.reported: Counter[str] = Counter()
        self.tensors: dict[str, Int16] = {}
        self.watched = {(w.unit, w.report): w for w in schedule.watched}
        self.ended: int | None = None
        self.blocked: OrderError | None = None  # a product that only loads may help

    def obey(self, command: Command) -> None:
        """Hand out a command and let everybody work as far as that goes."""
        if self.ended is not None:
            raise OrderError(command.unit, command.tag, "a command behind the end")
        if self.blocked is not None and command.unit not in ("move_rows", "load"):
            raise self.blocked
        if command.unit == "sequencer":
            if not command.end:
                raise OrderError(command.unit, command.tag, "a command that is no end")
            self.ended = command.fields["reports"]
        elif command.unit.startswith("move_"):
            self.memory.move(command)
        else:
            self.units[command.unit].commands.append(command)
        self._settle()
        if command.unit == "engine" or self.blocked is not None:
            self._check_closed()

    def _check_closed(self) -> None:
        """Note a product that needs a command behind it: the sequencer may never come there.

        Loads need nothing from the engine, so the sequencer gets past them.
        """
        wait = self.waits["engine"]
        matrices = (f"matrix{port}" for port in range(PARAM_PORTS))
        results = (f"{block}_results" for block in BLOCKS)
        for name in (*STREAMS.values(), *matrices, *results, "gelu", "probabilities"):
            if self.shared.streams[name].waiting:
                wait = f"somebody to take words of {name}"
        tag = self.units["engine"].thread.tag
        self.blocked = None
        if wait != IDLE:
            self.blocked = OrderError("engine", tag, f"waits for {wait}, which comes behind it")

    def outcome(self) -> Outcome:
        """Return the results after the end.

        Raises:
            OrderError: somebody still waits, or something is left over.
        """
        waiting = [f"{unit} waits for {what}" for unit, what in self.waits.items() if what != IDLE]
        left = [
            f"{stream.waiting} words of {stream.name}"
            for stream in self.shared.streams.values()
            if stream.waiting
        ]
        tokens = (self.shared.readers, self.shared.stores, self.shared.loads)
        left += [t.name for t in tokens if t.waiting]
        left += ["a move to DDR"] * bool(self.memory.waiting)
        reports = len(self.reports)
        if self.ended is None:
            problem = "the program has no end"
        elif waiting:
            problem = "; ".join(waiting)
        elif left:
            problem = f"left over: {', '.join(left)}"
        elif reports != self.ended:
            problem = f"{reports} reports, the end counts {self.ended}"
        else:
            saturations = [self.shared.saturations[tag] for tag in range(self.schedule.tags)]
            return Outcome(
                output=self.memory.regions[OUTPUT],
                params=self.memory.regions[PARAMS],
                tensors=self.tensors,
                saturations=np.array(saturations, dtype=np.uint64),
                reports=tuple(self.reports),
            )
        raise OrderError("sequencer", 0, problem)

    def _settle(self) -> None:
        steps = -1
        while steps != (steps := sum(unit.thread.steps for unit in self.units.values())):
            for name, work in self.work.items():
                self.waits[name] = next(work)
            self.memory.write()

    def _reported(self, report: Report) -> None:
        watched = self.watched.get((report.unit, self.reported[report.unit]))
        self.reports.append(report)
        self.reported[report.unit] += 1
        if watched is not None:
            self.tensors[watched.name] = self._tensor(watched)

    def _tensor(self, watched: Watched) -> Int16:
        rows, contents = np.arange(watched.rows), self.shared.banks.contents
        start = watched.address + rows // TILE_TOKENS * watched.stride
        words = start[:, None] + np.arange(watched.words)
        return contents[(rows % TILE_TOKENS)[:, None], words].reshape(watched.rows, -1)
