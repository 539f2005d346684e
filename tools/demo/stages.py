"""The stages of the demo as a person sees them: a line each, with the seconds they took."""

from collections.abc import Iterator
from contextlib import contextmanager

from trivit.models.clock import PartClock, rounded


class StageClock:
    """Announces stages on stdout and times them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._clock = PartClock()

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds by stage, to the millisecond."""
        return rounded(self._clock.seconds)

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[None]:
        """Time the body as stage ``name``; ``doing`` says what happens in it."""
        number = len(self._clock.seconds) + 1
        print(f"[{number}/{self.count}] {name}: {doing}", flush=True)
        with self._clock.part(name):
            yield
        print(f"      done in {self.seconds[name]:.1f} s", flush=True)
