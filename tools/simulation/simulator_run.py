"""A run of the simulator: DDR images and job.txt in, outputs, log and watched tensors out."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from threading import Timer

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import ERRORS, TILE_DEPTH
from trivit.host.log import decode_log
from trivit.host.schedule import Watched
from trivit.host.tiles import ceil_div

#: Regions of DDR begin at multiples of so many words: 4 KB, which no burst crosses.
_ALIGN = 256
_PARAMS_AFTER = "params_after.bin"


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """What is assumed and what is recorded.

    ``latency`` in cycles, ``bandwidth`` in GB/s of all ports and directions together, ``clock`` in
    MHz (it relates the two), ``depth_factor`` multiplies the depths of all HLS pipelines and
    ``stream_latency`` are the cycles between blocks; ``seed`` draws the order of processes and the
    pauses, which take ``pauses`` of 256 cycles on every stream and AXI channel. A run ends when
    nothing moves for ``patience`` cycles. ``trace`` and ``wave`` are files to write (README.md in
    hls/simulation), the waveform from one cycle to another.
    """

    latency: int = 60
    bandwidth: float = 12.8
    clock: float = 150.0
    depth_factor: int = 1
    stream_latency: int = 2
    seed: int = 0
    pauses: int = 0
    patience: int = 20000
    trace: Path | None = None
    wave: Path | None = None
    wave_from: int = 0
    wave_to: int | None = None

    def arguments(self) -> list[str]:
        """Return the simulator's options."""
        options: list[object] = []
        for name in ("latency", "bandwidth", "clock", "depth_factor", "stream_latency"):
            options += [f"--{name.replace('_', '-')}", getattr(self, name)]
        options += ["--seed", self.seed, "--pauses", self.pauses, "--patience", self.patience]
        if self.trace is not None:
            options += ["--trace", self.trace.absolute()]
        if self.wave is not None:
            options += ["--wave", self.wave.absolute(), "--wave-from", self.wave_from]
            if self.wave_to is not None:
                options += ["--wave-to", self.wave_to]
        return [str(option) for option in options]


@dataclass(frozen=True, kw_only=True)
class SimulatedProgram:
    """Commands and what they need in DDR.

    ``commands`` (n, 4) uint64, ``params`` (words·8,) int16, ``reports`` that complete the program,
    ``output_words`` of a run's output region, ``watched`` tensors to copy from the banks.
    """

    commands: NDArray[np.uint64]
    params: Int16
    reports: int
    output_words: int
    watched: Sequence[Watched] = ()


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What a run leaves, for each of B images.

    ``outputs`` (B, output_words·8) int16; ``params`` (words·8,) int16 as the last run leaves them,
    which training changes; ``logs`` one array of ``log.LOG`` each; ``tensors`` one
    list each, in the order of ``watched``, (rows, words·8) int16; ``cycles`` (B,) uint64.
    """

    outputs: Int16
    params: Int16
    logs: list[NDArray[np.void]]
    tensors: list[list[Int16]]
    cycles: NDArray[np.uint64]


@dataclass
class _Memory:
    """Regions of DDR, one behind the other, and the lines of job.txt that name them."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    words: int = 0

    def place(self, words: int) -> int:
        """Return the address of a new region."""
        address = self.words
        self.words += ceil_div(max(words, 1), _ALIGN) * _ALIGN
        return address

    def load(self, name: str, content: bytes) -> int:
        """Fill a new region from a file and return its address."""
        words = ceil_div(len(content), 2 * TILE_DEPTH)
        address = self.place(words)
        if words:
            (self.folder / name).write_bytes(content)
            self.lines.append(f"load {address} {words} {name}")
        return address

    def save(self, name: str, words: int) -> int:
        """Write a new region to a file at the end of the run and return its address."""
        address = self.place(words)
        self.lines.append(f"save {address} {words} {name}")
        return address


