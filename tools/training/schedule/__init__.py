"""Turns a training program into commands of the accelerator: `lower`, `on_accelerator`."""

from trivit.tools.training.schedule.lower import lower, lower_parts, on_accelerator

__all__ = ["lower", "lower_parts", "on_accelerator"]
