"""Multiply-accumulates and modelled cycles of a program, without simulating it."""

from trivit.tools.estimate.estimate import (
    Estimate,
    InstructionEstimate,
    estimate_bundle,
    milliseconds,
    modelled_cycles,
)

__all__ = [
    "Estimate",
    "InstructionEstimate",
    "estimate_bundle",
    "milliseconds",
    "modelled_cycles",
]
