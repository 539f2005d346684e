"""A command with a time limit, and what became of it."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Between two looks at a command under way, and from a request to end to the end.
_PAUSE = 1.0
_PATIENCE = 10.0


@dataclass
class Stage:
    """One command of the script.

    Attributes:
        name: of the stage.
        command: with its arguments.
        environment: of the command.
        log: file that its output is added to.
        status: ``under way``, ``done``, ``failed`` or ``stopped at its limit``.
        seconds: that it took.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    status: str = "not begun"
    seconds: float = 0.0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started: float = 0.0
    _limit: float = 0.0

    def start(self, limit: float, folder: Path) -> None:
        """Begin, in ``folder``; it may take ``limit`` seconds."""
        self._started, self._limit = time.monotonic(), limit
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(self.command)}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                cwd=folder,
            )
        self.status = "under way"

    def goes_on(self) -> bool:
        """Return whether it is under way; ask it to end when its time is up."""
        assert self._process is not None
        self.seconds = time.monotonic() - self._started
        code = self._process.poll()
        if code is not None:
            self.status = "done" if code == 0 else "failed"
            return False
        if self.seconds > self._limit:
            self.end()
            self.status = "stopped at its limit"
            return False
        return True

    def end(self) -> None:
        """End the command, if it is under way."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def described(self) -> dict[str, Any]:
        """Return what is written about it."""
        return {
            "name": self.name,
            "command": " ".join(self.command),
            "status": self.status,
            "seconds": round(self.seconds, 1),
        }


def run_together(
    stages: Sequence[Stage], told: Callable[[], None], beside: Sequence[Stage] = ()
) -> None:
    """Wait until ``stages``, which have begun, have ended; call ``told`` now and then.

    Those ``beside`` them may go on after that; an interruption ends all.
    """
    try:
        while under_way(stages):
            under_way(beside)
            told()
            time.sleep(_PAUSE)
        told()
    except BaseException:
        for stage in (*stages, *beside):
            stage.end()
        raise


def under_way(stages: Sequence[Stage]) -> list[Stage]:
    """Return those of ``stages`` that go on; those whose time is up are ended."""
    return [stage for stage in stages if stage.status == "under way" and stage.goes_on()]
