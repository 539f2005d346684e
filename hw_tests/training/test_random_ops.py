"""The training emulator against the oracle on random ops: every integer of the memory."""

import re
from dataclasses import replace

import numpy as np
import pytest
from training.draws import DRAWS, draw_operation

from trivit.host.backends.compile_cache import KERNEL_FOLDER
from trivit.host.errors import HostError
from trivit.host.training.backends import ReferenceTraining
from trivit.host.training.descriptors import StepConstants
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.operations import OPERATIONS

NO_STEP = StepConstants(rate=0, rate_exponent=0, key=0)


@pytest.fixture(scope="module")
def emulator() -> EmulatorTraining:
    return EmulatorTraining()


@pytest.mark.parametrize("opcode", OPERATIONS)
def test_random_ops(opcode: str, emulator: EmulatorTraining) -> None:
    reference = ReferenceTraining()
    for seed in range(30):
        operation, memory, step = draw_operation(opcode, seed)
        memories = memory.copy(), memory.copy()
        figures = [
            backend.run(m, [operation], step)
            for backend, m in zip((reference, emulator), memories, strict=True)
        ]
        assert np.array_equal(*memories), operation
        assert np.array_equal(*figures), (operation, figures)


def test_every_op_is_drawn_and_nothing_else() -> None:
    assert DRAWS.keys() == OPERATIONS.keys()


def test_codes_are_those_of_the_cpp() -> None:
    text = (KERNEL_FOLDER / "include/trivit/training/operations.hpp").read_text()
    found = dict(re.findall(r"^    (\w+) = (\d+),$", text, re.MULTILINE))
    assert {name: int(code) for name, code in found.items()} == {
        name: spec.code for name, spec in OPERATIONS.items()
    }


def test_an_op_that_does_not_exist_is_refused(emulator: EmulatorTraining) -> None:
    operation, memory, _ = draw_operation("add", 0)
    foreign = replace(operation, opcode="divide", spec=replace(operation.spec, code=99))
    with pytest.raises(HostError, match="no op divide"):
        emulator.run(memory, [foreign], NO_STEP)


def test_a_memory_of_another_kind_is_refused(emulator: EmulatorTraining) -> None:
    operation, memory, _ = draw_operation("add", 0)
    with pytest.raises(HostError, match="contiguous int16"):
        emulator.run(memory[::2], [operation], NO_STEP)
