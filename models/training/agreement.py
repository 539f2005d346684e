"""What one process cannot do none goes on with: errors of several processes, told once."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist

from trivit.models.errors import ModelsError
from trivit.models.training.distributed import world

_STATUS = 2


class StoppedByAnotherError(SystemExit):
    """Ends this process with exit status 2 and no message: the process that failed has told it."""


@contextmanager
def all_or_none() -> Iterator[None]:
    """Run the body in all processes and wait for all; if it fails in one, all of them stop.

    The first process that failed raises its error, every other one ``StoppedByAnotherError``. The
    body must exchange nothing, as a process that failed does not answer.
    """
    place = world()
    if place.size == 1:
        yield
        return
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    failed: list[bool] = [False] * place.size
    dist.all_gather_object(failed, error is not None)
    if not any(failed):
        return
    if error is not None and failed.index(True) == place.rank:
        raise error
    raise StoppedByAnotherError(_STATUS)


@contextmanager
def told_when_others_stop() -> Iterator[None]:
    """Turn what an exchange with a process that is gone raises into one line.

    Raises:
        ModelsError: another process stopped between two exchanges.
    """
    try:
        yield
    except RuntimeError as error:
        if world().size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise ModelsError(
                "another process of this run stopped: its message, or torchrun's, says why"
            ) from error
        raise
