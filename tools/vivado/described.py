"""The kernel description, read once."""

import functools

from trivit.tools.kernel import ROOT, KernelDescription, load_description


@functools.cache
def kernel() -> KernelDescription:
    """Return ``hls/kernel.yaml``."""
    return load_description(ROOT / "hls" / "kernel.yaml")
