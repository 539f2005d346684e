"""One process at a time prepares a store."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trivit.models.errors import ModelsError


@contextmanager
def only_process(store: Path) -> Iterator[None]:
    """Hold the lock on preparing ``store``, from before a look at it until it has its name.

    The lock is on a file beside it, ``STORE.lock``, which goes with the lock; the one that a killed
    process leaves behind is not locked.

    Raises:
        ModelsError: another process holds it.
        OSError: the folder cannot be written.
    """
    path = store.with_name(f"{store.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelsError(f"another process is preparing {store}: wait for it") from None
        if not _is_at(file.fileno(), path):  # removed by a process that finished just now
            raise ModelsError(f"another process has just prepared {store}: start again")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
