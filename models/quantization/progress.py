"""Progress bars of quantization, one per stage, on terminals only."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class StageProgress:
    """A bar per stage; silent when standard error is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "StageProgress":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def stage(self, description: str, total: int) -> None:
        """Start a stage of ``total`` items; the stage before counts as complete."""
        self._task = self._progress.add_task(description, total=total)

    def advance(self, count: int = 1) -> None:
        """Count items of the current stage."""
        if self._task is not None:
            self._progress.advance(self._task, count)
