"""The accelerator on a board, through PYNQ."""

import atexit
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.backends.session import CycleSource, JobOutcome, Session, check_region
from trivit.host.board.driver import Job
from trivit.host.board.memory import Region, allocate_regions
from trivit.host.board.overlay import Board
from trivit.host.board.signals import EndBySignals
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import KERNEL_VERSION, TILE_DEPTH
from trivit.host.log import cycles_of_instructions, decode_log, saturated_values
from trivit.host.tiles import ceil_div

#: Seconds that a job may take: some thousand times what the largest program takes.
TIMEOUT_SECONDS = 10.0
#: Environment variable: how to see a job's end (auto, interrupt, poll).
WAIT_VARIABLE = "TRIVIT_BOARD_WAIT"
_PAGE = 4096
_WORD_BYTES = 2 * TILE_DEPTH
_CONSTANTS = "parameters and commands"


def _tell(line: str) -> None:
    print(f"trivit: {line}", file=sys.stderr)


class BoardBackend(Backend):
    """Run bundles on the board of this machine; cycles are counted on the device.

    It has the board for itself until :meth:`close`, or until the process ends. ``form`` names the
    bitstream.
    """

    name = "board"
    source = CycleSource.device

    def __init__(
        self,
        bitstream: Path | None = None,
        *,
        tell: Callable[[str], None] = _tell,
        wait: str | None = None,
        timeout_s: float = TIMEOUT_SECONDS,
    ) -> None:
        """Take the board and load the bitstream.

        ``bitstream`` is by default what TRIVIT_BITSTREAM names, trivit.bit, or
        /home/xilinx/trivit/trivit.bit, with .hwh and .json beside it. ``tell`` is called with
        warnings, by default on standard error. ``wait`` is auto, interrupt or poll; by default what
        TRIVIT_BOARD_WAIT says, or auto. A job that takes ``timeout_s`` seconds hangs.

        Raises:
            HostError: no device, no bitstream that fits, or another process has the board.
        """
        self._timeout_s = timeout_s
        self._session: BoardSession | None = None
        how = wait or os.environ.get(WAIT_VARIABLE) or "auto"
        self._board = Board(bitstream, tell=tell, wait=how)
        self.manifest = self._board.design.manifest.path
        self.form = f"{self._board.design.bitstream} at {self._board.clock_mhz:g} MHz"
        atexit.register(self.close)

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the input regions one after the other; an image is written while another runs.

        Raises:
            HostError: the program has no commands, its buffers do not fit, or a job failed.
        """
        schedule = bundle.first.commands()
        session = self._session
        if session is None or session.closed or session.program is not bundle.first:
            session = self.open_session(bundle)
        images = schedule.image.arrange(inputs)
        regions = np.zeros((len(images), schedule.output_words * TILE_DEPTH), dtype=np.int16)
        saturations = np.zeros(schedule.tags, dtype=np.uint64)
        cycles = np.zeros(schedule.tags, dtype=np.uint64)
        try:
            session.put(0, images[0])
            for number in range(len(images)):
                slot = number % session.slots
                session.start(slot)
                if number + 1 < len(images):
                    session.put((number + 1) % session.slots, images[number + 1])
                outcome = session.wait(self._timeout_s)
                regions[number] = outcome.output
                saturations += saturated_values(outcome.log, schedule.tags)
                cycles += cycles_of_instructions(outcome.log, schedule.tags)
        except BaseException:
            session.close()
            raise
        return BatchOutput(regions=regions, saturations=saturations, cycles=cycles)

    def open_session(self, bundle: Bundle) -> "BoardSession":
        """Return a session of the bundle's first program; it takes the place of an earlier one.

        Raises:
            HostError: the program has no commands, or is for another kernel, or its buffers do not
                fit into contiguous memory.
        """
        if self._session is not None:
            self._session.close()
        self._session = BoardSession(self._board, bundle)
        return self._session

    def close(self) -> None:
        """End what runs and give the board to others; a second call does nothing."""
        if not self._board.is_owner:
            return
        atexit.unregister(self.close)
        if self._session is not None:
            self._session.close()
        self._board.close()


class BoardSession(Session):
    """One program on the board; everything it needs is allocated when it opens."""

    slots = 2
    source = CycleSource.device

    def __init__(self, board: Board, bundle: Bundle) -> None:
        """Allocate buffers, and write parameters and commands.

        Raises:
            HostError: as ``BoardBackend.open_session``.
        """
        if bundle.kernel_version != KERNEL_VERSION:
            raise HostError(
                f"the bundle is for kernel version {bundle.kernel_version}, the board has "
                f"{KERNEL_VERSION}: compile it again"
            )
        schedule = bundle.first.commands()
        self._board = board
        self._image_words = schedule.image.region_words
        self.program = bundle.first
        self.clock_mhz = board.clock_mhz
        params = np.concatenate([bundle.params, schedule.extra_params]).astype("<i2")
        commands = schedule.commands.astype("<u8")
        self._params_at = ceil_div(commands.nbytes, _PAGE) * _PAGE
        sizes = {_CONSTANTS: self._params_at + params.nbytes, "log": _WORD_BYTES * schedule.reports}
        for slot in range(self.slots):
            sizes[f"image {slot}"] = _WORD_BYTES * self._image_words
            sizes[f"output {slot}"] = _WORD_BYTES * schedule.output_words
        self._regions: dict[str, Region] | None = allocate_regions(board.allocate, sizes)
        self._running: tuple[int, float] | None = None
        self._commands, self._reports = len(commands), schedule.reports
        self._regions[_CONSTANTS].write(commands)
        self._regions[_CONSTANTS].write(params, self._params_at)
        self._signals = EndBySignals()

    @property
    def closed(self) -> bool:
        """Whether the buffers are given back."""
        return self._regions is None

    def put(self, slot: int, region: Int16) -> None:
        """Write an image to DDR, (region_words·8,) int16."""
        self.check_slot(slot)
        check_region(region, self._image_words)
        if self._running is not None and self._running[0] == slot:
            raise HostError(f"the job of slot {slot} is running: write to another slot, or wait")
        self._region(f"image {slot}").write(region.astype("<i2"))

    def start(self, slot: int) -> None:
        """Start the job of a slot and return at once."""
        self.check_slot(slot)
        if self._running is not None:
            raise HostError("a job is still running: wait for it before the next start")
        constants = self._region(_CONSTANTS).address
        job = Job(
            program=constants,
            params=constants + self._params_at,
            input=self._region(f"image {slot}").address,
            output=self._region(f"output {slot}").address,
            log=self._region("log").address,
            commands=self._commands,
            reports=self._reports,
        )
        begin = time.perf_counter()
        self._board.accelerator.start(job)
        self._running = slot, begin

    def wait(self, timeout_s: float | None = None) -> JobOutcome:
        """Return the outcome of the job that runs; an error leaves the board at rest."""
        if self._running is None:
            raise HostError("no job is running: start one before waiting")
        slot, begin = self._running
        ended = self._board.wait(timeout_s)
        seconds = time.perf_counter() - begin
        self._running = None
        state = self._board.accelerator.state()
        if not ended:
            raise HostError(
                f"the job did not end within {timeout_s:g} s ({state.describe()}): "
                f"{self._recover()}"
            )
        self._board.accelerator.acknowledge()
        if state.code:
            raise HostError(f"the job ended with an error ({state.describe()}): {self._recover()}")
        return JobOutcome(
            output=np.frombuffer(self._region(f"output {slot}").read(), dtype="<i2").astype(
                np.int16
            ),
            log=decode_log(self._region("log").read()),
            cycles=state.cycles,
            wall_seconds=seconds,
        )

    def close(self) -> None:
        """End the job that runs, and free the buffers."""
        if self._regions is None:
            return
        regions, self._regions = self._regions, None
        try:
            if self._running is not None:
                self._running = None
                self._board.recover()
        finally:
            for region in regions.values():
                region.free()
            self._signals.restore()

    def _recover(self) -> str:
        """Bring the board to rest; return what was done, or why it is not usable again."""
        try:
            return self._board.recover()
        except HostError as error:
            return str(error)

    def _region(self, name: str) -> Region:
        if self._regions is None:
            raise HostError("the session is closed: open another one")
        return self._regions[name]
