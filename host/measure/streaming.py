"""Images through a session: one after the other, or with the next ones prepared meanwhile."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from trivit.host.backends.session import CycleSource, JobOutcome, Session
from trivit.host.fixed_point import Int16

#: Seconds after which a job of a device hangs; those of a simulation take minutes.
JOB_SECONDS = 10.0
#: Region of the image of a number, as the program's image layout has it.
Prepare = Callable[[int], Int16]
#: Told the number of an image and what its job left.
Finish = Callable[[int, JobOutcome], None]


@dataclass(frozen=True, kw_only=True)
class Passage:
    """``images`` that went through a session in ``seconds`` from the first preprocessing on.

    The end is the end of the last job. ``cycles`` are those of all jobs together; ``first_start``
    and ``end`` are times of ``time.perf_counter``.
    """

    images: int
    seconds: float
    cycles: int
    first_start: float
    end: float


_NONE = Passage(images=0, seconds=0.0, cycles=0, first_start=0.0, end=0.0)


def wait_for(session: Session) -> JobOutcome:
    """Return the outcome of the job that runs.

    Raises:
        HostError: as ``Session.wait``; also when a device takes longer than a job can.
    """
    return session.wait(JOB_SECONDS if session.source is CycleSource.device else None)


def run_serial(session: Session, prepare: Prepare, finish: Finish, count: int) -> Passage:
    """Prepare, write and run each of ``count`` images before the next one is touched.

    Raises:
        HostError: as the session's methods.
    """
    if count == 0:
        return _NONE
    cycles, first_start = 0, 0.0
    begin = time.perf_counter()
    for number in range(count):
        session.put(0, prepare(number))
        first_start = first_start or time.perf_counter()
        session.start(0)
        outcome = wait_for(session)
        end = time.perf_counter()
        cycles += outcome.cycles
        finish(number, outcome)
    return Passage(
        images=count, seconds=end - begin, cycles=cycles, first_start=first_start, end=end
    )


def run_overlapped(
    session: Session, prepare: Prepare, finish: Finish, count: int, *, seconds: float = 0.0
) -> Passage:
    """Run images; while image i runs, i+1 is written and i+2 prepared in a thread.

    ``count`` images run, and more until ``seconds`` have passed since the first job's start. Jobs
    run one at a time, in order. A slot is written again when its last job was waited for; with one
    slot an image is written between two jobs.

    Raises:
        HostError: as the session's methods.
    """
    if count == 0 and seconds == 0:
        return _NONE
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trivit-prepare")
    try:
        return _overlap(session, prepare, finish, count, seconds, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _overlap(
    session: Session,
    prepare: Prepare,
    finish: Finish,
    count: int,
    seconds: float,
    pool: ThreadPoolExecutor,
) -> Passage:
    ahead: deque[Future[Int16]] = deque()
    begin = time.perf_counter()
    for number in range(min(2, count) if seconds == 0 else 2):
        ahead.append(pool.submit(prepare, number))
    session.put(0, ahead.popleft().result())
    first_start = time.perf_counter()
    session.start(0)
    number, cycles, more = 0, 0, True
    while more:
        following = number + 1
        slot = following % session.slots
        more = following < count or time.perf_counter() - first_start < seconds
        if more and (number + 2 < count or seconds > 0):
            ahead.append(pool.submit(prepare, number + 2))
        if more and session.slots > 1:
            session.put(slot, ahead.popleft().result())
        outcome = wait_for(session)
        end = time.perf_counter()
        cycles += outcome.cycles
        if more:
            if session.slots == 1:
                session.put(slot, ahead.popleft().result())
            session.start(slot)
        finish(number, outcome)
        number = following
    return Passage(
        images=number, seconds=end - begin, cycles=cycles, first_start=first_start, end=end
    )
