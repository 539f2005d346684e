"""Processes that run cases on the compiled kernel behind guards (driver.cpp)."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from fuzz.case import Case
from numpy.typing import NDArray

from trivit.host.backends.emulator_library import KERNEL_FOLDER, build_library
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH

HERE = Path(__file__).resolve().parent
#: What the driver fills outputs and stats with before a case.
UNTOUCHED = np.uint8(0xA5)
#: Processor time after which a case counts as a hang; the longest needs a few seconds.
CPU_SECONDS = 60
_WARNINGS = ("-std=c++14", "-g1", "-Wno-unknown-pragmas")
_SANITIZE = ("-O1", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class DriverError(AssertionError):
    """The kernel crashed, hung, or wrote outside its buffers."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the kernel left behind.

    ``regions`` is (images, output_words·8) int16 and ``touched`` (images, output_words) False where
    a memory word still holds the driver's filling; ``saturations`` and ``reserved`` are
    (instructions,) uint64, the halves of the stats words.
    """

    status: int
    regions: Int16
    touched: NDArray[np.bool_]
    saturations: NDArray[np.uint64]
    reserved: NDArray[np.uint64]


def _compile(*arguments: str | Path) -> None:
    command = [os.environ.get("CXX", "g++"), *_WARNINGS, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def build_driver(folder: Path, *, sanitized: bool, march: str | None = None) -> Path:
    """Compile the driver into ``folder`` and return it.

    It is linked with the very library that the emulator backend loads, for the processor ``march``;
    the sanitized one contains the kernel, compiled with address and undefined-behaviour sanitizers.
    """
    binary = folder / ("driver_sanitized" if sanitized else "driver")
    source = HERE / "driver.cpp"
    if not sanitized:
        _compile("-O1", source, build_library(march), "-o", binary)
        return binary
    kernel = [KERNEL_FOLDER / "src" / "trivit_kernel.cpp", KERNEL_FOLDER / "emulator/emulator.cpp"]
    includes = [f"-I{KERNEL_FOLDER}", f"-I{KERNEL_FOLDER / 'include'}"]
    _compile(*_SANITIZE, *includes, source, *kernel, "-o", binary)
    return binary


class Driver:
    """A running driver; use it as a context manager."""

    def __init__(self, binary: Path, warm_up: Case) -> None:
        """Start the driver and run ``warm_up`` in it: every case starts from what that leaves."""
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            [str(binary)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"},
        )
        assert self.run(warm_up, keep=True).status == 0

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._messages.close()

    def run(self, case: Case, *, keep: bool = False) -> Outcome:
        """Run a case.

        Raises:
            DriverError: it crashed, took longer than CPU_SECONDS, or changed a guard.
        """
        assert self._process.stdin is not None
        request = (
            *(int(keep), CPU_SECONDS, len(case.program), case.length, case.images),
            *(case.params_words, case.input_words, case.output_words),
        )
        self._process.stdin.write(struct.pack("<8I", *request))
        for part, kind in ((case.program, "<u4"), (case.params, "<i2"), (case.inputs, "<i2")):
            self._process.stdin.write(np.ascontiguousarray(part, dtype=kind).tobytes())
        self._process.stdin.flush()
        outcome, detail = struct.unpack("<2I", self._receive(8))
        words = case.images * case.output_words
        output = np.frombuffer(self._receive(words * 16), dtype=np.uint8)
        stats = np.frombuffer(self._receive(len(case.program) * 16), dtype="<u8").reshape(-1, 2)
        if outcome == 1:
            raise DriverError(self._death(detail))
        if outcome == 2:
            raise DriverError("the kernel wrote in front of a buffer")
        shape = (case.images, case.output_words)
        return Outcome(
            status=detail,
            regions=output.view("<i2").reshape(case.images, case.output_words * TILE_DEPTH),
            touched=(output.reshape(*shape, 16) != UNTOUCHED).any(axis=2),
            saturations=stats[:, 0],
            reserved=stats[:, 1],
        )

    def _receive(self, count: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(count)
        if len(data) != count:
            raise DriverError(f"the driver ended: {self._new_messages()}")
        return data

    def _new_messages(self) -> str:
        self._messages.seek(0)
        text = self._messages.read().decode(errors="replace")
        self._messages.seek(0)
        self._messages.truncate()
        return text

    def _death(self, ended: int) -> str:
        if not os.WIFSIGNALED(ended):
            return f"the sanitizer stopped the kernel:\n{self._new_messages()}"
        number = os.WTERMSIG(ended)
        if number in (signal.SIGXCPU, signal.SIGALRM):
            return f"the kernel ran for {CPU_SECONDS} seconds without ending"
        return f"the kernel died of {signal.Signals(number).name}\n{self._new_messages()}"
