"""Where the cycles of a program go: what the simulation of the accelerator saw, op by op."""

from trivit.tools.profile.profile import InstructionProfile, Profile, UnitTime, profile
from trivit.tools.profile.trace import Trace, read_trace

__all__ = ["InstructionProfile", "Profile", "Trace", "UnitTime", "profile", "read_trace"]
