"""The wheel ``trivit-host``: ``trivit.host`` without what trains and compiles."""

from trivit.tools.host_wheel.build import build_wheel

__all__ = ["build_wheel"]
