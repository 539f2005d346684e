"""Where compiled backends are kept, and what to say when that place does not serve."""

import errno
import os
from pathlib import Path

from trivit.host.errors import HostError

#: The kernel's sources lie beside this package, in a checkout as in an installed wheel.
KERNEL_FOLDER = Path(__file__).resolve().parents[2] / "hls"
#: Environment variable that moves the folder of what is compiled.
CACHE_VARIABLE = "XDG_CACHE_HOME"


def cache_folder(what: str) -> Path:
    """Return the folder that keeps ``what`` (say "emulator").

    Raises:
        HostError: this user has no home folder.
    """
    base = os.environ.get(CACHE_VARIABLE)
    if base:
        return Path(base) / "trivit"
    try:
        return Path.home() / ".cache" / "trivit"
    except RuntimeError as error:
        raise HostError(
            f"no home folder for the compiled {what}: name a folder in {CACHE_VARIABLE}"
        ) from error


def unwritable(cache: Path, reason: str, what: str) -> HostError:
    """Return the error for a cache that does not take the compiled ``what``."""
    full = reason in (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
    return HostError(
        f"{cache}: {reason.lower()}; the {what} is compiled into this folder: "
        f"{'free some space, or ' if full else ''}name another folder in {CACHE_VARIABLE}"
    )
