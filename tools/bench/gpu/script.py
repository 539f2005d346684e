"""The script: tests beside compilation, then steps, then the study; all of it written at once."""

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch  # the description of the machine names its GPU

from trivit.models.files import atomic_write
from trivit.tools.bench.gpu.checks import marked_files, pytest_command, results_so_far
from trivit.tools.bench.gpu.stage import Stage, run_together
from trivit.tools.bench.train.presets import PRESETS
from trivit.tools.bench.train.report import markdown, read_result
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions

# Of the minutes for tests and steps: what the tests may take, and what they and compilation may.
_CHECKS_SHARE = 0.25
_COMPILE_SHARE = 0.42

# Seconds that a benchmark needs to be worth its start.
_SHORTEST_STEPS = 15.0

# Seconds that the study needs to be worth its start, and to write its report.
_SHORTEST_STUDY = 120.0
_REPORT_SECONDS = 60.0

_OF_THE_STUDY = ("study.json", "study.md")

# A command that keeps its own time ends before it is ended.
_GRACE_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the script does.

    Attributes:
        table_minutes: for tests and steps; what is left of all minutes is the study's.
        steps: presets, each with arguments of ``trivit bench train`` and its share of the time that
            is left when its turn comes.
        compiles: whether these presets compile.
        study: profile of the accuracy study (``None``: none).
    """

    table_minutes: float
    steps: Sequence[tuple[str, Sequence[str], float]]
    compiles: bool
    study: str | None


def _rows(preset: str, *others: str) -> tuple[str, ...]:
    """Return the arguments that choose the rows of ``preset`` with targets, and ``others``."""
    names = (*PRESETS[preset].targets, *others)
    return tuple(word for name in names for word in ("--row", name))


_BEFORE = ("dense_before", "token_0.7_before", "pss_none_before")

PLANS = {
    "gpu": Plan(
        table_minutes=8.0,
        steps=(
            ("deit_small", (*_rows("deit_small", *_BEFORE), "--profile"), 0.65),
            ("deit_tiny", _rows("deit_tiny"), 1.0),
        ),
        compiles=True,
        study="gpu",
    ),
    "cpu": Plan(
        table_minutes=8.0,
        steps=(("cpu", ("--row", "token_0.7", "--rounds", "2"), 1.0),),
        compiles=False,
        study=None,
    ),
}


def check_and_measure(plan_name: str, out: Path, minutes: float) -> list[str]:
    """Do all of a plan; return lines that say what came out.

    ``out`` gets ``gpu.json`` (stages and tests), ``gpu.log`` (their output), ``gpu.md`` (the
    report), ``train-PRESET.json`` for each preset and ``study.json``.

    Args:
        plan_name: one of ``PLANS``.
        out: folder; made if it is missing.
        minutes: for everything.

    Raises:
        ToolsError: an unknown plan, no checkout, or a stage that failed.
    """
    if plan_name not in PLANS:
        raise ToolsError(f"unknown plan '{plan_name}': choose from {', '.join(PLANS)}")
    root = Path(__file__).resolve().parents[3]
    if not (root / "sw_tests").is_dir():
        raise ToolsError(f"{root} holds no tests: start this command from a checkout")
    return _Script(PLANS[plan_name], root, out, minutes).run()


class _Script:
    def __init__(self, plan: Plan, root: Path, out: Path, minutes: float) -> None:
        self._plan = plan
        self._root = root
        self._out = out.resolve()
        self._end = time.monotonic() + 60 * minutes
        self._table_end = self._end - 60 * max(0.0, minutes - plan.table_minutes)
        self._minutes = minutes
        self._when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._machine = {**describe_machine(), "cuda": torch.version.cuda or "none"}
        self._log = self._out / "gpu.log"
        self._stages: list[Stage] = []
        self._checks: dict[str, Any] = {}

    def run(self) -> list[str]:
        self._out.mkdir(parents=True, exist_ok=True)
        for name in (
            "study.json",
            "study.md",
            *(f"train-{p}.json" for p, _, _ in self._plan.steps),
        ):
            (self._out / name).unlink(missing_ok=True)  # of an earlier run
        self._log.write_bytes(b"")
        self._check_and_compile()
        for preset, arguments, share in self._plan.steps:
            self._time_steps(preset, arguments, share * self._left(self._table_end))
        if self._plan.study is not None:
            self._study(self._plan.study)
        bad = [stage.name for stage in self._stages if stage.status == "failed"]
        bad += self._checks.get("failing", [])
        if bad:
            raise ToolsError(f"failed: {', '.join(bad)}: see {self._log}")
        return [
            *(f"{s.name}: {s.status}, {s.seconds:.0f} s" for s in self._stages),
            f"{self._out}: {', '.join(sorted(p.name for p in self._out.iterdir()))}",
        ]

    def _left(self, end: float) -> float:
        return max(0.0, end - time.monotonic())

    def _stage(self, name: str, command: Sequence[str], **variables: str) -> Stage:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
        stage = Stage(name, command, environment, self._log)
        self._stages.append(stage)
        return stage

    def _trivit(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "trivit.tools.cli", *words]

    def _check_and_compile(self) -> None:
        """Run the tests; meanwhile the other cores compile, for one preset after the other."""
        whole = self._left(self._table_end)
        end = time.monotonic() + _COMPILE_SHARE * whole
        checks = self._stage("tests", pytest_command(sys.executable, marked_files(self._root)))
        checks.start(_CHECKS_SHARE * whole, self._root)
        for preset, arguments, _ in self._plan.steps if self._plan.compiles else ():
            rows = [word for word in arguments if word != "--profile"]
            left = self._left(end)
            words = ["bench", "train", "--preset", preset, *rows, "--compile-only", "--minutes"]
            stage = self._stage(
                f"compilation of {preset}", self._trivit(*words, f"{left / 60:.2f}")
            )
            stage.start(left + _GRACE_SECONDS, self._root)
            run_together([stage], self._write, beside=[checks])
        run_together([checks], self._write)

    def _time_steps(self, preset: str, arguments: Sequence[str], seconds: float) -> None:
        out = str(self._out / f"train-{preset}.json")
        words = ["bench", "train", "--preset", preset, *arguments, "--out", out]
        command = self._trivit(*words, "--minutes", f"{seconds / 60:.2f}")
        stage = self._stage(f"steps of {preset}", command)
        if seconds < _SHORTEST_STEPS:
            self._write()
            return
        stage.start(seconds + _GRACE_SECONDS, self._root)
        run_together([stage], self._write)
        self._write()

    def _study(self, profile: str) -> None:
        """Train as long as there is time; a run that is cut off goes on in the next session."""
        seconds = self._left(self._end) - _REPORT_SECONDS
        if seconds < _SHORTEST_STUDY:
            return
        folder = self._root / "runs" / f"study-accuracy-{profile}"
        words = ["study", "accuracy", "--profile", profile, "--out", str(folder), "--minutes"]
        stage = self._stage("accuracy study", self._trivit(*words, f"{seconds / 60:.2f}"))
        stage.start(seconds, self._root)
        run_together([stage], self._write)
        if stage.status == "stopped at its limit":
            report = self._stage("report of the study", self._trivit(*words, "0"))
            report.start(_REPORT_SECONDS, self._root)
            run_together([report], self._write)
        for name in _OF_THE_STUDY:
            if (folder / name).is_file():
                shutil.copy(folder / name, self._out / name)
        self._write()

    def _write(self) -> None:
        """Write ``gpu.json`` and ``gpu.md``: what is known at this moment."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        self._checks = results_so_far(text)
        state = {
            "benchmark": "gpu",
            "minutes": self._minutes,
            "when": self._when,
            "machine": self._machine,
            "versions": library_versions(),
            "stages": [stage.described() for stage in self._stages],
            "tests": self._checks,
        }
        with atomic_write(self._out / "gpu.json") as temporary:
            temporary.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        with atomic_write(self._out / "gpu.md") as temporary:
            temporary.write_text(self._report(state), encoding="utf-8")

    def _report(self, state: Mapping[str, Any]) -> str:
        tests = state["tests"]
        lines = [
            f"# On {state['machine'].get('gpu', state['machine']['processor'])}, {state['when']}",
            "",
            "| stage | | seconds |",
            "| --- | --- | ---: |",
            *(f"| {s['name']} | {s['status']} | {s['seconds']:.0f} |" for s in state["stages"]),
            "",
            f"Tests: {tests['passed']} passed, {tests['failed'] + tests['error']} failed, "
            f"{tests['skipped']} skipped.",
            *(f"Failed: `{name}`" for name in tests["failing"]),
        ]
        for preset, _, _ in self._plan.steps:
            path = self._out / f"train-{preset}.json"
            if path.is_file():
                lines += ["", f"## {preset}", "", markdown(read_result(path)).rstrip()]
        study = self._out / _OF_THE_STUDY[1]
        if study.is_file():
            lines += ["", study.read_text(encoding="utf-8").rstrip()]
        return "\n".join(lines) + "\n"
