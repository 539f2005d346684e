"""The benchmark: compile ahead, warm up, time in rounds, within the minutes that there are."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from trivit.models.augmentation.batches import Batch
from trivit.models.clock import synchronise
from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import parse_config
from trivit.models.progress import Advance, progress_bar
from trivit.models.training.device import chosen_precision
from trivit.tools.bench.train.ahead import (
    CompiledShapes,
    cache_counts,
    compile_cache,
    compilers,
    default_cache,
    fitting_processes,
)
from trivit.tools.bench.train.loading import measure_loading
from trivit.tools.bench.train.measure import bookkeeping, memory_mib, time_round
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.processes import Processes
from trivit.tools.bench.train.profile import profile_rows
from trivit.tools.bench.train.results import NO_TIME, Measured
from trivit.tools.bench.train.rows import chosen_rows, rows, waves
from trivit.tools.bench.train.shapes import Shape, shapes
from trivit.tools.bench.train.steps import Step, StepMaker, has_timm, make_batch
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions

# Shapes between two rounds where nothing is compiled; else as many as processes compile them.
_WAVE = 4

# Of the minutes, what rounds may take where profiles follow.
_ROUNDS_SHARE = 0.75

# Of the time that is left, what the shapes of a group may take to compile: those that are ready
# are to be timed, whatever becomes of the others.
_COMPILE_SHARE = 0.5

# The next round may take so many times as long as the last one: it has more shapes.
_LONGER = 1.2

Save = Callable[[Mapping[str, Any]], None]


def bench_train(
    preset: Preset,
    *,
    rounds: int | None = None,
    only: Sequence[str] = (),
    experiment: Path | None = None,
    minutes: float | None = None,
    profiled: bool = False,
    processes: int | None = None,
    cache: Path | None = None,
    save: Save = lambda result: None,
) -> dict[str, Any]:
    """Time a training step of every method of the table on made-up images.

    Shapes become ready in groups, those of the most important rows first; after each group all
    that are ready take their turn. When all are, whole rounds follow. A ratio is the median over
    the rounds that both sides took part in.

    Args:
        preset: model, batch, device.
        rounds: whole rounds, instead of the preset's.
        only: rows to time, and the dense ones (default: all).
        experiment: YAML file whose data are read and augmented for comparison.
        minutes: begin nothing that would probably end later.
        profiled: look into a step of each row as well, once all times are taken.
        processes: that compile at once (default: what cores and the device's memory allow).
        cache: folder of what they compile (default: ``ahead.default_cache``).
        save: called with the result after every round.

    Raises:
        ModelsError: the preset's device is not there, or the experiment's data are not.
        ToolsError: an unknown row, too few images to time their loading, no time for a round, or no
            shape that runs. Where some run, the others are named under ``missing``.
    """
    bench = _Bench(preset, only, minutes, save)
    with ExitStack() as stack:
        stack.enter_context(_threads(preset.threads))
        turns = rounds or preset.rounds
        advance = stack.enter_context(progress_bar("steps", bench.turns(turns)))
        if preset.compile:
            folder = cache or default_cache()
            stack.enter_context(compile_cache(folder))
            bench.compiled = CompiledShapes(folder, preset, bench.device)
            count = processes or fitting_processes(preset, bench.device)
            bench.compilers = stack.enter_context(compilers(count))
            bench.wave = count
        bench.make_ready(advance)
        bench.repeat(turns, advance, _ROUNDS_SHARE if profiled else 1.0)
        if profiled:
            bench.profile()
        bench.threads = torch.get_num_threads()
        if experiment is not None:
            bench.loading = measure_loading(experiment, bench.device.type, len(bench.batch.labels))
    result = bench.result(complete=True)
    save(result)
    return result


class _Bench:
    """One run of the benchmark."""

    def __init__(
        self, preset: Preset, only: Sequence[str], minutes: float | None, save: Save
    ) -> None:
        self._busy = os.getloadavg()[0]
        self._started = time.monotonic()
        self._when = datetime.now(timezone.utc)
        self._seconds = None if minutes is None else 60 * minutes
        self._save = save
        self._order = random.Random(0)
        self.preset = preset
        self.batch: Batch = make_batch(preset)
        self.device = self.batch.images.device
        found = shapes(preset, with_timm=has_timm())
        self._measured = Measured(preset, chosen_rows(rows(preset, found), only), found)
        self._maker = StepMaker(preset, self.batch, len(found))
        self._steps: dict[str, Step] = {}
        self._last_round = 0.0
        self._compile_seconds: dict[str, float | str] = {}
        self.compilers: Processes | None = None
        self.compiled: CompiledShapes | None = None
        self.wave = _WAVE
        self.threads = torch.get_num_threads()
        self.loading: dict[str, Any] | None = None
        self.profiles: list[dict[str, Any]] | None = None

    def turns(self, rounds: int) -> int:
        """Return how often a shape is warmed up or takes its turn in whole rounds."""
        return (rounds + 1) * sum(map(len, waves(self._measured.table, self.wave)))

    def left(self) -> float | None:
        """Return the seconds that are left (``None``: any number)."""
        if self._seconds is None:
            return None
        return self._started + self._seconds - time.monotonic()

    def _fits(self, seconds: float) -> bool:
        return (left := self.left()) is None or seconds < left

    def make_ready(self, advance: Advance) -> None:
        """Compile and warm up the shapes, group by group; a round follows each."""
        longest = 0.0
        for names in waves(self._measured.table, self.wave):
            if not self._fits(longest + _LONGER * self._last_round):
                break
            started = time.monotonic()
            for shape in self._compiled([self._measured.found[name] for name in names]):
                if self._fits(_LONGER * self._last_round):
                    self._warm_up(shape)
                advance(1)
            longest = max(longest, time.monotonic() - started)
            self._round()

    def _compiled(self, wanted: list[Shape]) -> list[Shape]:
        """Return the shapes that can run: all, but for those whose compilation took too long."""
        if self.compilers is None or self.compiled is None:
            return wanted
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # the other processes need it
        left = self.left()
        seconds = None if left is None else _COMPILE_SHARE * left
        self._compile_seconds |= self.compiled.compile(self.compilers, wanted, seconds)
        if self._seconds is None:  # then this process compiles what another one could not
            return wanted
        late = {
            name: f"not compiled, {told}"
            for name, told in self._compile_seconds.items()
            if isinstance(told, str)
        }
        self._measured.failed |= late
        return [shape for shape in wanted if shape.name not in late]

    def _warm_up(self, shape: Shape) -> None:
        """Run a shape outside the clock; one that cannot run does not end the others."""
        found = self._measured
        try:
            step = self._maker.make(shape)
            for _ in range(self.preset.warmup):
                step.run()
            synchronise(self.device)
            memory = memory_mib(step, self.device)
            self._maker.record(step)
            step.run()
            synchronise(self.device)
        except (RuntimeError, ModelsError) as error:  # out of memory, or a compiler that gives up
            lines = str(error).strip().splitlines() or [type(error).__name__]
            found.failed[shape.name] = lines[0]
            return
        self._steps[shape.name] = step
        found.add(step, memory)
        if shape.name == "example":
            found.counters = bookkeeping(step, self.batch)

    def _round(self) -> None:
        if not self._steps:
            return
        started = time.monotonic()
        self._measured.rounds.append(
            time_round(
                self._steps,
                self.device,
                self._order,
                steps_each=self.preset.steps,
                clock=self.preset.clock,
            )
        )
        self._last_round = time.monotonic() - started
        self._save(self.result(complete=False))

    def repeat(self, rounds: int, advance: Advance, share: float) -> None:
        """Let all shapes take their turn ``rounds`` times, or as often as ``share`` of time allows.

        Raises:
            ToolsError: there was no time for any, or no shape runs.
        """
        if not self._measured.rounds:
            for name, why in self._measured.failed.items():
                raise ToolsError(f"no step runs, {name}: {why}")
            raise ToolsError(
                f"nothing was ready within {(self._seconds or 0.0) / 60:g} minutes: "
                "allow more --minutes"
            )
        kept = (1 - share) * (self._seconds or 0.0)
        for _ in range(rounds):
            if not self._fits(_LONGER * self._last_round + kept):
                return
            self._round()
            advance(len(self._steps))

    def profile(self) -> None:
        """Look into a step of each row; the tracer slows what is timed after it."""
        found = profile_rows(
            self._measured.table,
            self._steps,
            self.device,
            steps_each=max(1, self.preset.steps // 2),
            fits=self._fits,
        )
        self.profiles = []
        for profile in found:
            self.profiles.append(profile)
            self._save(self.result(complete=False))

    def result(self, *, complete: bool) -> dict[str, Any]:
        """Return what is known; ``complete``: nothing more will follow."""
        preset = self.preset
        config = parse_config(dict(preset.settings)).training
        found = self._measured.summary()
        if not complete:
            found["missing"] = [
                {**row, "why": "the run was cut off"} if row["why"] == NO_TIME else row
                for row in found["missing"]
            ]
        return {
            "benchmark": "train",
            "complete": complete,
            "preset": preset.name,
            "text": preset.text,
            "batch_size": len(self.batch.labels),
            "precision": chosen_precision(config, self.device),
            "compiled": preset.compile,
            "threads": self.threads,
            "clock": preset.clock,
            "steps_per_round": preset.steps,
            **found,
            "profiles": self.profiles,
            "loading": self.loading,
            "compilation": self._compilation(),
            "seconds": round(time.monotonic() - self._started, 1),
            "load_average_before": round(self._busy, 2),
            "when": self._when.isoformat(timespec="seconds"),
            "machine": describe_machine(),
            "versions": library_versions(),
        }

    def _compilation(self) -> dict[str, Any] | None:
        if self.compilers is None:
            return None
        return {"seconds": self._compile_seconds, "cache": cache_counts(), "processes": self.wave}


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
