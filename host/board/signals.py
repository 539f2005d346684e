"""Signals that would end the process at once let it clean up first, while a job may run."""

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class EndBySignals:
    """Turn SIGTERM and SIGHUP into SystemExit until :meth:`restore`.

    Handlers that somebody has set stay, and so does everything outside of the main thread.
    """

    def __init__(self) -> None:
        """Set the handlers."""
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._before[number] = signal.signal(number, _leave)

    def restore(self) -> None:
        """Put back what was there; a second call does nothing."""
        while self._before:
            number, handler = self._before.popitem()
            if signal.getsignal(number) is _leave:
                signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
