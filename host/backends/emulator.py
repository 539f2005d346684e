"""The emulator: the C++ of ``hls/src/trivit_kernel.cpp``, compiled into a shared library."""

import ctypes

import numpy as np

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.backends.emulator_library import MARCH_VARIABLE, build_library, chosen_march
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import KERNEL_VERSION, TILE_DEPTH
from trivit.host.instructions import KernelError


class EmulatorBackend(Backend):
    """Run bundles on the compiled C++: the accelerator's integers, fast; cycles are zero.

    ``form`` names the vectors that its inner loops were compiled for.
    """

    name = "emulator"

    def __init__(self, march: str | None = None) -> None:
        """Compile the kernel for the processor ``march``, by default what ``chosen_march`` says.

        Raises:
            HostError: it cannot be compiled, or this machine lacks its instructions.
        """
        march = march or chosen_march()
        path = build_library(march)
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise HostError(f"{error}: delete the file to compile the emulator again") from error
        library.trivit_emulator_version.restype = ctypes.c_uint32
        if library.trivit_emulator_version() != KERNEL_VERSION:
            raise HostError("the compiled kernel has another version: install trivit again")
        library.trivit_emulator_form.restype = ctypes.c_char_p
        form = library.trivit_emulator_form().decode()
        if not library.trivit_emulator_runs_here():
            raise HostError(
                f"this machine cannot run the emulator's {form} form (-march={march}): "
                f"leave out --march and {MARCH_VARIABLE}, or name a processor that it can run"
            )
        self.form = f"{form} (-march={march})"
        self._run = library.trivit_emulator_run
        self._run.restype = ctypes.c_uint32
        self._run.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_uint32] * 5

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the input regions in one start of the kernel."""
        program = np.ascontiguousarray(bundle.program, dtype=np.uint32)
        params = np.ascontiguousarray(bundle.params, dtype=np.int16)
        images = np.ascontiguousarray(inputs, dtype=np.int16)
        regions = np.zeros((len(images), bundle.output_words * TILE_DEPTH), dtype=np.int16)
        stats = np.zeros((len(program), 2), dtype=np.uint64)
        status = self._run(
            program.ctypes.data,
            params.ctypes.data,
            images.ctypes.data,
            regions.ctypes.data,
            stats.ctypes.data,
            len(program),
            len(images),
            len(params) // TILE_DEPTH,
            bundle.input_words,
            bundle.output_words,
        )
        if status:
            raise KernelError(status >> 24, status & 0xFFFFFF)
        return BatchOutput(
            regions=regions, saturations=stats[:, 0], cycles=np.zeros(len(program), dtype=np.uint64)
        )
