"""What steps wait for, in the epoch's line, metrics.jsonl and train.json."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trivit.models.augmentation.waiting import WaitingClock
from trivit.models.data.dataset import Images
from trivit.models.training import ExperimentConfig, train
from trivit.models.training.reporting import epoch_line

from .conftest import records
from .test_clock import FakeEvent, FakeStream

Everything = Callable[..., ExperimentConfig]


def waited(clock: WaitingClock, reading: float, augmenting: float) -> None:
    with clock.fetching():
        time.sleep(reading)
    with clock.augmenting():
        time.sleep(augmenting)


def test_on_a_cpu_the_causes_are_what_they_take() -> None:
    clock = WaitingClock(torch.device("cpu"))
    started = time.perf_counter()
    for _ in range(3):
        waited(clock, 0.01, 0.002)
    spent = time.perf_counter() - started
    causes = clock.causes(spent + 0.02)
    assert causes["reading"] >= 0.03 and 0.006 <= causes["augmenting"] < causes["reading"]
    assert causes["copying"] < 1e-3
    assert causes["other"] == pytest.approx(0.02, abs=2e-3)
    assert sum(causes.values()) == pytest.approx(spent + 0.02)
    assert sum(clock.causes(0.0).values()) == 0  # it has begun again


def test_on_cuda_what_runs_beside_the_steps_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = FakeEvent.stream = FakeStream()
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    clock = WaitingClock(torch.device("cuda"))
    for _ in range(10):
        with clock.fetching():
            stream.now += 10.0  # a copy of 10 ms, which the host does not wait for
        with clock.augmenting():
            stream.now += 30.0
    assert stream.waits == 0
    causes = clock.causes(0.04)
    assert causes["reading"] < 0.01
    assert causes["augmenting"] == pytest.approx(3 * causes["copying"], rel=0.05)
    assert sum(causes.values()) == pytest.approx(0.04)


RECORD: dict[str, Any] = {
    "epoch": 3,
    "loss": 1.5,
    "train_top1": 50.0,
    "token_keep_ratio": 0.7,
    "seconds": 12.0,
}


@pytest.mark.parametrize(
    ("data", "causes", "end"),
    [
        (0.3, {"reading": 0.3}, "12.0 s"),  # 3 %: not worth a word
        (1.2, {"reading": 1.2}, "12.0 s  waits for reading and decoding 12 %"),
        (
            2.0,
            {"reading": 0.5, "copying": 0.04, "augmenting": 1.46, "other": 0.0},
            "12.0 s  waits for augmentation 15 %, reading and decoding 5 %",
        ),
        # Half of the epoch was before this process: its causes stand for all of it.
        (2.0, {"copying": 1.0}, "waits for copies to the device 20 %"),
    ],
)
def test_an_epochs_line_says_what_it_waits_for(
    data: float, causes: dict[str, float], end: str
) -> None:
    parts = {"data": data, "step": 10.0 - data}
    line = epoch_line({**RECORD, "step_seconds_by_part": parts, "data_seconds_by_cause": causes})
    assert line.endswith(end) and "\n" not in line


def test_a_run_that_waits_for_its_images_says_so(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Images.stream

    def slowly(self: Images, batches: Any) -> Any:
        for pixels in original(self, batches):
            time.sleep(0.02)
            yield pixels

    monkeypatch.setattr(Images, "stream", slowly)
    summary = train(everything("training.epochs=2"), tmp_path)
    history = records(tmp_path)
    steps = history[0]["step"]
    for record in history:
        causes = record["data_seconds_by_cause"]
        assert sum(causes.values()) == pytest.approx(
            record["step_seconds_by_part"]["data"], abs=4e-3
        )
        assert causes["reading"] >= 0.02 * steps
        assert "waits for reading and decoding" in epoch_line(record)
    for cause, seconds in summary["data_seconds_by_cause"].items():
        spent = sum(record["data_seconds_by_cause"][cause] for record in history)
        assert seconds == pytest.approx(spent, abs=2e-3)
