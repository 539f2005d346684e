"""Jobs one by one on a device that holds a program: what latency is measured with."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH


class CycleSource(str, Enum):
    """Where a session's cycles come from."""

    device = "counted on the device"
    simulated = "simulated"
    modelled = "modelled"


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What a job leaves.

    ``output`` is its output region, (output_words·8,) int16; ``log`` one record for each report;
    ``cycles`` the accelerator's own count, until log and stored rows are in memory;
    ``wall_seconds`` the time from the write that started it until its end was seen.
    """

    output: Int16
    log: NDArray[np.void]
    cycles: int
    wall_seconds: float


def check_region(region: Int16, words: int) -> None:
    """Raise HostError unless ``region`` is an image of ``words`` words, (words·8,) int16."""
    if region.shape != (words * TILE_DEPTH,) or region.dtype != np.int16:
        raise HostError(
            f"an image region of shape {region.shape} and type {region.dtype}: the program takes "
            f"({words * TILE_DEPTH},) int16, as ImageLayout.arrange returns them"
        )


class Session(ABC):
    """One program on one device: parameters, commands and buffers are in its memory.

    A session has ``slots`` pairs of input and output buffers, so that the image of one slot can be
    written while the job of another runs. Jobs run one at a time, in the order of their starts.
    Leaving the context, or :meth:`close`, frees device and buffers.
    """

    slots: int
    #: MHz of the clock that ``cycles`` count, as read back or as assumed.
    clock_mhz: float
    source: CycleSource

    def check_slot(self, slot: int) -> None:
        """Raise HostError unless there is such a slot."""
        if not 0 <= slot < self.slots:
            raise HostError(f"slot {slot}: this session has 0 .. {self.slots - 1}")

    @abstractmethod
    def put(self, slot: int, region: Int16) -> None:
        """Write an image, (region_words·8,) int16 as the program's image layout arranges it.

        Raises:
            HostError: no such slot, a region of another shape or type, or the slot's job runs.
        """

    @abstractmethod
    def start(self, slot: int) -> None:
        """Start the job of a slot and return at once.

        Raises:
            HostError: a job is still running.
        """

    @abstractmethod
    def wait(self, timeout_s: float | None = None) -> JobOutcome:
        """Return the outcome of the job that runs.

        Raises:
            HostError: none runs, it ended with an error, or nothing came in time (the message
                holds the device's state; the device is usable again).
        """

    @abstractmethod
    def close(self) -> None:
        """Give the device and its buffers back; a second call does nothing."""

    def __enter__(self) -> "Session":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
