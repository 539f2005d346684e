"""The accelerator's schedule: a program of a bundle as commands of its units."""

from trivit.tools.schedule.schedule import LAG, schedule, with_commands

__all__ = ["LAG", "schedule", "with_commands"]
