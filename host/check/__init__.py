"""What ``trivit-board check`` looks at: the board's system, the bitstream, a self test."""

from trivit.host.check.finding import Finding, State

__all__ = ["Finding", "State"]
