"""Turns a training program into commands of the accelerator: `lower`."""

from trivit.tools.training.schedule.lower import lower

__all__ = ["lower"]
