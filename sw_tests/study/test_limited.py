"""A study of limited minutes: its plan, its order, and how it ends at the deadline."""

import json
import multiprocessing
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.runs.checkpoint import read_state
from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.study.accuracy import fitting, jobs, limited, profiles, runs
from trivit.tools.study.accuracy.budget import Budget, OutOfTimeError
from trivit.tools.study.accuracy.fitting import (
    StepTime,
    choose_length,
    measure_steps,
    read_plan,
    with_length,
)
from trivit.tools.study.accuracy.jobs import carry_out_together
from trivit.tools.study.accuracy.orderings import ORDERINGS, by_importance, first_seeds
from trivit.tools.study.accuracy.profiles import PROFILES, Length, length
from trivit.tools.study.accuracy.runs import Run, carry_out, chosen_methods, finished, plan

from .conftest import TINY

GPU = PROFILES["gpu"]
PAIR = ["example_online", "example_random"]
ORDERED = chosen_methods([name for ordering in ORDERINGS for name in ordering.methods])


class FakeClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tiny_length(size: str, epochs: int) -> Length:
    return Length(
        size=size,
        epochs=epochs,
        text=f"{size}, {epochs} epochs",
        settings={"training": {"epochs": epochs}},
    )


LIMITED = replace(
    TINY,
    lengths=(tiny_length("big", 6), tiny_length("big", 4), tiny_length("small", 3)),
    limited_to=("synthetic",),
)


def test_pairs_come_first_and_are_complete(tmp_path: Path) -> None:
    ordered = by_importance(plan(GPU, chosen_methods(None), tmp_path, datasets=["cifar10"]))
    assert [(run.method.name, run.seed) for run in ordered[:12]] == [
        *((name, seed) for seed in (0, 1, 2) for name in PAIR),
        *((name, seed) for seed in (0, 1, 2) for name in ("token_cls", "token_static")),
    ]
    third = [(run.method.name, run.seed) for run in ordered[12:15]]
    assert {name for name, _ in third} == set(ORDERINGS[2].methods)
    assert {seed for _, seed in third} == {0}
    assert len(ordered) == len(plan(GPU, chosen_methods(None), tmp_path, datasets=["cifar10"]))
    assert len({run.folder for run in ordered}) == len(ordered)
    needed = first_seeds(ordered, 2, first=True)
    assert [(run.method.name, run.seed) for run in needed] == [
        (name, seed) for seed in (0, 1) for name in PAIR
    ]


@pytest.mark.parametrize("at", GPU.lengths, ids=lambda at: f"{at.size}-{at.epochs}")
def test_every_length_is_a_valid_experiment_of_every_method(at: Length, tmp_path: Path) -> None:
    chosen = with_length(GPU, at.settings, at.text)
    for run in plan(chosen, chosen_methods(None), tmp_path, datasets=GPU.limited_to, seeds=1):
        training, examples = run.config.training, run.config.sparsity.examples
        assert training.epochs == at.epochs and training.evaluate_every == at.epochs
        assert run.config.data.train_images is None  # all of them
        assert 2 <= examples.period_epochs <= at.epochs / 2
        assert run.config.sparsity.warmup.end_epoch < at.epochs / 2


def test_the_lengths_schedules_are_in_proportion() -> None:
    whole = length("any", 300, {"embed_dim": 8, "depth": 1}).settings["sparsity"]
    assert whole["examples"]["period_epochs"] == 30
    assert whole["warmup"] == {"start_epoch": 10, "end_epoch": 110}


def choose(seconds: float, step: float, folder: Path, measured: list[str]) -> fitting.StudyPlan:
    def measure(run: Run) -> tuple[str, StepTime]:
        measured.append(run.method.name)
        return "a device", StepTime(step=step, epoch=0.0, evaluation=0.0, start=0.0)

    return choose_length(
        LIMITED,
        lambda profile: by_importance(plan(profile, ORDERED, folder)),
        minutes=seconds / 60,
        left=lambda: seconds,
        measure=measure,
    )


def test_the_longest_length_that_fits_two_seeds_of_all_orderings_is_chosen(tmp_path: Path) -> None:
    # 60 images in batches of 10: 6 steps an epoch, 4 where examples are left out (0.8 of 60).
    dense, fewer = 6, 4
    all_orderings = 2 * (8 * dense + 2 * fewer)  # steps of two seeds in one epoch
    first_ordering = 2 * 2 * fewer
    for seconds, epochs in (
        (6 * all_orderings, 6),
        (6 * all_orderings - 1, 4),
        (4 * all_orderings - 1, 3),
        (3 * all_orderings - 1, 6),  # then the first ordering alone, as long as fits
        (6 * first_ordering - 1, 4),
        (3 * first_ordering, 3),
    ):
        measured: list[str] = []
        found = choose(seconds / 0.8 + 1e-6, 1.0, tmp_path, measured)
        assert found.settings["training"]["epochs"] == epochs, seconds
        assert len(measured) == (1 if seconds >= 4 * all_orderings else 2)  # once for each size
        assert found.orderings == tuple(ordering.text for ordering in ORDERINGS)
    with pytest.raises(ToolsError, match="2 seeds of online over random") as refused:
        choose(3 * first_ordering, 1.0, tmp_path, [])
    minutes = float(str(refused.value).rsplit(" ", 1)[1])
    assert choose(60 * minutes, 1.0, tmp_path, []).settings["training"]["epochs"] == 3


