"""A recorded block design: cells, what connects them, and the address map."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from tcl.catalogue import Ports


@dataclass(kw_only=True)
class Cell:
    """A cell: an IP by its full name, or a module of RTL."""

    vlnv: str = ""
    module: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    ports: Ports = field(default_factory=Ports)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A segment in an address space, both as ``cell/name``; bytes."""

    space: str
    segment: str
    offset: int
    range: int


@dataclass(kw_only=True)
class Design:
    """Ends of connections are ``cell/port``; a net begins with its driver."""

    name: str = ""
    part: str = ""
    board_part: str = ""
    cells: dict[str, Cell] = field(default_factory=dict)
    buses: list[tuple[str, str]] = field(default_factory=list)  # master, slave
    nets: list[list[str]] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)  # space, segment
    clock_mhz: float = 0.0  # that the PS makes
    validated: bool = False
    sources: list[str] = field(default_factory=list)  # paths below hls

    def as_json(self) -> dict[str, Any]:
        """Return the design as a tree of JSON types."""
        return asdict(self)

    def net_of(self, pin: str) -> list[str] | None:
        """Return the net at ``cell/pin``."""
        return next((net for net in self.nets if pin in net), None)

    def other_end(self, interface: str) -> str | None:
        """Return what the bus of ``cell/interface`` connects."""
        for master, slave in self.buses:
            if interface in (master, slave):
                return slave if interface == master else master
        return None
