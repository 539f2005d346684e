"""What a training run says of itself: a line of JSON for every hundred steps, and its judgement."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.training.session import StepResult
from trivit.tools.errors import ToolsError
from trivit.tools.training.records import Records

#: Steps that a line of the metrics covers.
REPORT_EVERY = 100
#: A loss that is not learning any more, as a multiple of that of guessing: log(classes).
_DIVERGED = 3.0


class Metrics:
    """Writes a line for every hundred steps, and refuses lines of a run that went wrong."""

    def __init__(self, path: Path, classes: int, largest_loss: float | None = None) -> None:
        """Write to ``path``.

        Args:
            path: file of lines.
            classes: of the model.
            largest_loss: mean of a hundred steps above which a run diverges; by default three
                times the loss of guessing.
        """
        self.records = Records(path)
        self._limit = _DIVERGED * math.log(classes) if largest_loss is None else largest_loss
        self._reset()

    def _reset(self) -> None:
        self._losses: list[float] = []
        self._right = self._saturated = self._moves = 0
        self._largest_norm = 0.0

    def add(
        self, step: int, result: StepResult, label: int, more: dict[str, Any] | None = None
    ) -> None:
        """Count a step.

        Args:
            step: its number from 1.
            result: what it told.
            label: of its image.
            more: what else a line says, of its last step.

        Raises:
            ToolsError: the loss diverges, or no step of the hundred had a gradient.
            OSError: the line cannot be written.
        """
        self._losses.append(result.loss)
        self._right += int(result.logits.argmax()) == label
        self._saturated += result.saturated
        self._moves += len(result.moves)
        self._largest_norm = max(self._largest_norm, result.gradient_norm)
        if step % REPORT_EVERY:
            return
        loss = float(np.mean(self._losses))
        line = {
            "step": step,
            "loss": loss,
            "top1": 100.0 * self._right / len(self._losses),
            "gradient_norm": result.gradient_norm,
            "saturated": self._saturated,
            "moves": self._moves,
            **(more or {}),
        }
        self.records.append(line)
        self._judge(f"steps {step - len(self._losses) + 1} to {step}", loss)
        self._reset()

    def _judge(self, steps: str, loss: float) -> None:
        folder = self.records.path.parent
        if not loss <= self._limit:
            raise ToolsError(
                f"the loss diverges: {loss:.4g} in {steps}, at most {self._limit:.4g} is allowed; "
                f"{folder} keeps the state before: start again with a lower --learning-rate"
            )
        if self._largest_norm == 0:
            raise ToolsError(
                f"all gradients are zero in {steps}, so nothing is learned; {folder} keeps the "
                "state before: check images and labels, or compile again"
            )

    def losses(self) -> dict[str, float]:
        """Return the loss of the first and of the last line; nothing without lines."""
        lines = self.records.lines()
        if not lines:
            return {}
        return {"first_loss": round(lines[0]["loss"], 4), "last_loss": round(lines[-1]["loss"], 4)}
