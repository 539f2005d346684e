"""What a case must do, by the oracle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fuzz.case import Case
from fuzz.driver import UNTOUCHED
from fuzz.overlap import overlaps
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.generated import spec
from trivit.host.instructions import Instruction, KernelError, decode
from trivit.host.oracle.checks import check, operands
from trivit.host.oracle.machine import Machine

INDEX_RANGE = spec.ERRORS["index_range"]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The oracle's results, as fuzz.driver.Outcome reports the kernel's.

    ``defined`` is False when an instruction's result is undefined by docs/numerics.md; then
    ``regions`` is only one possibility. ``storable`` is where any store of the program may write.
    """

    status: int
    regions: Int16
    touched: NDArray[np.bool_]
    storable: NDArray[np.bool_]
    saturations: NDArray[np.uint64]
    defined: bool


class Oracle:
    """Runs cases from the state that the warm-up case leaves, like fuzz.driver.Driver."""

    def __init__(self, warm_up: Case) -> None:
        machine = Machine()
        machine.run(warm_up.program, warm_up.params, warm_up.inputs[0], warm_up.output_words)
        self._start = machine
        self._machine = Machine()

    def run(self, case: Case) -> Expectation:
        """Execute the case one instruction at a time."""
        machine, start = self._machine, self._start
        np.copyto(machine.memory.banks, start.memory.banks)
        for name in ("head_sum", "sums", "squares"):
            np.copyto(getattr(machine, name), getattr(start, name))
        return _Execution(self._machine, case).result()


class _Execution:
    def __init__(self, machine: Machine, case: Case) -> None:
        self.machine, self.case = machine, case
        shape = (case.images, case.output_words)
        self.regions: Int16 = np.zeros((shape[0], shape[1] * spec.TILE_DEPTH), dtype=np.int16)
        self.touched = np.zeros(shape, dtype=bool)
        self.saturations = np.zeros(len(case.program), dtype=np.uint64)
        self.defined = True
        # Tokens whose head sums an attention has left; the warm-up's has the most.
        self.cls_tokens = self.all_tokens = spec.MAX_CONNECTION_TOKENS

    def result(self) -> Expectation:
        return Expectation(
            status=self._run(),
            regions=self.regions,
            touched=self.touched,
            storable=self._storable(),
            saturations=self.saturations,
            defined=self.defined,
        )

    def _run(self) -> int:
        if not 1 <= self.case.length <= spec.MAX_INSTRUCTIONS:
            return spec.ERRORS["program_length"] << 24
        for image in range(self.case.images):
            for index in range(self.case.length):
                try:
                    self._step(image, index)
                except KernelError as error:
                    return error.code << 24 | index
        return 0

    def _step(self, image: int, index: int) -> None:
        program = self.case.program[index : index + 1]
        instruction = decode(program[0])
        arguments = (self.case.params, self.case.inputs[image], self.case.output_words)
        if instruction is not None and check(instruction, self._sizes()) == "ok":
            self._watch(instruction)
        output, saturations = self.machine.run(program, *arguments)
        self.saturations[index] += saturations[0]
        for words in _stored(instruction):
            elements = slice(words.start * spec.TILE_DEPTH, words.stop * spec.TILE_DEPTH)
            self.regions[image, elements] = output[elements]
            # A stored word that equals the driver's filling looks untouched.
            stored = output[elements].reshape(-1, spec.TILE_DEPTH).view(np.uint8)
            self.touched[image, words] = (stored != UNTOUCHED).any(axis=1)

    def _sizes(self) -> dict[str, int]:
        case = self.case
        return {
            "params": case.params_words,
            "input": case.input_words,
            "output": case.output_words,
        }

    def _watch(self, instruction: Instruction) -> None:
        """Note what makes results undefined."""
        f = instruction.fields
        if overlaps(instruction):
            self.defined = False
        match instruction.opcode:
            case "attention" if "score_all" in instruction.flags:
                self.cls_tokens = self.all_tokens = f["tokens"]
            case "attention" if "score_cls" in instruction.flags:
                self.cls_tokens, self.all_tokens = f["tokens"], 0
            case "select_tokens" if f["tokens"] > self.cls_tokens:
                self.defined = False
            case "select_connections" if f["tokens"] > self.all_tokens:
                self.defined = False

    def _storable(self) -> NDArray[np.bool_]:
        allowed = np.zeros_like(self.touched)
        for words in self.case.program:
            instruction = decode(words)
            if check(instruction, self._sizes()) == "ok":
                for stored in _stored(instruction):
                    allowed[:, stored] = True
        return allowed


def _stored(instruction: Instruction | None) -> list[slice]:
    """Return the words of the output region that an instruction writes."""
    if instruction is None:
        return []
    return [
        slice(address, address + rows * words)
        for operand, address, rows, words in operands(instruction)
        if operand.memory == "output"
    ]
