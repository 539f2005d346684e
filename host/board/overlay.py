"""A board with the accelerator in its logic: load, recognise, recover, read the clock back."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivit.host.board.compare import CLOCK_TOLERANCE, same_clock
from trivit.host.board.design import Design, find_bitstream, read_design
from trivit.host.board.driver import ABORT_SECONDS, Accelerator, Identity, poll
from trivit.host.board.interrupt import InterruptLine
from trivit.host.board.lock import BoardLock
from trivit.host.errors import HostError
from trivit.host.generated import board
from trivit.host.generated.registers import MAP_BYTES
from trivit.host.generated.spec import (
    ACTIVATION_DEPTH,
    KERNEL_VERSION,
    PARAM_PORTS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
)

#: What the registers of this host's kernel say.
EXPECTED = Identity(
    version=KERNEL_VERSION,
    geometry=TILE_TOKENS | TILE_OUTPUTS << 8 | TILE_DEPTH << 16 | PARAM_PORTS << 24,
    clock_khz=board.CLOCK_MHZ * 1000,
    bank_words=ACTIVATION_DEPTH,
)
_ELSEWHERE = "on other machines use --backend simulation"


def load_pynq() -> Any:
    """Return the package pynq on a machine with a device.

    Raises:
        HostError: there is no pynq, or it finds no device.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import pynq
        except ImportError as error:
            raise HostError(
                "the backend board needs the package pynq, which comes with a board's PYNQ image "
                f"({error}); {_ELSEWHERE}"
            ) from error
        try:
            pynq.Device.active_device  # noqa: B018  probing is what the attribute does
        except Exception as error:
            root = "" if os.geteuid() == 0 else "; run as root (sudo -E)"
            raise HostError(f"PYNQ finds no device ({error}){root}; {_ELSEWHERE}") from error
    return pynq


