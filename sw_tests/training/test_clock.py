"""The split of a step's time, on a CPU and with a GPU's events."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.clock import PartClock, StepClock
from trivit.models.training import ExperimentConfig, loop, train
from trivit.models.training.run_state import STEP_PARTS

from .conftest import records

Everything = Callable[..., ExperimentConfig]
CPU = torch.device("cpu")
# Of steps that are not replayed.
LAUNCHED = tuple(part for part in STEP_PARTS if part != "step")


def empty() -> dict[str, float]:
    return dict.fromkeys(STEP_PARTS, 0.0)


def test_parts_add_up_to_the_time() -> None:
    seconds = empty()
    step = StepClock(CPU, seconds)
    time.sleep(0.02)  # before the start: belongs to no part
    started = time.perf_counter()
    step.start()
    for part, spent in (("data", 0.02), ("forward", 0.005), ("data", 0.02)):
        time.sleep(spent)
        step.mark(part)
    total = time.perf_counter() - started
    step.finish()
    assert seconds["data"] >= 0.04
    assert 0.005 <= seconds["forward"] < seconds["data"]
    assert seconds["backward"] == 0
    assert sum(seconds.values()) == pytest.approx(total, abs=2e-3)


class FakeStream:
    """A GPU that passes an event when told to; its clock is in milliseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.passed = 0
        self.recorded = 0
        self.waits = 0
        self.events = 0


class FakeEvent:
    stream = FakeStream()

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        self.stream.events += 1

    def record(self) -> None:
        self.stream.recorded += 1
        self.order, self.at = self.stream.recorded, self.stream.now

    def query(self) -> bool:
        return self.order <= self.stream.passed

    def synchronize(self) -> None:
        self.stream.waits += 1
        self.stream.passed = self.stream.recorded

    def elapsed_time(self, later: "FakeEvent") -> float:
        assert self.query() and later.query(), "read before it passed"
        return later.at - self.at


def test_events_are_read_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = FakeEvent.stream = FakeStream()
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    seconds = empty()
    step = StepClock(torch.device("cuda"), seconds)
    step.start()
    for index in range(100):
        for part, spent in (("data", 1.0), ("forward", 3.0), ("backward", 6.0)):
            stream.now += spent
            step.mark(part)
        stream.passed = max(0, 3 * (index - 5))  # the device is some steps behind
    assert stream.waits == 0
    assert stream.events < 40, "events serve again"
    assert 0 < seconds["forward"] < 0.3
    step.finish()
    assert stream.waits == 1
    stream.now += 500.0  # a checkpoint
    step.start()
    stream.now += 2.0
    step.mark("optimizer")
    step.finish()
    expected = {"data": 0.1, "forward": 0.3, "backward": 0.6, "optimizer": 0.002}
    assert {part: s for part, s in seconds.items() if s} == pytest.approx(expected)


def test_a_run_reports_where_its_time_goes(everything: Everything, tmp_path: Path) -> None:
    summary = train(everything(), tmp_path)
    parts = summary["step_seconds_by_part"]
    assert tuple(parts) == LAUNCHED
    assert all(seconds > 0 for seconds in parts.values())
    of_run = summary["seconds_by_part"]
    assert set(of_run) == {"load_data", "prepare", "train", "evaluate", "checkpoint"}
    assert sum(parts.values()) == pytest.approx(of_run["train"], rel=0.05, abs=0.02)
    assert 0 < summary["bookkeeping_percent"] < 60
    assert 50 < summary["peak_memory_mib"] < 20_000
    history = records(tmp_path)
    for part in LAUNCHED:
        spent = sum(record["step_seconds_by_part"][part] for record in history)
        assert spent == pytest.approx(parts[part], abs=5e-3)
    for record in history:
        assert record["images_per_second"] == pytest.approx(180 / record["seconds"])
    assert sum(record["macs"] for record in history) == summary["training_macs"]
    dense = summary["training_macs_dense"]
    assert summary["training_macs_saved_percent"] == pytest.approx(
        100 * (1 - summary["training_macs"] / dense)
    )


def test_the_clock_of_a_run_adds_parts_up() -> None:
    seconds: dict[str, float] = {"train": 1.0}
    parts = PartClock(seconds, CPU)
    for _ in range(2):
        with parts.part("train"):
            time.sleep(0.01)
    assert 1.02 <= seconds["train"] < 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_steps_do_not_wait_for_the_device(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.training_step
    calls = 0

    def watched(*arguments: object, **settings: object) -> object:
        nonlocal calls
        calls += 1
        # The first steps set up libraries.
        torch.cuda.set_sync_debug_mode("error" if calls > 3 else "default")
        try:
            return original(*arguments, **settings)  # type: ignore[arg-type]
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(loop, "training_step", watched)
    launched = ("training.device=cuda", "training.epochs=1", "training.cuda_graphs=false")
    summary = train(everything(*launched), tmp_path)
    parts = summary["step_seconds_by_part"]
    assert all(parts[part] > 0 for part in LAUNCHED)
    assert sum(parts.values()) == pytest.approx(summary["seconds_by_part"]["train"], rel=0.3)
