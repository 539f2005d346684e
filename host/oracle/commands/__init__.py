"""Interprets schedules on integer arrays and checks that their order holds at any speed."""

from trivit.host.oracle.commands.clocks import OrderError
from trivit.host.oracle.commands.machine import Outcome, interpret, interpret_memory

__all__ = ["OrderError", "Outcome", "interpret", "interpret_memory"]
