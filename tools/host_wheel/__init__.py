"""The wheel ``trivit-host``: ``trivit.host`` without what trains and compiles."""

from trivit.tools.host_wheel.build import build

__all__ = ["build"]
