"""What lasts from step to step: masters and momenta in the arena, fraction lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import INT16_MAX, Int16, Int64, round_half_even, to_real
from trivit.host.oracle.training import join_planes, split_planes
from trivit.host.oracle.training.adamw import SECOND_LIMIT
from trivit.host.oracle.training.update import MASTER_LIMIT
from trivit.host.training.arena import Arena
from trivit.host.training.exponents import Move, followed, leader_of, limits
from trivit.host.training.program import TensorSpec, TrainingProgram
from trivit.host.training.shifts import UpdateSettings, numbers

#: Refuses numbers of an op, by the op's index.
Check: TypeAlias = Callable[[int, Mapping[str, int]], None]


class TrainingState:
    """The memory of a training run and the fraction length of each of its tensors."""

    def __init__(
        self,
        program: TrainingProgram,
        masters: Mapping[str, Int64],
        settings: UpdateSettings,
        memory: Int16 | None = None,
        check: Check = lambda operation, numbers: None,
    ) -> None:
        """Place the tensors and write masters and constants, (rows, columns) int64 by name.

        Args:
            program: of the run.
            masters: values of the program's parameters and constants; none where another
                program's state has written them.
            settings: of the update.
            memory: shared with the run's other programs, as long as the largest of them needs.
            check: of an operation and its numbers: refuses what the contract has and the backend
                has not.

        Raises:
            HostError: values that are missing or foreign, or fraction lengths that the contract's
                shifts cannot bring together.
        """
        self.program, self._settings, self._check = program, settings, check
        self.arena = Arena(program)
        self.memory = self.arena.empty() if memory is None else memory
        self.formats = followed(program, program.formats())
        self._tensors = program.by_name
        self._readers: dict[str, list[int]] = {}
        for index, operation in enumerate(program.operations):
            for operand in operation.operands.values():
                self._readers.setdefault(operand.tensor, []).append(index)
        self._low = {t.of: t.name for t in program.tensors if t.role == "low"}
        differ = masters.keys() ^ {tensor.name for tensor in program.given}
        if masters and differ:
            raise HostError(
                f"values of {', '.join(sorted(differ))} are missing or have no place in the "
                f"training program {program.name}: take both from one bundle"
            )
        for name, master in masters.items():
            self._write_master(name, master)
        for index in range(len(program.operations)):
            self._check_numbers(index, self.formats)

    def master(self, name: str) -> Int64:
        """Return the master of a parameter, (rows, columns)."""
        high = self.arena.view(self.memory, name)
        if name not in self._low:
            return high.astype(np.int64)
        return join_planes(high, self.arena.view(self.memory, self._low[name]))

    def real(self, name: str) -> NDArray[np.float64]:
        """Return the value of a tensor as an op reads it, (rows, columns)."""
        return to_real(self.arena.view(self.memory, name), self.formats[name])

    def apply(self, moves: list[Move]) -> list[Move]:
        """Move fraction lengths, with the integers of what lasts; return the moves that were made.

        A move beyond a tensor's limits, or that the shifts of an op cannot follow, is not made.
        """
        return [move for move in moves if self._moved(move)]

    def adopt(self, other: TrainingState) -> None:
        """Take the fraction lengths that another program of the run has come to.

        A tensor has those of its name there; one that is not there those of the tensors that follow
        it, at most; else those of the start. Integers of what lasts are in the shared memory.
        """
        formats = self.program.formats()
        led: dict[str, int] = {}
        for tensor in self.program.tensors:
            if tensor.name in other.formats:
                formats[tensor.name] = frac = other.formats[tensor.name]
                leader = leader_of(self._tensors, tensor.name)
                led[leader] = min(frac, led.get(leader, frac))
        own = {name: frac for name, frac in led.items() if name not in other.formats}
        formats = followed(self.program, {**formats, **own})
        if formats != self.formats:
            self.formats = formats

    def _moved(self, move: Move) -> bool:
        tensor = self._tensors[move.tensor]
        low, high = limits(tensor.role)
        frac = min(max(self.formats[move.tensor] + move.bits, low), high)
        bits = frac - self.formats[move.tensor]
        if bits == 0:
            return False
        formats = followed(self.program, {**self.formats, move.tensor: frac})
        changed = [name for name in formats if formats[name] != self.formats[name]]
        try:
            for index in {i for name in changed for i in self._readers.get(name, [])}:
                self._check_numbers(index, formats)
        except HostError:
            return False
        self.formats = formats
        self._shift(tensor, bits)
        return True

    def _check_numbers(self, index: int, formats: Mapping[str, int]) -> None:
        operation = self.program.operations[index]
        self._check(index, numbers(operation, formats, self._tensors, self._settings))

    def _shift(self, tensor: TensorSpec, bits: int) -> None:
        if tensor.role == "parameter":
            self._write_master(tensor.name, round_half_even(self.master(tensor.name), -bits))
        if tensor.role == "accumulator":
            moved = round_half_even(self.master(tensor.name), -bits)
            self._write_master(tensor.name, np.clip(moved, -MASTER_LIMIT, MASTER_LIMIT - 1))
        if tensor.role == "second":
            moved = round_half_even(self.master(tensor.name), -2 * bits)
            self._write_master(tensor.name, np.clip(moved, 0, SECOND_LIMIT))
        if tensor.role == "momentum":
            view = self.arena.view(self.memory, tensor.name)
            moved = round_half_even(view.astype(np.int64), -bits)
            view[:] = np.clip(moved, -INT16_MAX - 1, INT16_MAX)

    def _write_master(self, name: str, master: Int64) -> None:
        high = self.arena.view(self.memory, name)
        if name in self._low:
            high[:], self.arena.view(self.memory, self._low[name])[:] = split_planes(master)
        else:
            high[:] = master
