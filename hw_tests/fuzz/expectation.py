"""What a case must do, by the oracle and by the cycle formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fuzz.case import Case
from fuzz.driver import UNTOUCHED
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.generated import spec
from trivit.host.instructions import Instruction, KernelError, decode
from trivit.host.oracle.checks import check, tensors
from trivit.host.oracle.machine import Machine
from trivit.tools.estimate.schedule import program_costs

INDEX_RANGE = spec.ERRORS["index_range"]


def formula_cycles(program: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return the cycles of each instruction of a valid program for one image, (instructions,).

    Gathers must read ascending indices: docs/cycles.md leaves the others out.
    """
    instructions = [instruction for words in program if (instruction := decode(words))]
    return np.array([cost.cycles for cost in program_costs(instructions)], dtype=np.uint64)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The oracle's results, as fuzz.driver.Outcome reports the kernel's.

    ``defined`` is False when an instruction's result is undefined by docs/numerics.md; then
    ``regions`` is only one possibility. ``storable`` is where any store of the program may write.
    ``in_order`` is True when every gather read ascending indices: then the cycle formula holds.
    """

    status: int
    regions: Int16
    touched: NDArray[np.bool_]
    storable: NDArray[np.bool_]
    saturations: NDArray[np.uint64]
    defined: bool
    in_order: bool


class Oracle:
    """Runs cases from the state that the warm-up case leaves, like fuzz.driver.Driver."""

    def __init__(self, warm_up: Case) -> None:
        machine = Machine()
        machine.run(warm_up.program, warm_up.params, warm_up.inputs[0], warm_up.output_words)
        self._banks = machine.memory.banks
        self._head_sum = machine.head_sum
        self._machine = Machine()

    def run(self, case: Case) -> Expectation:
        """Execute the case one instruction at a time."""
        np.copyto(self._machine.memory.banks, self._banks)
        np.copyto(self._machine.head_sum, self._head_sum)
        return _Execution(self._machine, case).result()


class _Execution:
    def __init__(self, machine: Machine, case: Case) -> None:
        self.machine, self.case = machine, case
        shape = (case.images, case.output_words)
        self.regions: Int16 = np.zeros((shape[0], shape[1] * spec.TILE_DEPTH), dtype=np.int16)
        self.touched = np.zeros(shape, dtype=bool)
        self.saturations = np.zeros(len(case.program), dtype=np.uint64)
        self.defined = self.in_order = True
        # Tokens whose head sums an attention has left; the warm-up's has the most.
        self.cls_tokens = self.all_tokens = spec.MAX_TOKENS

    def result(self) -> Expectation:
        return Expectation(
            status=self._run(),
            regions=self.regions,
            touched=self.touched,
            storable=self._storable(),
            saturations=self.saturations,
            defined=self.defined,
            in_order=self.in_order,
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
        if instruction is not None and instruction.opcode == "store":
            words = _stored(instruction)
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
        """Note what makes results undefined, and whether the cycle formula holds."""
        f = instruction.fields
        if _overlaps(instruction):
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
            case "gather":
                row = self.machine.memory.read(*tensors(instruction)["index"])[0, : f["rows"]]
                self.in_order &= bool((np.diff(row.astype(int)) > 0).all())

    def _storable(self) -> NDArray[np.bool_]:
        allowed = np.zeros_like(self.touched)
        for words in self.case.program:
            instruction = decode(words)
            if instruction is None or check(instruction, self._sizes()) != "ok":
                continue
            if instruction.opcode == "store":
                allowed[:, _stored(instruction)] = True
        return allowed


def _stored(instruction: Instruction) -> slice:
    f = instruction.fields
    return slice(f["target"], f["target"] + f["rows"] * f["words"])


def _overlaps(instruction: Instruction) -> bool:
    """Whether the destination overlaps a source in a way that leaves its contents undefined."""
    found = tensors(instruction)
    if "dst" not in found:
        return False
    target = found.pop("dst")
    in_place = {"layernorm": "src", "matmul": "residual"}.get(instruction.opcode)
    return any(
        _meet(target, source) and not (name == in_place and source == target)
        for name, source in found.items()
    )


def _meet(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    ends = [address + -(-rows // spec.TILE_TOKENS) * words for address, rows, words in (a, b)]
    return a[0] < ends[1] and b[0] < ends[0]