class Board:
    """The board of this machine with the accelerator in its logic, for this process alone.

    ``clock_mhz`` is the accelerator's clock as it was read back. ``tell`` is called with warnings,
    a line each. ``wait`` says how to see a job's end: by
    ``interrupt``, by ``poll``, or (``auto``) by interrupt where there is one.
    """

    def __init__(
        self,
        bitstream: Path | None = None,
        *,
        tell: Callable[[str], None],
        wait: str = "auto",
    ) -> None:
        """Take the board, load the bitstream unless it is there, and bring it to rest.

        Raises:
            HostError: no device, no bitstream that fits, another process has the board, or what
                answers is another accelerator.
        """
        if wait not in ("auto", "interrupt", "poll"):
            raise HostError(f"wait {wait!r}: use auto, interrupt or poll")
        self._pynq = load_pynq()
        self._tell = tell
        self._wait = wait
        self._process = os.getpid()
        self._line: InterruptLine | None = None
        self.clock_mhz = 0.0
        self.design: Design = read_design(find_bitstream(bitstream))
        self._lock: BoardLock | None = BoardLock()
        try:
            self._open()
            self.clock_mhz = self._read_clock()
        except BaseException:
            self.close()
            raise

    @property
    def is_owner(self) -> bool:
        """Whether this process took the board, and did not just inherit it."""
        return os.getpid() == self._process

    @property
    def allocate(self) -> Callable[..., Any]:
        """PYNQ's allocate."""
        found: Callable[..., Any] = self._pynq.allocate
        return found

    def wait(self, seconds: float | None) -> bool:
        """Return True when the job has ended, False when ``seconds`` are over before.

        An interrupt that is lost costs some tenths of a second, and a warning; from then on the
        register is asked.
        """
        if self._line is None:
            return poll(self.accelerator.finished, seconds)
        ended = self._line.wait(self.accelerator.finished, seconds)
        if self._line.lost:
            self._tell("the job ended but its interrupt did not come: polling from now on")
            self._line = None
            self.accelerator.enable_interrupt(False)
        return ended

    def recover(self) -> str:
        """Bring the accelerator to rest, by abort or else by loading the bitstream again.

        Returns what was done, for a message.

        Raises:
            HostError: neither helps.
        """
        if self.accelerator.abort():
            return "aborted, and the board is usable again"
        # PYNQ's interrupts do not outlive their logic: one that was waited for would take those of
        # its successor.
        self._download()
        self._recognise()
        self.accelerator.enable_interrupt(False)
        self.clock_mhz = self._read_clock()
        return (
            "an abort did not help, so the bitstream was loaded again: the board is usable again, "
            "and jobs are polled for"
        )

    def _read_clock(self) -> float:
        """Return the accelerator's clock in MHz: as PYNQ reads the dividers, or as it is measured.

        Tells when they differ from each other, or from what the design was made for.
        """
        low, high = self.accelerator.measured_mhz()
        measured = (low + high) / 2
        try:
            read = float(self._pynq.Clocks.fclk0_mhz)
        except Exception as error:
            self._tell(f"the clock cannot be read back ({error}): {measured:.2f} MHz as measured")
            read = measured
        if not low * (1 - CLOCK_TOLERANCE) <= read <= high * (1 + CLOCK_TOLERANCE):
            self._tell(
                f"the clock's dividers say {read:.2f} MHz, but the cycle counter runs at "
                f"{measured:.2f}: latencies are computed with the latter"
            )
            read = measured
        made_for = self.design.manifest.clock_mhz
        if not same_clock(read, made_for):
            self._tell(
                f"the clock is {read:.2f} MHz, the design was made for {made_for:g}: results may "
                "be wrong where it is faster, and latencies are those of this clock"
            )
        return read

    def close(self) -> None:
        """End what runs and give the board to others; a second call does nothing.

        In a process that the owner forked nothing happens: the board is still the owner's.
        """
        if self._lock is None or not self.is_owner:
            return
        try:
            if hasattr(self, "accelerator"):
                self.accelerator.enable_interrupt(False)
                self.accelerator.abort()
        finally:
            self._lock.release()
            self._lock = None

    def _open(self) -> None:
        assert self._lock is not None
        known = self._lock.loaded
        if known is not None and known.bitstream == self._digest_in_logic():
            # An accelerator that a killed process left may still write: it ends first.
            self.accelerator = self._accelerator()
            rests = self.accelerator.abort()
            if known.bitstream == self.design.digest and rests and self._is_ours():
                self._overlay = self._load(download=False)
                self._make_line()
                return
        self._download()
        self._recognise()
        self._make_line()

    def _download(self) -> None:
        assert self._lock is not None
        self._line = None
        self._lock.note(None)
        try:
            self._overlay = self._load(download=True)
        except Exception as error:
            raise HostError(
                f"{self.design.bitstream} could not be loaded: {error}; see `dmesg` for the FPGA "
                "manager's reason, and run as root"
            ) from error
        self._lock.note(self.design.digest)
        self.accelerator = self._accelerator()
        if not poll(lambda: bool(self.accelerator.state().idle), ABORT_SECONDS):
            raise HostError(
                f"the accelerator does not come to rest ({self.accelerator.state().describe()}): "
                "power the board off and on"
            )

    def _load(self, *, download: bool) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._pynq.Overlay(str(self.design.bitstream), download=download)

    def _accelerator(self) -> Accelerator:
        return Accelerator(self._pynq.MMIO(board.CONTROL_ADDRESS, MAP_BYTES))

    def _is_ours(self) -> bool:
        return self.accelerator.identity() == EXPECTED

    def _recognise(self) -> None:
        """Hold what answers against this host.

        Raises:
            HostError: another accelerator answers.
        """
        found = self.accelerator.identity()
        if found != EXPECTED:
            differences = [
                f"{name} {getattr(found, name):#x}, here {getattr(EXPECTED, name):#x}"
                for name in ("version", "geometry", "clock_khz", "bank_words")
                if getattr(found, name) != getattr(EXPECTED, name)
            ]
            raise HostError(
                f"{self.design.bitstream} holds another accelerator than its .hwh and .json say: "
                f"{'; '.join(differences)}: copy the three files of one build"
            )

    def _make_line(self) -> None:
        self.accelerator.enable_interrupt(self._wait != "poll")
        if self._wait == "poll":
            return
        try:
            self._line = InterruptLine(self._pynq.Interrupt, f"{board.CELL}/interrupt")
        except Exception as error:
            if self._wait == "interrupt":
                raise HostError(
                    f"no interrupt of the accelerator: {error}; wait by poll"
                ) from error
            self._tell(f"no interrupt of the accelerator ({error}): polling")
            self.accelerator.enable_interrupt(False)

    def _digest_in_logic(self) -> str | None:
        """Return the SHA-1 of the bitstream that PYNQ loaded latest, None where nobody knows."""
        try:
            from pynq.pl_server import global_state

            if not global_state.global_state_file_exists():
                return None
            return str(global_state.load_global_state().bitfile_hash)
        except Exception:
            return None
