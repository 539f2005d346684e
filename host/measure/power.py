"""Power and energy per image: rails sampled while nothing runs and while images stream."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from trivit.host.backends.session import Session
from trivit.host.errors import HostError
from trivit.host.measure.rails import Rail, Rails
from trivit.host.measure.streaming import Finish, Prepare, run_overlapped

#: Of a monitor that does not tell its averaging time: longer than INA226 take as they start.
_USUAL_AVERAGING_MS = 100.0


@dataclass(frozen=True, kw_only=True)
class RailPower:
    """Watts of one rail, idle and busy: means, and every sample."""

    name: str
    group: str
    averaging_ms: float | None
    idle_watts: float
    busy_watts: float
    idle_samples: tuple[float, ...]
    busy_samples: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class PowerFigures:
    """Power of all rails that could be read while ``images`` streamed in ``seconds``.

    ``sample_hz`` is how often all rails were read. ``unreadable`` has name and reason of rails that
    failed on the way; they are in no sum.
    """

    source: str
    images: int
    seconds: float
    idle_seconds: float
    sample_hz: float
    rails: tuple[RailPower, ...]
    unreadable: tuple[tuple[str, str], ...]

    def watts(self, group: str | None = None) -> tuple[float, float]:
        """Return the sums, idle and busy, of one group's rails or of all."""
        rails = [rail for rail in self.rails if group in (None, rail.group)]
        return sum(rail.idle_watts for rail in rails), sum(rail.busy_watts for rail in rails)

    def groups(self) -> tuple[str, ...]:
        """Return the groups of the rails, in their order."""
        return tuple(dict.fromkeys(rail.group for rail in self.rails))

    def energy_mj(self, group: str | None = None, *, above_idle: bool = False) -> float:
        """Return millijoules for an image: mean power times time, over the images."""
        idle, busy = self.watts(group)
        return 1000 * (busy - idle if above_idle else busy) * self.seconds / self.images


@dataclass
class _Series:
    times: list[float] = field(default_factory=list)
    watts: list[float] = field(default_factory=list)

    def within(self, begin: float, end: float) -> tuple[float, ...]:
        """Return the samples of a stretch of time."""
        pairs = zip(self.times, self.watts, strict=True)
        return tuple(watts for at, watts in pairs if begin <= at <= end)


class Sampler:
    """Reads rails in a thread, every ``period_s`` seconds or as often as they allow.

    A rail whose reading fails is read no more; ``failed`` says why.
    """

    def __init__(self, rails: Sequence[Rail], period_s: float) -> None:
        self.series = {rail.name: _Series() for rail in rails}
        self.failed: dict[str, str] = {}
        self._rails = list(rails)
        self._period = period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trivit-power", daemon=True)

    def __enter__(self) -> "Sampler":
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, behind the last sample."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.perf_counter()
        while not self._stop.is_set():
            for rail in self._rails:
                if rail.name in self.failed:
                    continue
                try:
                    watts = rail.read()
                except (OSError, ValueError) as error:
                    self.failed[rail.name] = getattr(error, "strerror", None) or str(error)
                    continue
                series = self.series[rail.name]
                series.times.append(time.perf_counter())
                series.watts.append(watts)
            due = max(due + self._period, time.perf_counter())
            self._stop.wait(due - time.perf_counter())


@dataclass(frozen=True, kw_only=True)
class PowerMeter:
    """Rails, and how long they are sampled idle and busy, every ``period_s`` seconds."""

    rails: Rails
    idle_seconds: float = 5.0
    busy_seconds: float = 10.0
    period_s: float = 0.05

    def __post_init__(self) -> None:
        least = 2 * self.period_s
        if not min(self.idle_seconds, self.busy_seconds) >= least > 0:
            raise HostError(
                f"power over {self.idle_seconds:g} s idle and {self.busy_seconds:g} s busy: give "
                f"at least {least:g} s each, two readings"
            )

    def measure(self, session: Session, prepare: Prepare, finish: Finish) -> PowerFigures:
        """Sample while the session waits, then while images stream for ``busy_seconds``.

        What a monitor averaged before a stretch began is left out of it.

        Raises:
            HostError: a stretch without a sample, no rail left, or as the session's methods.
        """
        with Sampler(self.rails.rails, self.period_s) as sampler:
            idle_from = time.perf_counter() + self._settle
            time.sleep(self._settle + self.idle_seconds)
            idle_to = time.perf_counter()
            streamed = self._settle + self.busy_seconds
            passage = run_overlapped(session, prepare, finish, 1, seconds=streamed)
        busy_from, busy_to = passage.first_start + self._settle, passage.end
        rails = []
        for rail in self.rails.rails:
            if rail.name in sampler.failed:
                continue
            series = sampler.series[rail.name]
            idle, busy = series.within(idle_from, idle_to), series.within(busy_from, busy_to)
            if not idle or not busy:
                raise HostError(
                    f"{rail.name} has {len(idle)} samples idle and {len(busy)} busy: reading it "
                    "takes too long; give more --power-seconds"
                )
            rails.append(_rail_power(rail, idle, busy))
        if not rails:
            name, reason = next(iter(sampler.failed.items()))
            raise HostError(f"no power rail could be read to the end ({name}: {reason})")
        return PowerFigures(
            source=self.rails.source,
            images=passage.images,
            seconds=passage.seconds,
            idle_seconds=self.idle_seconds,
            sample_hz=len(rails[0].busy_samples) / (busy_to - busy_from),
            rails=tuple(rails),
            unreadable=(*self.rails.unreadable, *sampler.failed.items()),
        )

    @property
    def _settle(self) -> float:
        known = [rail.averaging_ms or _USUAL_AVERAGING_MS for rail in self.rails.rails]
        return max(known, default=0.0) / 1000


def _rail_power(rail: Rail, idle: tuple[float, ...], busy: tuple[float, ...]) -> RailPower:
    return RailPower(
        name=rail.name,
        group=rail.group,
        averaging_ms=rail.averaging_ms,
        idle_watts=sum(idle) / len(idle),
        busy_watts=sum(busy) / len(busy),
        idle_samples=idle,
        busy_samples=busy,
    )
