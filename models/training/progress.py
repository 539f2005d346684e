"""What a user sees while training runs: a bar and a line per epoch, on terminals only."""

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class TrainingProgress:
    """A bar over all steps; does nothing when the console is no terminal."""

    def __init__(self, total_steps: int, done_steps: int, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._task = self._bar.add_task("train", total=total_steps, completed=done_steps)

    def __enter__(self) -> "TrainingProgress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        """Count one step."""
        if self._bar is not None:
            self._bar.advance(self._task)

    def epoch(self, record: dict[str, Any]) -> None:
        """Print the line of a finished epoch, from its metrics record."""
        if self._bar is None:
            return
        accuracy = record.get("float_top1")
        tested = "" if accuracy is None else f"  test top-1 {accuracy:.2f} %"
        if "model_top1" in record:
            tested += f" (not averaged: {record['model_top1']:.2f} %)"
        self._bar.console.print(
            f"epoch {record['epoch']}  loss {record['loss']:.4f}  "
            f"train top-1 {record['train_top1']:.2f} %{tested}  "
            f"token keep {record['token_keep_ratio']:.2f}  {record['seconds']:.1f} s",
            highlight=False,
        )
