"""What a measurement was made on: machine and library versions."""

import os
import platform
import sys
from importlib import metadata

from trivit.host.measure.machine import processor

PACKAGES = ("trivit", "numpy", "torch", "brevitas", "onnx", "onnxruntime", "qonnx")


def library_versions() -> dict[str, str]:
    """Versions of Python and of those of `PACKAGES` that are installed (nothing is imported)."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_machine() -> dict[str, str | int | float]:
    """Processor, usable cores, memory, operating system; and the GPU when torch is loaded."""
    machine: dict[str, str | int | float] = {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