def simulate(
    simulator: Path,
    program: SimulatedProgram,
    images: Int16,
    settings: SimulationSettings,
    progress: Callable[[str], None] | None = None,
    timeout_s: float | None = None,
) -> Simulated:
    """Run the program once for each image (B, words·8); ``progress`` is told the lines of a run.

    Raises:
        HostError: the accelerator refused a command, stood still, something it needs is missing, or
            the run took more than ``timeout_s`` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="trivit-simulation-") as name:
        folder = Path(name)
        _write_job(folder, program, images)
        command = [str(simulator), name, *settings.arguments()]
        lines = _run(command, progress, timeout_s)
        return _read(folder, program, len(images), lines)


def _write_job(folder: Path, program: SimulatedProgram, images: Int16) -> None:
    memory = _Memory(folder)
    commands = memory.load("program.bin", program.commands.astype("<u8").tobytes())
    params = memory.load("params.bin", program.params.astype("<i2").tobytes())
    lines = memory.lines
    lines.append(f"save {params} {program.params.size // TILE_DEPTH} {_PARAMS_AFTER}")
    for number, image in enumerate(images):
        image_at = memory.load(f"image{number}.bin", image.astype("<i2").tobytes())
        output_at = memory.save(f"output{number}.bin", program.output_words)
        log_at = memory.save(f"log{number}.bin", program.reports)
        lines.append(
            f"job {commands} {len(program.commands)} {program.reports} {params} {image_at} "
            f"{output_at} {log_at}"
        )
        for tensor in program.watched:
            unit = COMMANDS[tensor.unit].number
            lines.append(
                f"watch {number} {unit} {tensor.report} {tensor.address} {tensor.stride} "
                f"{tensor.rows} {tensor.words}"
            )
    lines += [f"memory {memory.words}", "watched watched.bin"]
    (folder / "job.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _run(
    command: list[str], progress: Callable[[str], None] | None, timeout_s: float | None
) -> list[str]:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as output,
        subprocess.Popen(
            command, stdout=output, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process,
    ):
        said = []
        assert process.stderr is not None
        end = Timer(timeout_s if timeout_s is not None else 0, process.kill)
        if timeout_s is not None:
            end.start()
        try:
            for line in process.stderr:
                said.append(line.rstrip("\n"))
                if progress is not None:
                    progress(said[-1])
            status = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            end.cancel()
        output.seek(0)
        lines = output.read().splitlines()
    if status == -SIGKILL and timeout_s is not None:
        last = f"; its last line: {said[-1]}" if said else ""
        raise HostError(f"the simulation took longer than {timeout_s:g} s and was ended{last}")
    if status != 0:
        why = [line for line in said if "cycles/s" not in line and not line.startswith("DDR:")]
        raise HostError("the simulation failed: " + _named("\n".join(why or [f"status {status}"])))
    return lines


def _named(text: str) -> str:
    """Replace the engine's error codes by their names."""
    names = {code: name.replace("_", " ") for name, code in ERRORS.items()}
    return re.sub(
        r"engine error (\d+)",
        lambda found: f"the engine refused a command: {names.get(int(found[1]), found[0])}",
        text,
    )


def _read(folder: Path, program: SimulatedProgram, images: int, lines: list[str]) -> Simulated:
    outputs = np.zeros((images, program.output_words * TILE_DEPTH), dtype=np.int16)
    logs, tensors = [], []
    watched = np.fromfile(folder / "watched.bin", dtype="<i2")
    position = 0
    for number in range(images):
        outputs[number] = np.fromfile(folder / f"output{number}.bin", dtype="<i2")
        logs.append(decode_log((folder / f"log{number}.bin").read_bytes()))
        values = []
        for tensor in program.watched:
            size = tensor.rows * tensor.words * TILE_DEPTH
            values.append(watched[position : position + size].reshape(tensor.rows, -1))
            position += size
        tensors.append(values)
    cycles = [int(line.split()[2]) for line in lines if line.startswith("job ")]
    return Simulated(
        outputs=outputs,
        params=np.fromfile(folder / _PARAMS_AFTER, dtype="<i2"),
        logs=logs,
        tensors=tensors,
        cycles=np.array(cycles, dtype=np.uint64),
    )
