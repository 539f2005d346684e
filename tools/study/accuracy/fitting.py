"""Which model and how many epochs fit into a study's minutes: measured, chosen once, and kept."""

import json
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from trivit.models.data.registry import train_image_count
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import steps_in_epoch
from trivit.models.files import atomic_write
from trivit.models.nested_settings import overlay
from trivit.models.settings import from_mapping
from trivit.tools.errors import ToolsError
from trivit.tools.study.accuracy.orderings import ORDERINGS, first_seeds, importance
from trivit.tools.study.accuracy.profiles import Length, Profile
from trivit.tools.study.accuracy.runs import Run

PLAN = "plan.json"

# Share of the minutes that is planned with: relative positions, the example level and captured
# graphs take longer than the dense steps that are measured.
_PLANNED = 0.8
_SEEDS = 2
_PROBE_EPOCHS, _PROBE_STEPS = 3, 8


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """What a dense training takes on this machine, seconds.

    Attributes:
        step: one step, with waiting for its images.
        epoch: of an epoch besides its steps: the checkpoint.
        evaluation: on all test images.
        start: before the first step, with the compilation or capture of one shape.
    """

    step: float
    epoch: float
    evaluation: float
    start: float

    def of(self, config: ExperimentConfig, ratios: int) -> float:
        """Return the seconds of a training that is evaluated at ``ratios`` shares afterwards."""
        images, epochs = train_image_count(config.data), config.training.epochs
        steps = sum(steps_in_epoch(config, images, epoch) for epoch in range(epochs))
        evaluations = math.ceil(epochs / config.training.evaluate_every) + 1 + 2 * ratios
        return self.start + steps * self.step + epochs * self.epoch + evaluations * self.evaluation


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """What a study of limited minutes does; its folder keeps it.

    Attributes:
        profile: name of the profile.
        minutes: that it was made for.
        size: of the model, by name.
        text: what is trained.
        settings: of the chosen length, laid over the profile's.
        datasets: that are trained on.
        device: that was measured.
        measured: what the chosen model takes there.
        run_seconds: of a dense run, expected.
        orderings: of the papers, in the order in which they are trained.
    """

    profile: str
    minutes: float
    size: str
    text: str
    settings: dict[str, Any] = field(metadata={"parse": lambda given, where: dict(given)})
    datasets: tuple[str, ...]
    device: str
    measured: StepTime
    run_seconds: float
    orderings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return what is printed of it."""
        return [
            f"plan for {self.minutes:g} minutes on {self.device}: {self.text}, "
            f"{', '.join(self.datasets)}",
            f"a dense step takes {1000 * self.measured.step:.2f} ms, a dense run "
            f"{self.run_seconds:.0f} s (expected); {60 * self.minutes / self.run_seconds:.0f} such "
            "runs would fit",
            f"in this order: {'; '.join(self.orderings)}; then the rest",
        ]

    def save(self, folder: Path) -> None:
        """Write it into a study's folder.

        Raises:
            OSError: the file cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / PLAN) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read_plan(folder: Path, profile: Profile) -> StudyPlan | None:
    """Return the plan that a study's folder holds, if any.

    Raises:
        ToolsError: it is damaged, or of another profile.
    """
    path = folder / PLAN
    try:
        plan = from_mapping(StudyPlan, json.loads(path.read_text(encoding="utf-8")), "plan")
    except FileNotFoundError:
        return None
    except Exception:
        raise ToolsError(f"{path} is no plan of a study: name another folder with --out") from None
    if plan.profile != profile.name:
        raise ToolsError(
            f"{path} is of profile {plan.profile}: use that, or name another folder with --out"
        )
    return plan


def with_length(profile: Profile, settings: Mapping[str, Any], text: str) -> Profile:
    """Return ``profile`` at a chosen length."""
    return replace(profile, text=text, settings=overlay(profile.settings, settings))


