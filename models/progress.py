"""Progress on standard error: bars on a terminal, silence in logs and pipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]


class ProgressBars:
    """Bars, one below the other, with elapsed and remaining time.

    Does nothing when the console is no terminal, or without rich.
    """

    def __init__(self, console: Console | None = None, *, transient: bool = False) -> None:
        """Draw on ``console`` (default: standard error); ``transient`` bars vanish at the end."""
        self._bars: Any = None
        self._current: Any = None
        if console.is_terminal if console is not None else sys.stderr.isatty():
            self._bars = _bars(console, transient)

    def __enter__(self) -> ProgressBars:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def start(self, description: str, total: int, done: int = 0) -> None:
        """Begin a bar of ``total`` items; the bar before counts as complete."""
        if self._bars is not None:
            self._current = self._bars.add_task(description, total=total, completed=done)

    def advance(self, count: int = 1) -> None:
        """Count items of the bar begun last."""
        if self._current is not None:
            self._bars.advance(self._current, count)

    def print(self, line: str) -> None:
        """Print a line above the bars, on terminals only."""
        if self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False)


def _bars(console: Console | None, transient: bool) -> Any:
    # Late because of its start-up time: most processes have no terminal.
    try:
        from rich import progress
        from rich.console import Console
    except ModuleNotFoundError:  # a board has no rich
        return None
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console or Console(stderr=True),
        transient=transient,
    )


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[Advance]:
    """Yield ``advance(steps)`` of a single bar, which vanishes at the end."""
    with ProgressBars(transient=True) as bars:
        bars.start(description, total)
        yield bars.advance
