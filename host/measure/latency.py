"""The protocol of a measurement: what runs in which order, and what is kept of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends.session import CycleSource, JobOutcome, Session
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.images import preprocess
from trivit.host.measure.expected import Expected, OutputCheck, by_oracle
from trivit.host.measure.power import PowerFigures, PowerMeter
from trivit.host.measure.settings import Settings
from trivit.host.measure.statistics import Summary, summarise
from trivit.host.measure.streaming import Finish, Prepare, run_overlapped, run_serial, wait_for

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Check:
    """That the outputs are right, before any figure is.

    ``logits`` of the first image equal those of ``against``, which took ``seconds``. ``repeats``
    runs of an image gave the same outputs as its first one; their cycles differ by at most
    ``cycle_spread``.
    """

    against: str
    seconds: float
    logits: tuple[int, ...]
    repeats: int
    cycle_spread: int


@dataclass(frozen=True, kw_only=True)
class BatchLatency:
    """Batches of ``size`` images, from the begin of preprocessing until the last job's end."""

    size: int
    cycles: Summary
    wall_ms: Summary

    @property
    def images_per_second(self) -> float:
        """By the median batch."""
        return 1000 * self.size / self.wall_ms.median


@dataclass(frozen=True, kw_only=True)
class StreamThroughput:
    """A stream of images, once one after the other and once overlapped, in the same session."""

    images: int
    serial_seconds: float
    overlapped_seconds: float
    busy_share: float

    @property
    def images_per_second(self) -> float:
        """Overlapped."""
        return self.images / self.overlapped_seconds

    @property
    def serial_images_per_second(self) -> float:
        """One after the other."""
        return self.images / self.serial_seconds

    @property
    def gain(self) -> float:
        """How many times as fast overlapping is."""
        return self.serial_seconds / self.overlapped_seconds


@dataclass(frozen=True, kw_only=True)
class ProgramLatency:
    """One program: ``cycles`` and ``wall_ms`` of single jobs, with all samples of both.

    ``wall_ms`` is the time from the start of a job until its end was seen; it means something only
    where the report's source is the device.
    """

    name: str
    token_keep_ratio: float
    attention_keep_ratio: float
    check: Check
    cycles: Summary
    wall_ms: Summary
    cycle_samples: tuple[int, ...]
    wall_samples_ms: tuple[float, ...]
    batches: tuple[BatchLatency, ...]
    stream: StreamThroughput | None
    power: PowerFigures | None


@dataclass(frozen=True, kw_only=True)
class LatencyReport:
    """All programs of a bundle, and the clock that their cycles count."""

    source: CycleSource
    clock_mhz: float
    settings: Settings
    programs: tuple[ProgramLatency, ...]

    @property
    def wall_counts(self) -> bool:
        """Whether wall times mean something: not in a simulation."""
        return self.source is CycleSource.device

    def kernel_ms(self, program: ProgramLatency) -> Summary:
        """Return the cycles of single jobs in milliseconds of the clock."""
        return program.cycles.scaled(1 / (1000 * self.clock_mhz))


def measure(
    session_factory: Callable[[Bundle], Session],
    bundle: Bundle,
    images: NDArray[np.uint8],
    settings: Settings,
    *,
    expected: Mapping[str, Expected] | None = None,
    power: PowerMeter | None = None,
    progress: Progress | None = None,
) -> LatencyReport:
    """Measure every program of ``bundle`` on ``images`` (N, channels, height, width) uint8.

    For each program: the outputs of the first image are compared with those of ``expected`` (by
    name of the program; without them the oracle computes them), then warm-up, single jobs, batches,
    the stream serial and overlapped, and power. Every job's outputs are compared with those of the
    image's first job.

    Raises:
        HostError: no images, a program without commands, a session that fails.
        WrongOutputError: outputs differ; nothing is reported then.
    """
    if len(images) == 0:
        raise HostError("no images: give at least one")
    tell = progress or (lambda line: None)
    chosen = [bundle.choose(program.name) for program in bundle.programs]
    for one in chosen:
        one.first.commands()  # refused before the first minute is spent
    measured, clocks = [], []
    for one in chosen:
        name = one.first.name
        if expected is None:
            tell(f"{name}: the oracle computes the first image")
            right = by_oracle(one, images[0])
        else:
            right = expected[name]
        with session_factory(one) as session:
            run = _ProgramRun(one, images, session, OutputCheck(one, right), tell)
            measured.append(run.measure(settings, power))
            clocks.append((session.source, session.clock_mhz))
    if len(set(clocks)) > 1:
        raise HostError(f"the clock changed between programs: {clocks}; measure again")
    source, clock_mhz = clocks[0]
    return LatencyReport(
        source=source, clock_mhz=clock_mhz, settings=settings, programs=tuple(measured)
    )


