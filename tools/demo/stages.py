"""The stages of the demo as a person sees them: a line each, with the seconds they took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Announces stages on stdout and keeps their wall-clock seconds in `seconds`."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[None]:
        """Time the body as stage ``name``; ``doing`` says what happens in it."""
        number = len(self.seconds) + 1
        print(f"[{number}/{self.count}] {name}: {doing}", flush=True)
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)
        print(f"      done in {self.seconds[name]:.1f} s", flush=True)