def choose_length(
    profile: Profile,
    runs_at: Callable[[Profile], Sequence[Run]],
    *,
    minutes: float,
    left: Callable[[], float],
    measure: Callable[[Run], tuple[str, StepTime]],
) -> StudyPlan:
    """Return a plan: the first length of the profile at which enough runs fit.

    Enough are two seeds of every ordering; where no length is short enough, two of the first one.

    Args:
        profile: with lengths.
        runs_at: makes the runs of a profile that has its length.
        minutes: for the plan's record.
        left: seconds that are left, after what measuring has taken.
        measure: returns the device and what a step takes there, of a run.

    Raises:
        ToolsError: two seeds of the first ordering take longer, even at the shortest length.
    """
    times: dict[str, tuple[str, StepTime]] = {}
    least = math.inf
    for first in (False, True):
        for length in profile.lengths:
            runs = list(runs_at(with_length(profile, length.settings, length.text)))
            if length.size not in times:
                times[length.size] = measure(runs[0])
            device, taken = times[length.size]
            needed = first_seeds(runs, _SEEDS, first=first)
            seconds = sum(taken.of(run.config, ratios(run, profile)) for run in needed)
            least = min(least, seconds)
            if seconds <= _PLANNED * left():
                return _plan(profile, length, runs, minutes, device, taken)
    places = [importance(run.method.name) for run in runs]
    what = [ordering.text for ordering in ORDERINGS][min(places) : min(places) + 1]
    enough = math.ceil((least / _PLANNED + 60 * minutes - left()) / 60)
    raise ToolsError(
        f"--minutes {minutes:g} is too short for {_SEEDS} seeds of "
        f"{what[0] if what else 'what was asked for'}, at the shortest length: "
        f"allow --minutes {enough}"
    )


def ratios(run: Run, profile: Profile) -> int:
    """Return at how many shares of the patches a run is evaluated."""
    return len(profile.sweep) if run.method.sweep else 0


def _plan(
    profile: Profile,
    length: Length,
    runs: Sequence[Run],
    minutes: float,
    device: str,
    taken: StepTime,
) -> StudyPlan:
    places = sorted({importance(run.method.name) for run in runs} - {len(ORDERINGS)})
    return StudyPlan(
        profile=profile.name,
        minutes=minutes,
        size=length.size,
        text=length.text,
        settings=dict(length.settings),
        datasets=tuple(dict.fromkeys(run.dataset for run in runs)),
        device=device,
        measured=taken,
        run_seconds=max(taken.of(run.config, 0) for run in runs),
        orderings=tuple(ORDERINGS[place].text for place in places),
    )


def measure_steps(run: Run) -> tuple[str, StepTime]:
    """Train a few dense steps of the model of ``run``; return the device and what they take.

    The first epoch warms up. All test images are evaluated once. Nothing is left behind.

    Raises:
        ModelsError: as ``train``.
    """
    from rich.console import Console

    from trivit.models.training import train

    config = _probe(run.config)
    images = train_image_count(config.data)
    ended: list[tuple[float, float]] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="trivit-study-") as folder:
        summary = train(
            config,
            Path(folder) / "run",
            console=Console(quiet=True, force_terminal=False),
            after_epoch=lambda record: ended.append((time.perf_counter(), record["seconds"])),
        )
    whole = time.perf_counter() - began
    steps = steps_in_epoch(config, images, 0)
    in_steps = min(seconds for _, seconds in ended[1:])
    evaluation = float(summary["seconds_by_part"]["evaluate"])
    besides = max(0.0, ended[1][0] - ended[0][0] - ended[1][1])
    start = whole - evaluation - _PROBE_EPOCHS * (in_steps + besides)
    return str(summary["device"]), StepTime(
        step=in_steps / steps, epoch=besides, evaluation=evaluation, start=max(0.0, start)
    )


def _probe(config: ExperimentConfig) -> ExperimentConfig:
    """Return the dense experiment of the same model and data, of few steps."""
    count = min(train_image_count(config.data), _PROBE_STEPS * config.training.batch_size)
    model = replace(config.model, token_keep_ratio=1.0, attention_keep_ratio=1.0)
    plain = ExperimentConfig(model=model)
    return replace(
        config,
        model=model,
        sparsity=plain.sparsity,
        patch_schedule=plain.patch_schedule,
        data=replace(config.data, train_images=count),
        training=replace(
            config.training,
            epochs=_PROBE_EPOCHS,
            warmup_epochs=1.0,
            evaluate_every=_PROBE_EPOCHS,
            timing_rounds=0,
        ),
    )
