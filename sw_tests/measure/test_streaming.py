"""The order of a stream: one job at a time, slots written again only behind their jobs."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.backends.session import JobOutcome
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.images import preprocess
from trivit.host.measure.streaming import run_overlapped, run_serial

from .fake_device import FakeBackend


class Stream:
    """Prepares images and remembers which, and in which order jobs finished."""

    def __init__(self, bundle: Bundle, images: NDArray[np.uint8]) -> None:
        self._regions = bundle.first.commands().image.arrange(preprocess(bundle, images))
        self.prepared = [threading.Event() for _ in range(20)]
        self.finished: list[int] = []
        self.outputs: list[Int16] = []

    def prepare(self, number: int) -> Int16:
        self.prepared[number].set()
        return self._regions[number % len(self._regions)]

    def finish(self, number: int, outcome: JobOutcome) -> None:
        self.finished.append(number)
        self.outputs.append(outcome.output)


def expected_outputs(
    device: FakeBackend, bundle: Bundle, stream: Stream, count: int
) -> list[Int16]:
    return [device.output(bundle, stream.prepare(number)) for number in range(count)]


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("run", [run_serial, run_overlapped])
def test_every_image_gives_its_own_output(
    run: type, slots: int, count: int, bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    """The fake session refuses a second job, and a slot whose job was not waited for."""
    device, stream = FakeBackend(bundle, images, slots=slots), Stream(bundle, images)
    with device.open_session(bundle) as session:
        passage = run(session, stream.prepare, stream.finish, count)
    assert stream.finished == list(range(count))
    wanted = expected_outputs(device, bundle, stream, count)
    assert all(map(np.array_equal, stream.outputs, wanted))
    assert (passage.images, passage.cycles) == (count, 2000 * count)
    starts = [event for event in device.record.events if event[0] != "put"]
    assert [what for what, _ in starts] == ["start", "wait"] * count


def test_images_are_written_and_prepared_while_a_job_runs(
    bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    """Job i ends only when image i+1 was written and image i+2 prepared."""
    count, late = 6, []
    stream = Stream(bundle, images)

    def hold(job: int) -> None:
        written = any(
            stream.prepared[job + ahead].wait(5) is False for ahead in (1, 2) if job + ahead < count
        )
        puts = 1 + min(job + 1, count - 1)
        for _ in range(500):
            if sum(what == "put" for what, _ in device.record.events) >= puts:
                break
            threading.Event().wait(0.01)
        else:
            late.append(job)
        if written:
            late.append(job)

    device = FakeBackend(bundle, images, hold=hold)
    with device.open_session(bundle) as session:
        run_overlapped(session, stream.prepare, stream.finish, count)
    assert not late
    assert device.record.events[:4] == [("put", 0), ("start", 0), ("put", 1), ("wait", 0)]


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_stream_by_time(
    count: int, slots: int, bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    """At least so many images, and then until the time is over."""
    device = FakeBackend(bundle, images, slots=slots, job_seconds=0.01)
    stream = Stream(bundle, images)
    with device.open_session(bundle) as session:
        passage = run_overlapped(session, stream.prepare, stream.finish, count, seconds=0.025)
    assert passage.end - passage.first_start >= 0.025
    assert count <= passage.images == len(stream.finished) <= max(count, 4)
    assert stream.finished == list(range(passage.images))
    wanted = expected_outputs(device, bundle, stream, passage.images)
    assert all(map(np.array_equal, stream.outputs, wanted))


def test_serial_touches_no_image_ahead(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    device, stream = FakeBackend(bundle, images), Stream(bundle, images)
    with device.open_session(bundle) as session:
        run_serial(session, stream.prepare, stream.finish, 3)
    assert device.record.events == [("put", 0), ("start", 0), ("wait", 0)] * 3


def test_an_image_that_cannot_be_prepared(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    """The error comes through, and no thread is left."""
    device, stream = FakeBackend(bundle, images), Stream(bundle, images)

    def prepare(number: int) -> Int16:
        if number == 2:
            raise HostError("image 2 is broken")
        return stream.prepare(number)

    with (
        device.open_session(bundle) as session,
        pytest.raises(HostError, match="image 2 is broken"),
    ):
        run_overlapped(session, prepare, stream.finish, 6)
    assert device.record.closed == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("trivit-prepare")]
