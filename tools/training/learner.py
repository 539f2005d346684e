"""What the training loop wants of who learns: a session on a device, or a twin of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import StepResult


class Learner(Protocol):
    """Takes steps; :class:`~trivit.host.training.session.TrainingSession` says what each does."""

    steps: int

    @property
    def program(self) -> TrainingProgram:
        """The program in use."""

    @property
    def returns_class_attention(self) -> bool:
        """Whether every step tells what [CLS] attended to."""

    def use(self, name: str) -> None:
        """Take the steps that follow with another program."""

    def find_exponents(self, image: Int16, target: Int16) -> None:
        """Get ready for the first step."""

    def step(self, image: Int16, target: Int16, learning_rate: float) -> StepResult:
        """Take a training step."""

    def logits(self, image: Int16, program: str | None = None) -> NDArray[np.float64]:
        """Return the logits of an image."""

    def parameter(self, name: str) -> NDArray[np.float64]:
        """Return a parameter, (rows, columns)."""

    def to_bytes(
        self, identity: dict[str, Any], more: Mapping[str, NDArray[Any]] | None = None
    ) -> bytes:
        """Return the state as a file."""

    def restore(self, path: Path, identity: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Go on from such a file; return its ``more``."""
