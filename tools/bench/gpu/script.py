"""The script: tests beside compilation, then steps and loading, then the study.

What is known is written at every moment.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch  # the description of the machine names its GPU

from trivit.models.files import atomic_write
from trivit.tools.bench.gpu.checks import marked_files, pytest_command, results_so_far
from trivit.tools.bench.gpu.loading import experiment, loading_line, loading_result
from trivit.tools.bench.gpu.plans import PLANS, Plan
from trivit.tools.bench.gpu.stage import Stage, run_together
from trivit.tools.bench.train.ahead import cache_variables, default_cache
from trivit.tools.bench.train.presets import PRESETS
from trivit.tools.bench.train.report import markdown, read_result
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions

# Of the minutes for tests and steps: what the tests may take, and what they and compilation may.
_CHECKS_SHARE = 0.25
_COMPILE_SHARE = 0.42

# Seconds that a benchmark or a training needs to be worth its start.
_SHORTEST_STEPS = 15.0

# Seconds that the study needs to be worth its start, and to write its report.
_SHORTEST_STUDY = 120.0
_REPORT_SECONDS = 60.0

_OF_THE_STUDY = ("study.json", "study.md")

# A command that keeps its own time ends before it is ended.
_GRACE_SECONDS = 20.0


def check_and_measure(plan_name: str, out: Path, minutes: float) -> list[str]:
    """Do all of a plan; return lines that say what came out.

    ``out`` gets ``gpu.json`` (stages, tests, loading), ``gpu.log`` (their output), ``gpu.md`` (the
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
        self._loading: dict[str, Any] | None = None
        # Beside the results: a store holds too much to be taken along with them.
        self._scratch = self._out.with_name(f".{self._out.name}-loading")

    def run(self) -> list[str]:
        self._out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)  # of a run that was killed
        try:
            return self._run()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _run(self) -> list[str]:
        for name in (
            "study.json",
            "study.md",
            *(f"train-{p}.json" for p, _, _ in self._plan.steps),
        ):
            (self._out / name).unlink(missing_ok=True)  # of an earlier run
        self._log.write_bytes(b"")
        photographs = self._check_and_compile()
        for preset, arguments, share in self._plan.steps:
            self._time_steps(preset, arguments, share * self._left(self._table_end))
            if preset == self._plan.loading.preset:
                left = self._left(self._table_end)
                self._time_loading(photographs, self._plan.loading.share * left)
                shutil.rmtree(self._scratch, ignore_errors=True)
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

    def _python(self, *words: str) -> list[str]:
        return [sys.executable, "-m", *words]

    def _trivit(self, *words: str) -> list[str]:
        return self._python("trivit.tools.cli", *words)

    def _check_and_compile(self) -> Stage:
        """Run the tests; meanwhile the other cores compile, for one preset after the other.

        What they leave idle draws the photographs, whose stage is returned.
        """
        whole = self._left(self._table_end)
        end = time.monotonic() + _COMPILE_SHARE * whole
        checks = self._stage("tests", pytest_command(sys.executable, marked_files(self._root)))
        checks.start(_CHECKS_SHARE * whole, self._root)
        photographs = self._draw_photographs()
        photographs.start(_COMPILE_SHARE * whole, self._root)
        beside = [checks, photographs]
        for preset, arguments, _ in self._plan.steps if self._plan.compiles else ():
            rows = [word for word in arguments if word != "--profile"]
            left = self._left(end)
            words = ["bench", "train", "--preset", preset, *rows, "--compile-only", "--minutes"]
            stage = self._stage(
                f"compilation of {preset}", self._trivit(*words, f"{left / 60:.2f}")
            )
            stage.start(left + _GRACE_SECONDS, self._root)
            run_together([stage], self._write, beside=beside)
        run_together(beside, self._write)
        return photographs

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

    def _draw_photographs(self) -> Stage:
        loading = self._plan.loading
        counts = map(str, (loading.images, loading.side, loading.classes))
        module = "trivit.tools.bench.gpu.photographs"
        command = self._python(module, str(self._scratch / "store"), *counts)
        return self._stage("photographs", command)

    def _time_loading(self, photographs: Stage, seconds: float) -> None:
        """Train from the store of photographs; compare with the dense step timed just before."""
        loading, scratch = self._plan.loading, self._scratch
        preset = PRESETS[loading.preset]
        bare, run = self._out / f"train-{loading.preset}.json", scratch / "run"
        file = scratch / "loading.yaml"
        variables = cache_variables(default_cache()) if preset.compile else {}
        if preset.threads is not None:
            variables["OMP_NUM_THREADS"] = str(preset.threads)
        stage = self._stage(
            "loading", self._trivit("train", str(file), "--out", str(run)), **variables
        )

        def told(why: str = "the training has ended no epoch") -> None:
            self._loading = loading_result(loading, bare, run, why)
            self._write()

        if photographs.status != "done":
            told(f"no store, photographs: {photographs.status}")
        elif seconds < _SHORTEST_STEPS:
            told("no time was left")
        else:
            store = scratch / "store"
            text = experiment(loading, self._root / "configs", store)
            file.write_text(text, encoding="utf-8")
            stage.start(seconds, self._root)
            run_together([stage], told)
            told(f"the training: {stage.status}")

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
            "loading": self._loading,
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
            if self._loading is not None and preset == self._plan.loading.preset:
                lines += ["", loading_line(self._loading)]
        study = self._out / _OF_THE_STUDY[1]
        if study.is_file():
            lines += ["", study.read_text(encoding="utf-8").rstrip()]
        return "\n".join(lines) + "\n"