class _ProgramRun:
    """One program in one session."""

    def __init__(
        self,
        bundle: Bundle,
        images: NDArray[np.uint8],
        session: Session,
        check: OutputCheck,
        tell: Progress,
    ) -> None:
        self.program = bundle.first
        self.session = session
        self.check = check
        self._images = images
        self._tell = tell
        layout = bundle.first.commands().image

        def prepare(number: int) -> Int16:
            image = images[number % len(images)]
            return layout.arrange(preprocess(bundle, image[None]))[0]

        def finish(number: int, outcome: JobOutcome) -> None:
            check(number % len(images), outcome)

        self.prepare: Prepare = prepare
        self.finish: Finish = finish

    def measure(self, settings: Settings, power: PowerMeter | None) -> ProgramLatency:
        self._say(f"compare the first image with {self.check.expected.origin}")
        self._single(0)
        for number in range(settings.warm_up):
            self._single(number)
        samples = []
        for number in range(settings.repetitions):
            if not self._device or number == 0:
                self._say(f"repetition {number + 1} of {settings.repetitions}")
            samples.append(self._single(number))
        cycles = tuple(outcome.cycles for outcome in samples)
        wall_ms = tuple(1000 * outcome.wall_seconds for outcome in samples)
        batches = tuple(self._batch(size, settings) for size in settings.batches)
        stream = self._stream(settings.stream) if settings.stream else None
        figures = None
        if power is not None:
            self._say("power, idle and busy")
            figures = power.measure(self.session, self.prepare, self.finish)
        assert self.check.logits is not None
        return ProgramLatency(
            name=self.program.name,
            token_keep_ratio=self.program.token_keep_ratio,
            attention_keep_ratio=self.program.attention_keep_ratio,
            check=Check(
                against=self.check.expected.origin,
                seconds=self.check.expected.seconds,
                logits=tuple(self.check.logits.tolist()),
                repeats=self.check.repeats,
                cycle_spread=self.check.cycle_spread,
            ),
            cycles=summarise(cycles),
            wall_ms=summarise(wall_ms),
            cycle_samples=cycles,
            wall_samples_ms=wall_ms,
            batches=batches,
            stream=stream,
            power=figures,
        )

    @property
    def _device(self) -> bool:
        return self.session.source is CycleSource.device

    def _say(self, line: str) -> None:
        self._tell(f"{self.program.name}: {line}")

    def _single(self, number: int) -> JobOutcome:
        self.session.put(0, self.prepare(number))
        self.session.start(0)
        outcome = wait_for(self.session)
        self.finish(number, outcome)
        return outcome

    def _batch(self, size: int, settings: Settings) -> BatchLatency:
        runs = settings.batch_runs(size)
        self._say(f"batches of {size}, {runs} times")
        passages = [
            run_overlapped(self.session, self.prepare, self.finish, size) for _ in range(runs)
        ]
        return BatchLatency(
            size=size,
            cycles=summarise([passage.cycles for passage in passages]),
            wall_ms=summarise([1000 * passage.seconds for passage in passages]),
        )

    def _stream(self, images: int) -> StreamThroughput:
        self._say(f"a stream of {images} images, serial and overlapped")
        serial = run_serial(self.session, self.prepare, self.finish, images)
        overlapped = run_overlapped(self.session, self.prepare, self.finish, images)
        clock = 1e6 * self.session.clock_mhz
        return StreamThroughput(
            images=images,
            serial_seconds=serial.seconds,
            overlapped_seconds=overlapped.seconds,
            busy_share=overlapped.cycles / clock / overlapped.seconds,
        )
