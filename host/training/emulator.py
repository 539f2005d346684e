"""The training emulator: ``hls/include/trivit/training`` compiled into a shared library."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from trivit.host.backends.emulator_library import LibrarySources, build_library
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.generated.spec import KERNEL_VERSION
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.descriptors import FIGURES, WRITES, Resolved, StepConstants, pack

LIBRARY = LibrarySources(
    name="training",
    sources=("emulator/training.cpp",),
    headers=("generated", "include/trivit"),
    foreign=("include/trivit/blocks", "include/trivit/engine"),
    # Sums are integers that a double holds, so a fused multiply-add changes none of them.
    flags=("-ffp-contract=fast",),
)

#: Lists of ops whose descriptors are kept: programs of a run, and their forward passes.
_PACKED = 16


class EmulatorTraining(TrainingBackend):
    """The oracle's integers in C++, on one thread."""

    name = "emulator"

    def __init__(self, march: str | None = None) -> None:
        """Compile the ops for the processor ``march``, by default this one.

        Raises:
            HostError: they cannot be compiled, or this machine cannot load them.
        """
        path = build_library(march, LIBRARY)
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise HostError(f"{error}: delete the file to compile the emulator again") from error
        library.trivit_training_version.restype = ctypes.c_uint32
        if library.trivit_training_version() != KERNEL_VERSION:
            raise HostError("the compiled kernel has another version: install trivit again")
        self._run = library.trivit_training_run
        self._run.restype = ctypes.c_int64
        self._run.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_int64,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        # By identity, with the ops themselves, so that no identity comes twice.
        self._packed: dict[int, tuple[Sequence[Resolved], Int64]] = {}

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Execute the ops in one call.

        Raises:
            HostError: a memory that is not contiguous, or an op that the C++ does not have.
        """
        if memory.dtype != np.int16 or not memory.flags.c_contiguous:
            raise HostError("the training memory must be contiguous int16")
        if id(operations) not in self._packed:
            while len(self._packed) >= _PACKED:
                del self._packed[next(iter(self._packed))]
            self._packed[id(operations)] = operations, np.ascontiguousarray(pack(operations))
        words, constants = self._packed[id(operations)][1], step.words()
        figures = np.zeros((len(operations), WRITES, FIGURES), np.int64)
        done = self._run(
            memory.ctypes.data,
            words.ctypes.data,
            len(words),
            constants.ctypes.data,
            figures.ctypes.data,
        )
        if done != len(words):
            raise HostError(f"the emulator has no op {operations[done].opcode}")
        return figures
