"""Jobs done by several processes, within the time that there is.

Needs no torch: a process loads what its task imports and nothing else.
"""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

Task = Callable[[Any], object]


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables of the environment for the body, and for the processes started in it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Processes:
    """Several processes that each do one job after another; they end with the ``with``."""

    def __init__(self, task: Task, count: int, variables: Mapping[str, str]) -> None:
        """Do ``task(job)`` in up to ``count`` processes; function and jobs can be pickled.

        Args:
            task: what is done.
            count: how many jobs at once.
            variables: of the processes' environment, beside those of this one.
        """
        self._task = task
        self._count = count
        self._variables = variables
        self._started: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in list(self._started):
            self._end(connection)

    def run(self, jobs: Sequence[Any], seconds: float | None = None) -> list[float | str]:
        """Do all ``jobs``; return for each its seconds, or one line that says why it failed.

        Args:
            jobs: the first ones begin first.
            seconds: end what is not done by then, with its process.
        """
        end = None if seconds is None else time.monotonic() + seconds
        outcome: list[float | str] = ["not begun in time"] * len(jobs)
        waiting = list(range(len(jobs)))
        busy: dict[Connection, int] = {}
        while waiting or busy:
            self._start(min(self._count, len(waiting) + len(busy)))
            for connection in [idle for idle in self._started if idle not in busy]:
                if not waiting:
                    break
                try:
                    connection.send(jobs[waiting[0]])
                except OSError:  # it ended while it was idle
                    self._end(connection)
                else:
                    busy[connection] = waiting.pop(0)
            if not busy:
                continue
            left = None if end is None else max(0.0, end - time.monotonic())
            done = wait(list(busy), left)
            if not done:  # the time is up
                for connection, job in busy.items():
                    outcome[job] = "not done in time"
                    self._end(connection)
                break
            for connection in [one for one in busy if one in done]:
                job = busy.pop(connection)
                try:
                    outcome[job] = connection.recv()
                except (EOFError, OSError):  # killed: too little memory, for example
                    outcome[job] = "its process ended"
                    self._end(connection)
        return outcome

    def _start(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        with environment(**self._variables):
            while len(self._started) < count:
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(self._task, theirs), daemon=True)
                process.start()
                theirs.close()
                self._started[ours] = process

    def _end(self, connection: Connection) -> None:
        process = self._started.pop(connection)
        connection.close()
        process.kill()
        process.join()


def _work(task: Task, connection: Connection) -> None:
    """Do jobs until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        started = time.monotonic()
        try:
            task(job)
            answer: float | str = time.monotonic() - started
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            answer = f"{type(error).__name__}: {first}"
        try:
            connection.send(answer)
        except OSError:
            return


def _end_with_parent() -> None:
    """End this process when its parent is killed, in the middle of a job as well."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
