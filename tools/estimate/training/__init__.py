"""Cycles and bytes of a training step: bounds of any program, modelled cycles of a schedule."""

from trivit.tools.estimate.training.bounds import (
    BANDWIDTHS,
    Bound,
    StepBounds,
    bound_of,
    ddr_cycles,
    least_bounds,
    step_bounds,
)
from trivit.tools.estimate.training.epoch import (
    IMAGENET_IMAGES,
    EpochRow,
    beside_paper,
    epoch_hours,
)
from trivit.tools.estimate.training.modelled import ModelledStep, modelled_step

__all__ = [
    "BANDWIDTHS",
    "IMAGENET_IMAGES",
    "Bound",
    "EpochRow",
    "ModelledStep",
    "StepBounds",
    "beside_paper",
    "bound_of",
    "ddr_cycles",
    "epoch_hours",
    "least_bounds",
    "modelled_step",
    "step_bounds",
]
