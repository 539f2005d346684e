"""An epoch of ImageNet: steps of all its images, beside the paper's board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trivit.host.measure.paper import rows_of
from trivit.host.training.program import TrainingProgram
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.estimate import milliseconds
from trivit.tools.estimate.training.bounds import UpdateForm, least_bounds

#: Of the training set of ILSVRC 2012.
IMAGENET_IMAGES = 1_281_167


def epoch_hours(step_ms: float, example_keep: float = 1.0) -> float:
    """Return the hours of an epoch in which ``example_keep`` of the images take a step.

    Raises:
        ToolsError: ``example_keep`` is no share.
    """
    if not 0 < example_keep <= 1:
        raise ToolsError(
            f"--example-keep {example_keep:g}: give the share of the examples in play, above 0 and "
            "up to 1"
        )
    return IMAGENET_IMAGES * example_keep * step_ms / 3.6e6


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """A row of the paper's Table 3 and our bounds: ms an image of the set, hours an epoch."""

    method: str
    keep: float
    example_keep: float
    paper_hours: float
    bound_step_ms: float
    bound_hours: float

    @property
    def paper_ms(self) -> float:
        """The paper's epoch by all images of the set, those left out too."""
        return self.paper_hours * 3.6e6 / IMAGENET_IMAGES


def beside_paper(
    model: str,
    program: Callable[[float], TrainingProgram],
    form: UpdateForm,
    bandwidth: float,
    example_keep: float,
) -> list[EpochRow]:
    """Return the rows of Table 3 that have an epoch; ``example_keep`` holds for pruned ones.

    Args:
        model: whose rows; a model that the paper does not list has none.
        program: gives the model's training program at a token keep ratio.
        form: of the update.
        bandwidth: of DDR, GB/s.
        example_keep: share of the examples in play.
    """
    rows = []
    for row in rows_of(model):
        if row.epoch_hours is None:
            continue
        examples = example_keep if row.keep < 1 else 1.0
        bounds = least_bounds(program(row.keep), form, bandwidth)
        step_ms = milliseconds(bounds.cycles(bandwidth))
        rows.append(
            EpochRow(
                method=row.method,
                keep=row.keep,
                example_keep=examples,
                paper_hours=row.epoch_hours,
                bound_step_ms=step_ms,
                bound_hours=epoch_hours(step_ms, examples),
            )
        )
    return rows
