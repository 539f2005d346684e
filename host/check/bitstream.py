"""The bitstream's files, held against this host one by one, and who has the board."""

from collections.abc import Callable, Iterator
from pathlib import Path

from trivit.host.board.bitfile import read_bit_header
from trivit.host.board.compare import handoff_differences, manifest_differences, part_difference
from trivit.host.board.design import find_bitstream
from trivit.host.board.hwh import read_handoff
from trivit.host.board.lock import BoardLock, lock_path
from trivit.host.board.manifest import read_manifest
from trivit.host.check.finding import Finding, State
from trivit.host.errors import HostError

_AGAIN = (
    "build the bitstream from these sources (`make bitstream`) and copy its three files, or "
    "install the trivit-host that belongs to it"
)


def files(given: Path | None) -> Iterator[Finding]:
    """Yield what .bit, .hwh and .json say; ``given`` as ``find_bitstream`` takes it."""
    try:
        path = find_bitstream(given)
    except HostError as error:
        yield Finding("bitstream", State.failed, str(error))
        return
    yield _file("bitstream", lambda: _bit(path))
    yield _file("handoff", lambda: _handoff(path.with_suffix(".hwh")))
    yield _file("manifest", lambda: _manifest(path.with_suffix(".json")))


def lock() -> Finding:
    """Look whether another process has the board."""
    try:
        BoardLock().release()
    except HostError as error:
        return Finding("lock", State.failed, str(error))
    return Finding("lock", State.ok, f"{lock_path()} is free")


def _file(name: str, look: Callable[[], tuple[str, list[str]]]) -> Finding:
    try:
        text, differences = look()
    except HostError as error:
        return Finding(name, State.failed, str(error))
    if differences:
        return Finding(name, State.failed, f"{text}: {'; '.join(differences)}", _AGAIN)
    return Finding(name, State.ok, text)


def _bit(path: Path) -> tuple[str, list[str]]:
    header = read_bit_header(path)
    return f"{path} for {header.part}, made {header.date} {header.time}", part_difference(header)


def _handoff(path: Path) -> tuple[str, list[str]]:
    handoff = read_handoff(path)
    return f"{path.name}, {len(handoff.cells)} cells", handoff_differences(handoff)


def _manifest(path: Path) -> tuple[str, list[str]]:
    manifest = read_manifest(path)
    text = (
        f"{path.name}: kernel version {manifest.kernel_version}, {manifest.clock_mhz:g} MHz, "
        f"{manifest.variant}, commit {manifest.git_commit[:12] or 'unknown'}"
    )
    return text, manifest_differences(manifest)
