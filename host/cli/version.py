"""``trivit-board version``."""

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

from trivit.host.generated.spec import KERNEL_VERSION
from trivit.host.version import VERSION

NAME = "version"
HELP = "Print the versions of trivit, its kernel description, Python and what is beside them."

#: pynq comes with the board's image, the others with extras of trivit-host.
BESIDE = ("numpy", "pynq", "pillow", "opencv-python-headless", "opencv-python")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    print(f"trivit {VERSION} (kernel description {KERNEL_VERSION})")
    found = [f"Python {platform.python_version()}"]
    for name in BESIDE:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    print(", ".join(found))
    return 0
