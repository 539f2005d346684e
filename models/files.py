"""Files that appear whole or not at all, and errors that say which file they are about."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def named(path: Path | str) -> Iterator[None]:
    """Let an error of the operating system in the body name ``path`` where it names none.

    Python says where opening fails, but not which file's ``write``, ``flush`` or ``fsync`` did: a
    full disk shows there.

    Raises:
        OSError: of the body, with a ``filename``.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it to disk and rename it.

    When the body raises, nothing is left behind and an earlier file at ``path`` is unchanged.

    Raises:
        OSError: the folder cannot be written or the disk is full; the error names ``path``.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary: Path | None = None
    try:
        with named(target):
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
            temporary = Path(name)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(target)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and _is_temporary(error.filename, target):
            error.filename = str(target)
        raise


def _is_temporary(name: object, target: Path) -> bool:
    """Whether an error names a file that nobody asked for."""
    path = Path(str(name))
    return path.parent == target.parent and path.name.startswith(f".{target.name}.")
