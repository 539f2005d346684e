"""Products and updates in every form that this processor can run: the oracle's integers."""

import ctypes
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from training.draws import draw_operation

from trivit.host.backends.compile_cache import KERNEL_FOLDER
from trivit.host.fixed_point import Int16, Int64
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.descriptors import FIGURES, WRITES, Resolved, StepConstants, pack
from trivit.host.training.emulator import LIBRARY

#: Processors as g++ names them, what their vectors are called, and what they need.
_FORMS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "x86_64": {
        "x86-64": ("plain", ()),
        "x86-64-v3": ("AVX2", ("avx2", "fma")),
        "x86-64-v4": ("AVX-512", ("avx512bw", "avx512dq", "avx512vl")),
    },
    "aarch64": {"armv8-a": ("NEON", ())},
}
FORMS = _FORMS.get(platform.machine(), {})

#: What forms.cpp has.
OPCODES = ("product", "update_sgd", "update_adamw")


class Form(TrainingBackend):
    """The ops of forms.cpp, compiled for a processor."""

    name = "form"

    def __init__(self, march: str, folder: Path) -> None:
        path = folder / f"{march}.so"
        source = Path(__file__).with_name("forms.cpp")
        flags = ("-std=c++14", "-O2", "-Wno-unknown-pragmas", "-shared", "-fPIC", f"-march={march}")
        include = f"-I{KERNEL_FOLDER}/include"
        command = ["g++", *flags, *LIBRARY.flags, include, str(source), "-o", str(path)]
        subprocess.run(command, check=True)
        self._library = ctypes.CDLL(str(path))
        self._library.trivit_form.restype = ctypes.c_char_p
        self._library.trivit_form_run.restype = ctypes.c_bool

    @property
    def vectors(self) -> str:
        return str(self._library.trivit_form().decode())

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        figures = np.zeros((len(operations), WRITES, FIGURES), np.int64)
        words, constants = np.ascontiguousarray(pack(operations)), step.words()
        for word, figure in zip(words, figures, strict=True):
            arguments = (memory, word, constants, figure)
            pointers = (ctypes.c_void_p(a.ctypes.data) for a in arguments)
            assert self._library.trivit_form_run(*pointers)
        return figures


@pytest.mark.parametrize("march", FORMS)
def test_every_form_gives_the_oracles_integers(march: str, tmp_path: Path) -> None:
    vectors, needs = FORMS[march]
    here = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if "lags" in line)
    if missing := set(needs) - set(here.split()):
        pytest.skip(f"this processor has no {', '.join(sorted(missing))}")
    form, reference = Form(march, tmp_path), ReferenceTraining()
    assert form.vectors == vectors
    for opcode in OPCODES:
        for seed in range(12):
            operation, memory, step = draw_operation(opcode, seed)
            memories = memory.copy(), memory.copy()
            got, wanted = (
                backend.run(m, [operation], step)
                for backend, m in zip((form, reference), memories, strict=True)
            )
            assert np.array_equal(*memories), operation
            assert np.array_equal(got, wanted), operation
