"""Largest memory that training has used."""

import re
import resource
import sys
from pathlib import Path

import torch

_MIB = 1 << 20


def peak_memory_mib(device: torch.device) -> float:
    """Return the peak in MiB: of what PyTorch allocated on a GPU, else of the process.

    On Linux the process's own peak is read: the one of ``getrusage`` begins with its parent's.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _MIB
    status = Path("/proc/self/status")
    if status.is_file() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MIB if sys.platform == "darwin" else peak / 1024
