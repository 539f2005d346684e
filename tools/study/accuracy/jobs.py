"""Several runs at once, each in a process of its own.

While one of them loads, saves or evaluates, another one trains. Each process has its own model,
images and CUDA context (some 500 MiB before the first tensor), and its share of the CPU's threads.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from trivit.models.errors import ModelsError
from trivit.tools.errors import ToolsError
from trivit.tools.study.accuracy.budget import Budget, OutOfTimeError
from trivit.tools.study.accuracy.runs import Run, read_result, seconds_of, train_and_save


class _Job(NamedTuple):
    run: Run
    process: BaseProcess
    errors: Connection


def carry_out_together(
    runs: Sequence[Run], sweep: Sequence[float], budget: Budget, jobs: int
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """As ``carry_out``, with up to ``jobs`` runs under way; yields them as they are finished.

    Whatever ends this ends the processes too; their runs resume at their last epochs.

    Raises:
        ToolsError: a run has failed; the others are stopped.
    """
    waiting: list[Run] = []
    for run in runs:
        result = read_result(run)
        if result is None:
            waiting.append(run)
        else:
            budget.learn(run, seconds_of(result))
            yield run, result
    under_way: list[_Job] = []
    try:
        while waiting or under_way:
            while waiting and len(under_way) < jobs:
                if not budget.allows(waiting[0]):
                    waiting.clear()
                    break
                under_way.append(_start(waiting.pop(0), sweep, budget.deadline, jobs))
            if not under_way:  # nothing fits any more
                return
            ended = set(wait([job.process.sentinel for job in under_way]))
            for job in [job for job in under_way if job.process.sentinel in ended]:
                under_way.remove(job)
                result = _result(job)
                if result is None:  # out of time, as the others will soon be
                    waiting.clear()
                    continue
                budget.learn(job.run, seconds_of(result))
                yield job.run, result
    finally:
        for job in under_way:
            job.process.terminate()
        for job in under_way:
            job.process.join()
            job.errors.close()


def _start(run: Run, sweep: Sequence[float], deadline: float, jobs: int) -> _Job:
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    receiver, sender = context.Pipe(duplex=False)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    process = context.Process(
        target=_work, args=(run, sweep, deadline, threads, sender), name=str(run.folder)
    )
    # Ctrl-C reaches all processes of a terminal: this one ends the others, which never see it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sender.close()
    return _Job(run, process, receiver)


def _work(
    run: Run, sweep: Sequence[float], deadline: float, threads: int, errors: Connection
) -> None:
    """Carry out one run; an error that a person can act on goes to the parent as its one line."""
    import torch

    torch.set_num_threads(threads)
    try:
        train_and_save(run, sweep, Budget(deadline))
    except OutOfTimeError:
        pass
    except (ModelsError, ToolsError) as error:
        errors.send(str(error))
        sys.exit(2)


def _result(job: _Job) -> dict[str, Any] | None:
    """Return the result of a job that has ended; ``None`` if it ran out of time.

    Raises:
        ToolsError: it has failed.
    """
    job.process.join()
    status = job.process.exitcode
    message = None
    if job.errors.poll():
        try:
            message = job.errors.recv()
        except EOFError:
            message = None
    job.errors.close()
    if status == 0:
        return read_result(job.run)
    raise ToolsError(message or f"{job.run.folder}: its process ended with status {status}")
