"""Backends by name: those of this package, and those that other packages register."""

from collections.abc import Callable

from trivit.host.backends.base import Backend
from trivit.host.errors import HostError


def _open_reference() -> Backend:
    from trivit.host.backends.reference import ReferenceBackend

    return ReferenceBackend()


def _open_emulator() -> Backend:
    from trivit.host.backends.emulator import EmulatorBackend

    return EmulatorBackend()


def _open_board() -> Backend:
    from trivit.host.backends.board import BoardBackend

    return BoardBackend()


_OPENERS: dict[str, Callable[[], Backend]] = {
    "reference": _open_reference,
    "emulator": _open_emulator,
    "board": _open_board,
}


def register_backend(name: str, opener: Callable[[], Backend]) -> None:
    """Let ``open_backend(name)`` return what ``opener`` returns; a second call replaces the first.

    ``trivit.tools.backends`` registers the simulation, which needs sources and compilers.
    """
    _OPENERS[name] = opener


def backend_names() -> tuple[str, ...]:
    """Return the names that ``open_backend`` takes."""
    return tuple(_OPENERS)


def open_backend(name: str) -> Backend:
    """Return the backend of this name, ready to run.

    Raises:
        HostError: an unknown name, or a backend that cannot start on this machine.
    """
    if name not in _OPENERS:
        raise HostError(f"unknown backend {name!r}: use one of {', '.join(_OPENERS)}")
    return _OPENERS[name]()
