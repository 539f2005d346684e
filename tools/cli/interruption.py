"""Ctrl-C, SIGTERM and SIGHUP: one line that says what is saved and how to go on."""

import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

#: Says, given the words of the command line, what is saved and how to go on.
Tell = Callable[[Sequence[str]], str]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_HOW = {"SIGINT": "interrupted", "SIGTERM": "stopped by SIGTERM", "SIGHUP": "stopped by SIGHUP"}

# torchrun passes on a signal that the terminal has sent already; a person who repeats one later
# means it.
_PATIENCE_SECONDS = 3.0


class Interruption(BaseException):
    """A signal asks the command to end: what is under way is undone, then one line is printed.

    Not a ``KeyboardInterrupt``, which the command line's library turns into an exit of its own.

    Attributes:
        signal: which one.
        tell: of the command that was under way, if it has something to say.
    """

    def __init__(self, signal_: signal.Signals) -> None:
        super().__init__(signal_.name)
        self.signal = signal_
        self.tell: Tell | None = None

    @property
    def status(self) -> int:
        """The exit status, as shells count it."""
        return 128 + self.signal

    def line(self, words: Sequence[str]) -> str:
        """Return what is printed."""
        tell = self.tell or _start_again
        return f"{_HOW[self.signal.name]}: {tell(words)}"


@contextmanager
def interruptible(*, restore: bool) -> Iterator[None]:
    """Raise ``Interruption`` in the body when a signal asks the process to end.

    Signals that the process was started to ignore (``nohup``, a shell's background) stay ignored.
    One that follows soon is of the same request; a later one ends the process at once.

    Args:
        restore: put the handlers back afterwards; the process goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[float] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise Interruption(signal.Signals(number))
        if time.monotonic() - first[0] > _PATIENCE_SECONDS:
            os._exit(128 + number)

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {
        number: signal.signal(number, stop)
        for number in numbers
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            # A process on its way out must not be hit by a repeated signal.
            signal.signal(number, handler if restore or not first else signal.SIG_IGN)


@contextmanager
def when_interrupted(tell: Tell) -> Iterator[None]:
    """Let ``tell`` say what is saved, should the body be interrupted."""
    try:
        yield
    except Interruption as interruption:
        interruption.tell = tell
        raise


def command(words: Sequence[str]) -> str:
    """Return the command line that a person would type for ``trivit WORDS``."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    start = "torchrun [...] -m trivit.tools.cli" if several else "trivit"
    return f"{start} {shlex.join(words)}"


def started_again(what: str) -> Tell:
    """Return a ``tell`` for commands that do not resume: what is left, and the same command."""
    return lambda words: f"{what}; start again with: {command(words)}"


_start_again = started_again("nothing is left half-written")
