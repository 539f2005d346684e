"""Generate what C++, SystemVerilog and Python share from ``hls/kernel.yaml``."""

from trivit.tools.kernel.description import KernelDescription, load_description
from trivit.tools.kernel.generate import ROOT, generate, stale, write

__all__ = ["ROOT", "KernelDescription", "generate", "load_description", "stale", "write"]
