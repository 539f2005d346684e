"""How well a run does on test images, on its way and at its end; the best weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.tools.training.export import write_weights
from trivit.tools.training.learner import Learner
from trivit.tools.training.records import Records


@dataclass(frozen=True)
class LabelledImages:
    """Images as the device gets them, (N, channels, height, width), and labels (N,)."""

    images: Int16
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def accuracy(session: Learner, test: LabelledImages, program: str | None = None) -> float:
    """Return the percentage of images whose largest logit is their label's.

    Args:
        session: whose weights.
        test: the images.
        program: by whose forward pass; by default that of the program in use.
    """
    right = sum(
        int(session.logits(image, program).argmax()) == label
        for image, label in zip(test.images, test.labels, strict=True)
    )
    return 100.0 * int(right) / len(test)


class Evaluations:
    """Evaluates within a run: a line each, and the weights of the best one."""

    def __init__(self, records: Records, best: Path, test: LabelledImages, program: str) -> None:
        """Write lines to ``records`` and weights to ``best``.

        Args:
            records: file of lines.
            best: file of the weights with the highest accuracy, of equal ones the first.
            test: the images.
            program: whose forward pass, the one that the run ends with.
        """
        self.records, self._best, self._test, self._program = records, best, test, program

    def evaluate(self, session: Learner, epoch: float) -> None:
        """Evaluate after a step.

        Raises:
            OSError: the folder cannot be written or the disk is full.
        """
        top1 = accuracy(session, self._test, self._program)
        best = max((line["test_top1"] for line in self.records.lines()), default=-1.0)
        if top1 > best:
            write_weights(self._best, session)
        self.records.append(
            {"step": session.steps, "epoch": epoch, "test_top1": top1, "best": top1 > best}
        )

    def figures(self) -> dict[str, Any]:
        """Return the last accuracy and the best one."""
        lines = self.records.lines()
        if not lines:
            return {}
        best = max(lines, key=lambda line: line["test_top1"])
        return {
            "test_images": len(self._test),
            "test_top1": lines[-1]["test_top1"],
            "best_top1": best["test_top1"],
            "best_step": best["step"],
            "best_weights": str(self._best),
        }
