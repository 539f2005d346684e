"""The protocol: outputs before figures, what counts and what does not, Ctrl-C."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.measure import streaming
from trivit.host.measure.expected import Expected, WrongOutputError, by_oracle
from trivit.host.measure.latency import measure
from trivit.host.measure.settings import Settings

from .fake_device import FakeBackend

SETTINGS = Settings(warm_up=2, repetitions=6, batches=(1, 4), stream=5)
#: The first image, warm-up, repetitions, batches, the stream twice.
JOBS = 1 + 2 + 6 + 6 * 1 + 1 * 4 + 2 * 5


def test_figures_of_every_program(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    """Jobs take 1000, 1001, ... cycles; the first three are the check and the warm-up."""
    device = FakeBackend(bundle, images, cycles=lambda job: 1000 + job)
    report = measure(device.open_session, bundle, images, SETTINGS)
    assert (report.source, report.clock_mhz, report.wall_counts) == (
        CycleSource.device,
        100.0,
        True,
    )
    assert [p.name for p in report.programs] == ["dense", "sparse"]
    assert [p.token_keep_ratio for p in report.programs] == [1.0, 0.7]
    for program in report.programs:
        assert program.cycle_samples == (1003, 1004, 1005, 1006, 1007, 1008)
        assert (program.cycles.least, program.cycles.median, program.cycles.most) == (
            1003,
            1005.5,
            1008,
        )
        assert report.kernel_ms(program).median == pytest.approx(1005.5 / 100e3)
        assert len(program.wall_samples_ms) == 6 and min(program.wall_samples_ms) > 0
        ones, fours = program.batches
        assert (ones.size, ones.wall_ms.count, fours.size, fours.wall_ms.count) == (1, 6, 4, 1)
        assert fours.cycles.median == sum(range(1015, 1019))
        assert fours.images_per_second == pytest.approx(4000 / fours.wall_ms.median)
        assert program.stream is not None
        stream = program.stream
        assert stream.images_per_second == pytest.approx(5 / stream.overlapped_seconds)
        assert stream.gain == pytest.approx(stream.serial_seconds / stream.overlapped_seconds)
        overlapped = sum(range(1024, 1029))
        assert stream.busy_share == pytest.approx(overlapped / 100e6 / stream.overlapped_seconds)
        assert program.check.against == "the oracle"
        assert program.check.repeats == JOBS - len(images)
        assert program.check.cycle_spread == 27  # image 0 ran first as job 0, last as job 27
    assert device.record.jobs() == 2 * JOBS
    assert (device.record.opened, device.record.closed) == (2, 2)


def wrong(value: int) -> object:
    def damage(job: int, output: Int16) -> Int16:
        if job == value:
            output[0] ^= 1
        return output

    return damage


def test_a_wrong_first_output_stops_at_once(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    device = FakeBackend(bundle, images, damage=wrong(0))  # type: ignore[arg-type]
    with pytest.raises(
        WrongOutputError, match=r"'dense': 1 of \d+ values of 'logits' differ from the oracle"
    ):
        measure(device.open_session, bundle, images, SETTINGS)
    assert (device.record.jobs(), device.record.closed) == (1, 1)


@pytest.mark.parametrize("job", [3, 8, 12, JOBS - 1])
def test_an_output_that_changes_is_found_wherever_it_runs(
    job: int, bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    device = FakeBackend(bundle, images, damage=wrong(job))  # type: ignore[arg-type]
    with pytest.raises(WrongOutputError, match="1 other output values when it ran again"):
        measure(device.open_session, bundle, images, SETTINGS)
    assert device.record.closed == 1


def test_given_logits_take_the_oracles_place(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    device = FakeBackend(bundle, images)
    logits = by_oracle(bundle, images[0]).outputs["logits"]
    right = Expected(origin="the logits of a file", outputs={"logits": logits})
    expected = {"dense": right, "sparse": right}
    report = measure(device.open_session, bundle, images, SETTINGS, expected=expected)
    assert {p.check.against for p in report.programs} == {"the logits of a file"}
    assert report.programs[0].check.logits == tuple(logits[0].tolist())
    expected["sparse"] = replace(right, outputs={"logits": logits + 1})
    with pytest.raises(WrongOutputError, match="'sparse'"):
        measure(device.open_session, bundle, images, SETTINGS, expected=expected)
    expected["dense"] = replace(right, outputs={"logits": logits[:, 1:]})
    with pytest.raises(HostError, match="have shape"):
        measure(device.open_session, bundle, images, SETTINGS, expected=expected)


@pytest.mark.parametrize("job", [0, 4, 14, JOBS - 2])
def test_ctrl_c_frees_the_session(job: int, bundle: Bundle, images: NDArray[np.uint8]) -> None:
    def interrupt(number: int, output: Int16) -> Int16:
        if number == job:
            raise KeyboardInterrupt
        return output

    device = FakeBackend(bundle, images, damage=interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure(device.open_session, bundle, images, SETTINGS)
    assert (device.record.opened, device.record.closed) == (1, 1)


def test_a_program_without_commands_is_refused_before_anything_runs(
    bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    unscheduled = replace(bundle.programs[1], schedule=None, unscheduled="it has no lowering")
    device = FakeBackend(bundle, images)
    bad = replace(bundle, programs=(bundle.first, unscheduled))
    with pytest.raises(HostError, match=r"'sparse' has no commands.*no lowering"):
        measure(device.open_session, bad, images, SETTINGS)
    assert device.record.opened == 0


@pytest.mark.parametrize("job", [0, 9, 25])
def test_a_job_that_hangs(
    job: int, bundle: Bundle, images: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "JOB_SECONDS", 0.2)
    ended = threading.Event()

    def hold(number: int) -> None:
        if number == job:
            ended.wait(5)

    device = FakeBackend(bundle, images, hold=hold)
    with pytest.raises(HostError, match=r"did not end within 0\.2 s"):
        measure(device.open_session, bundle, images, SETTINGS)
    ended.set()
    assert device.record.closed == 1


def test_no_images(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    device = FakeBackend(bundle, images)
    with pytest.raises(HostError, match="no images"):
        measure(device.open_session, bundle, images[:0], SETTINGS)
