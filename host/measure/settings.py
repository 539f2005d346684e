"""How often and how long a measurement runs."""

from dataclasses import dataclass

from trivit.host.backends.session import CycleSource
from trivit.host.errors import HostError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Jobs of a measurement, for each program.

    ``warm_up`` jobs are not counted, ``repetitions`` are. A batch of each size in ``batches`` runs
    so often that about ``repetitions`` images pass. ``stream`` images pass twice, serial and
    overlapped.

    Raises:
        HostError: a number that makes no sense.
    """

    warm_up: int
    repetitions: int
    batches: tuple[int, ...]
    stream: int

    def __post_init__(self) -> None:
        if self.warm_up < 0:
            raise HostError(f"warm-up {self.warm_up}: give 0 or more")
        if self.repetitions < 1:
            raise HostError(f"repetitions {self.repetitions}: give at least 1")
        if self.stream < 0:
            raise HostError(f"stream {self.stream}: give 0 (none) or more images")
        if any(size < 1 for size in self.batches):
            raise HostError(f"batch {min(self.batches)}: give at least 1 image")

    def batch_runs(self, size: int) -> int:
        """Return how often a batch of ``size`` images runs."""
        return max(1, self.repetitions // size)


def usual_settings(source: CycleSource | None) -> Settings:
    """Return the settings for a device, or the few runs that a simulation has time for.

    Of a simulation, batches and streams say nothing: their figures are wall times.
    """
    if source is CycleSource.device:
        return Settings(warm_up=10, repetitions=100, batches=(1, 4, 16), stream=200)
    return Settings(warm_up=0, repetitions=1, batches=(), stream=0)
