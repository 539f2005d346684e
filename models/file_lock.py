"""One process at a time: locks on files, which go with their process however that ends."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trivit.models.errors import ModelsError

RUN_LOCK = "running.lock"

# A folder that cannot be written needs no lock, and some network file systems have none.
_WITHOUT = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_TRIES = 100
_HELD: set[Path] = set()


class BusyError(ModelsError):
    """Another process holds the lock."""


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Keep other processes out of the run folder ``out`` while the body runs.

    Within the body the same process may enter again.

    Raises:
        BusyError: another process is in the folder.
        ModelsError: ``out`` is a file.
        OSError: the folder cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise ModelsError(f"{out} is a file: name a folder with --out")
    place = out.resolve()
    if place in _HELD:
        yield
        return
    doing = f"is at work in {out}: wait until it ends, or name another folder"
    with _lock(out / RUN_LOCK, doing):
        _HELD.add(place)
        try:
            yield
        finally:
            _HELD.discard(place)


@contextmanager
def store_lock(store: Path) -> Iterator[None]:
    """Let one process prepare ``store``, from before a look at it until it has its name.

    Raises:
        ModelsError: another process is preparing it.
        OSError: its folder cannot be made.
    """
    with _lock(store.with_name(f"{store.name}.lock"), f"is preparing {store}: wait for it"):
        yield


@contextmanager
def _lock(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock on the file ``path`` while the body runs.

    The file goes with the lock, and so do folders that were made for it unless something else is in
    them; what a killed process leaves behind is not locked.

    Args:
        path: the file.
        doing: what its owner does, for the message.

    Raises:
        ModelsError: another process holds it.
        OSError: its folder cannot be made.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    handle = None
    try:
        handle = _locked(path, doing)
        yield
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)
            os.close(handle)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _locked(path: Path, doing: str) -> int | None:
    """Return the open lock file, or ``None`` where there can be none."""
    folder = path.parent
    for _ in range(_TRIES):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            continue  # another process took its empty folder away
        except OSError as error:
            if error.errno in _WITHOUT and folder.is_dir():
                return None
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
                return handle
            os.close(handle)  # its last owner has removed it: make another
        except BlockingIOError:
            owner = os.read(handle, 32).decode(errors="replace").strip()
            os.close(handle)
            who = f"process {owner}" if owner.isdigit() else "another process"
            raise BusyError(f"{who} {doing}") from None
        except OSError as error:
            os.close(handle)
            if error.errno in _WITHOUT:
                return None
            raise
    raise ModelsError(f"{folder} is made and removed by other processes: name another folder")


def _is_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