def test_a_step_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    (run,) = plan(TINY, chosen_methods(["tri_level_0.7"]), tmp_path / "study", seeds=1)
    device, taken = measure_steps(run)
    assert device == "cpu"
    assert 0 < taken.step < 1 and taken.evaluation > 0 and taken.start >= 0 and taken.epoch >= 0
    longer = replace(run.config, training=replace(run.config.training, epochs=30))
    assert taken.of(longer, 0) > taken.of(run.config, 0)
    assert taken.of(run.config, 5) == pytest.approx(taken.of(run.config, 0) + 10 * taken.evaluation)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_is_printed_stored_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(profiles.PROFILES, "tiny", LIMITED)
    slow = StepTime(step=0.5, epoch=0.0, evaluation=0.0, start=0.0)
    monkeypatch.setattr(limited, "measure_steps", lambda run: ("a device", slow))
    command = ["study", "accuracy", "--profile", "tiny", "--out", str(tmp_path / "study")]
    for name in PAIR:
        command += ["--method", name]
    # 48 s at 6 epochs, 32 at 4 and 24 at 3, of 80 % of the minutes.
    assert main([*command, "--minutes", "0.4"]) == 2
    assert "allow --minutes 1" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
    assert main([*command, "--minutes", "0.7"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("plan for 0.7 minutes on a device: big, 4 epochs, synthetic\n")
    assert "a dense step takes 500.00 ms" in printed
    plan_file = tmp_path / "study" / "plan.json"
    stored = plan_file.read_text()
    study = json.loads((tmp_path / "study" / "study.json").read_text())
    assert study["plan"] == json.loads(stored) and study["text"] == "big, 4 epochs"
    assert study["finished_runs"] == study["planned_runs"] == 4
    assert {len(result["metrics"]) for result in finished_in(tmp_path / "study")} == {4}

    def measured_again(run: Run) -> tuple[str, StepTime]:
        raise AssertionError("the plan is there")

    monkeypatch.setattr(limited, "measure_steps", measured_again)
    assert main([*command, "--minutes", "90"]) == 0  # more minutes, the same length
    assert "goes on with its plan" in capsys.readouterr().out
    assert main(command) == 0
    assert plan_file.read_text() == stored
    capsys.readouterr()
    plan_file.write_text("{}")
    assert main(command) == 2
    assert "plan.json is no plan of a study" in capsys.readouterr().err


def finished_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.rglob("result.json")]


def test_a_plan_of_another_profile_is_refused(tmp_path: Path) -> None:
    choose(1e6, 0.001, tmp_path, []).save(tmp_path)
    assert read_plan(tmp_path, LIMITED) is not None
    with pytest.raises(ToolsError, match=r"plan\.json is of profile tiny"):
        read_plan(tmp_path, GPU)
    assert read_plan(tmp_path / "elsewhere", GPU) is None


def test_a_budget_expects_what_runs_took(tmp_path: Path) -> None:
    dense, online = (
        plan(TINY, chosen_methods([name]), tmp_path, seeds=1)[0]
        for name in ("dense", "example_online")
    )
    clock = FakeClock()
    budget = Budget.of(50.0, clock=clock)
    assert budget.expected(dense) is None and budget.allows(dense)
    budget.learn(online, 40.0)
    assert budget.expected(dense) == budget.expected(online) == 40.0
    budget.expect = lambda run: 10.0 if run is dense else 8.0
    assert budget.expected(dense) == 50.0  # five times as long as planned, as the other one
    assert budget.allows(dense)
    clock.now += 1
    assert not budget.allows(dense) and budget.allows(online)
    clock.now += 50
    assert budget.left() < 0 and not budget.allows(online)
    assert Budget.of(None, clock=clock).allows(dense)


def test_no_run_starts_that_cannot_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()

    def train(run: Run, sweep: object, budget: Budget) -> dict[str, Any]:
        clock.now += 30
        return {"train": {"seconds": 28.0}, "evaluation_seconds": 2.0}

    monkeypatch.setattr(runs, "train_and_save", train)
    planned = by_importance(plan(TINY, chosen_methods(PAIR), tmp_path))
    assert len(planned) == 4
    for seconds, done in ((90.0, 3), (89.0, 2), (29.0, 1)):  # of the first nothing is known
        budget = Budget.of(seconds, clock=clock)
        assert len(list(carry_out(planned, (), budget=budget))) == done


def test_a_run_under_way_stops_at_an_epoch_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    clock = FakeClock()
    (stopped,) = plan(TINY, chosen_methods(["dense"]), tmp_path / "stopped", seeds=1)
    (whole,) = plan(TINY, chosen_methods(["dense"]), tmp_path / "whole", seeds=1)
    budget = Budget.of(10.0, clock=clock)
    watched = budget.watch

    def watch(epochs: int) -> Any:
        check = watched(epochs)

        def slow(record: Mapping[str, Any]) -> None:
            clock.now += 4  # each epoch: of 10 seconds the third would end at 12
            check(record)

        return slow

    budget.watch = watch  # type: ignore[method-assign]
    assert list(carry_out([stopped], (), budget=budget)) == []
    assert read_state(stopped.folder / "checkpoint")["epoch"] == 2
    assert finished([stopped]) == []
    # Two thirds are done: a third of what such a run takes is left.
    later = Budget.of(11.0, clock=clock, expect=lambda run: 30.0)
    assert later.allows(stopped) and not later.allows(whole)
    ((_, again),) = carry_out([stopped], (), budget=Budget())
    ((_, once),) = carry_out([whole], ())
    assert [r["loss"] for r in again["metrics"]] == [r["loss"] for r in once["metrics"]]
    assert again["float_top1"] == once["float_top1"]


def test_the_last_epoch_is_not_given_up() -> None:
    clock = FakeClock()
    check = Budget.of(5.0, clock=clock).watch(2)
    clock.now += 4
    with pytest.raises(OutOfTimeError):
        check({"epoch": 1, "seconds": 4.0})
    check({"epoch": 2, "seconds": 4.0})


def test_jobs_are_started_in_order_and_stop_at_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes are made up: they have ended as soon as somebody waits for them."""
    clock = FakeClock()
    started: list[tuple[str, int]] = []
    ends: list[Any] = []

    def start(run: Run, sweep: object, deadline: float, count: int) -> jobs._Job:
        started.append((run.method.name, run.seed))
        receiver, sender = multiprocessing.Pipe(duplex=False)
        sender.close()
        sentinel, other = multiprocessing.Pipe(duplex=False)
        other.close()
        ends.append(sentinel)
        return jobs._Job(run, Ended(0, sentinel), receiver)

    def result(job: jobs._Job) -> dict[str, Any]:
        clock.now += 15  # two at once, 30 seconds each
        return {"train": {"seconds": 30.0}}

    monkeypatch.setattr(jobs, "_start", start)
    monkeypatch.setattr(jobs, "_result", result)
    planned = by_importance(plan(TINY, chosen_methods([*PAIR, "dense"]), tmp_path))
    budget = Budget.of(60.0, clock=clock)
    done = [run for run, _ in carry_out_together(planned, (), budget, 2)]
    # After two of 30 seconds another one fits into the 45 that are left, and one into 30.
    assert started == [*((name, seed) for seed in (0, 1) for name in PAIR)]
    assert sorted(run.folder for run in done) == sorted(run.folder for run in planned[:4])
    # Out of time: what is under way is waited for, and nothing else starts.
    started.clear()
    monkeypatch.setattr(jobs, "_result", lambda job: None)
    assert list(carry_out_together(planned, (), Budget.of(None), 2)) == []
    assert len(started) == 2


@pytest.mark.full
def test_runs_at_once_give_the_same_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    together = plan(TINY, chosen_methods(["dense", "token_cls"]), tmp_path / "together", seeds=1)
    alone = plan(TINY, chosen_methods(["dense", "token_cls"]), tmp_path / "alone", seeds=1)
    found = {run.method.name: r for run, r in carry_out_together(together, (), Budget(), 2)}
    for run, result in carry_out(alone, ()):
        assert found[run.method.name]["float_top1"] == result["float_top1"]
        losses = [record["loss"] for record in result["metrics"]]
        assert [r["loss"] for r in found[run.method.name]["metrics"]] == pytest.approx(losses)
    # Finished runs are read, and nothing starts after the deadline.
    assert len(list(carry_out_together(together, (), Budget(0.0), 2))) == 2


def test_a_failing_job_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a job's process does with an error, and what the study makes of its end."""
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    (run,) = plan(TINY, chosen_methods(["dense"]), tmp_path, seeds=1)
    (run.folder / "checkpoint").mkdir(parents=True)
    (run.folder / "checkpoint" / "state.json").write_text("{}")
    with pytest.raises(ModelsError) as alone:
        list(carry_out([run], ()))
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with pytest.raises(SystemExit) as ended:
        jobs._work(run, (), float("inf"), 1, sender)
    sender.close()
    with pytest.raises(ToolsError) as together:
        jobs._result(jobs._Job(run, Ended(ended.value.code), receiver))
    assert str(together.value) == str(alone.value)
    # Killed, it says nothing.
    receiver, sender = multiprocessing.Pipe(duplex=False)
    sender.close()
    with pytest.raises(ToolsError, match="dense/seed-0: its process ended with status -9"):
        jobs._result(jobs._Job(run, Ended(-9), receiver))


class Ended:
    """A process that has ended."""

    def __init__(self, status: Any, sentinel: Any = None) -> None:
        self.exitcode = status
        self.sentinel = sentinel

    def join(self) -> None:
        pass

    def terminate(self) -> None:
        pass
