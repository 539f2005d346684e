"""One process at a time has the board; the next one learns what it left in the logic."""

import fcntl
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from trivit.host.errors import HostError

#: Environment variable that names another lock file.
LOCK_VARIABLE = "TRIVIT_LOCK"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The bitstream that a process loaded: the SHA-1 of its file, and the boot that it is from."""

    bitstream: str
    boot: str


def boot_id() -> str:
    """Return what tells this run of the kernel from others."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def lock_path() -> Path:
    """Return where the lock lies: TRIVIT_LOCK, /run/lock, or the folder of temporary files."""
    named = os.environ.get(LOCK_VARIABLE)
    if named:
        return Path(named)
    folder = Path("/run/lock")
    return (folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())) / "trivit.lock"


class BoardLock:
    """Holds the board until :meth:`release`, or until the process ends in whatever way.

    The kernel frees the lock of a process that was killed. The file stays, with what was loaded.
    """

    def __init__(self) -> None:
        """Take the lock.

        Raises:
            HostError: another process has it (the message says which), or the file cannot be made.
        """
        path = lock_path()
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise HostError(
                f"{path}: {(error.strerror or str(error)).lower()}; the board's lock lies there: "
                f"run as root, or name another file in {LOCK_VARIABLE}"
            ) from error
        self._file: IO[bytes] | None = os.fdopen(descriptor, "r+b")
        self._note = self._read()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            holder = f"process {self._note.get('pid', '?')} ({self._note.get('command', '?')})"
            raise HostError(
                f"the board is in use by {holder}: wait for it, or end it; the lock is {path}"
            ) from error
        self._note = self._read()
        self._write(self.loaded)

    @property
    def loaded(self) -> Loaded | None:
        """What this or an earlier process loaded since the machine started."""
        entry = self._note.get("loaded")
        if not isinstance(entry, dict) or entry.get("boot") != boot_id():
            return None
        return Loaded(bitstream=str(entry.get("bitstream")), boot=str(entry["boot"]))

    def note(self, bitstream: str | None) -> None:
        """Write down what is in the logic from now on; None: nobody knows."""
        self._write(None if bitstream is None else Loaded(bitstream=bitstream, boot=boot_id()))

    def release(self) -> None:
        """Give the board to others; a second call does nothing."""
        if self._file is not None:
            # A process that was forked may still hold the file open.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None

    def _read(self) -> dict[str, Any]:
        assert self._file is not None
        self._file.seek(0)
        try:
            note = json.loads(self._file.read() or b"{}")
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}

    def _write(self, loaded: Loaded | None) -> None:
        assert self._file is not None
        self._note = {
            "pid": os.getpid(),
            "command": " ".join(sys.argv)[:200],
            "loaded": None if loaded is None else asdict(loaded),
        }
        text = json.dumps(self._note).encode()
        self._file.seek(0)
        self._file.write(text)
        self._file.truncate()
        self._file.flush()
