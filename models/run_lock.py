"""One process at a time in a run folder."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trivit.models.errors import ModelsError

LOCK = "running.lock"

# A folder that cannot be written needs no lock, and some network file systems have none.
_WITHOUT = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_TRIES = 100
_HELD: set[Path] = set()


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Keep other processes out of the run folder ``out`` while the body runs.

    The system lets the lock go when the process ends, by whatever means; the file that may stay
    behind then does not matter. Within the body the same process may enter again. Folders that
    were made for the lock go with it unless something else is in them.

    Raises:
        ModelsError: another process is in the folder, or ``out`` is a file.
        OSError: the folder cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise ModelsError(f"{out} is a file: name a folder with --out")
    place = out.resolve()
    if place in _HELD:
        yield
        return
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    handle = None
    try:
        handle = _locked(out)
        _HELD.add(place)
        yield
    finally:
        _HELD.discard(place)
        if handle is not None:
            (out / LOCK).unlink(missing_ok=True)
            os.close(handle)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _locked(out: Path) -> int | None:
    """Return the open lock file, or ``None`` where there can be none."""
    path = out / LOCK
    for _ in range(_TRIES):
        try:
            out.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            continue  # another process took its empty folder away
        except OSError as error:
            if error.errno in _WITHOUT and out.is_dir():
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
            raise ModelsError(
                f"{who} is at work in {out}: wait until it ends, or name another folder"
            ) from None
        except OSError as error:
            os.close(handle)
            if error.errno in _WITHOUT:
                return None
            raise

    raise ModelsError(f"{out} is made and removed by other processes: name another folder")


def _is_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
