"""Turns a training program into commands of the accelerator: `lower`, `interpreter`."""

from trivit.tools.training.schedule.lower import interpreter, lower

__all__ = ["interpreter", "lower"]
