"""The machine and the packages that a measurement was made with."""

import os
import platform
from importlib import metadata
from pathlib import Path

_PACKAGES = ("trivit", "trivit-host", "numpy", "pynq")


def describe_machine(root: Path = Path("/sys")) -> dict[str, str | int]:
    """Return board or processor, cores that may be used, and the system."""
    return {
        "processor": _board(root) or processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
    }


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def processor() -> str:
    """Return the processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _board(root: Path) -> str:
    try:
        text = (root / "firmware/devicetree/base/model").read_bytes()
    except OSError:
        return ""
    return text.rstrip(b"\0\n").decode("utf-8", "replace")
