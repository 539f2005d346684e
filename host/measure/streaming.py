"""Images through a session: one after the other, or with the next ones prepared meanwhile."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from trivit.host.backends.session import JobOutcome, Session
from trivit.host.fixed_point import Int16

#: Region of the image of a number, as the program's image layout has it.
Prepare = Callable[[int], Int16]
#: Told the number of an image and what its job left.
Finish = Callable[[int, JobOutcome], None]


@dataclass(frozen=True, kw_only=True)
class Passage:
    """``images`` that went through a session in ``seconds`` from the first preprocessing on.

    The end is the end of the last job. ``cycles`` are those of all jobs together.
    """

    images: int
    seconds: float
    cycles: int


def run_serial(session: Session, prepare: Prepare, finish: Finish, count: int) -> Passage:
    """Prepare, write and run each of ``count`` images before the next one is touched.

    Raises:
        HostError: as the session's methods.
    """
    cycles = 0
    begin = time.perf_counter()
    for number in range(count):
        session.put(0, prepare(number))
        session.start(0)
        outcome = session.wait()
        cycles += outcome.cycles
        end = time.perf_counter()
        finish(number, outcome)
    return Passage(images=count, seconds=end - begin if count else 0.0, cycles=cycles)


def run_overlapped(session: Session, prepare: Prepare, finish: Finish, count: int) -> Passage:
    """Run ``count`` images; while image i runs, i+1 is written and i+2 prepared in a thread.

    Jobs run one at a time, in order. A slot is written again when its last job was waited for; with
    one slot an image is written between two jobs.

    Raises:
        HostError: as the session's methods.
    """
    if count == 0:
        return Passage(images=0, seconds=0.0, cycles=0)
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trivit-prepare")
    try:
        return _overlap(session, prepare, finish, count, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _overlap(
    session: Session, prepare: Prepare, finish: Finish, count: int, pool: ThreadPoolExecutor
) -> Passage:
    ahead: deque[Future[Int16]] = deque()
    cycles = 0
    begin = time.perf_counter()
    for number in range(min(2, count)):
        ahead.append(pool.submit(prepare, number))
    session.put(0, ahead.popleft().result())
    session.start(0)
    for number in range(count):
        following = number + 1
        slot = following % session.slots
        if number + 2 < count:
            ahead.append(pool.submit(prepare, number + 2))
        if following < count and session.slots > 1:
            session.put(slot, ahead.popleft().result())
        outcome = session.wait()
        end = time.perf_counter()
        cycles += outcome.cycles
        if following < count:
            if session.slots == 1:
                session.put(slot, ahead.popleft().result())
            session.start(slot)
        finish(number, outcome)
    return Passage(images=count, seconds=end - begin, cycles=cycles)
