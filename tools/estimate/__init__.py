"""Multiply-accumulates and modelled cycles of a program, before any hardware exists."""

from trivit.tools.estimate.estimate import Estimate, InstructionEstimate, Total, estimate_bundle

__all__ = ["Estimate", "InstructionEstimate", "Total", "estimate_bundle"]
