"""Which tensors wait in DDR, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from trivit.host.generated.spec import PARAM_PORTS
from trivit.host.tiles import ceil_div


@dataclass(frozen=True)
class Stored:
    """Rows in DDR, ``segment`` words in each port from ``address`` on."""

    address: int
    rows: int
    words: int

    @property
    def segment(self) -> int:
        """Words of a port."""
        return ceil_div(self.rows, PARAM_PORTS) * self.words


@dataclass
class Waiting:
    """Which tensors wait.

    ``ends`` are the ops of forward behind which tensors go to DDR, by these ops; probabilities are
    not stored but computed again.
    """

    ends: dict[int, list[str]] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    words: int = 0  # of the region of the output so far
    unknown: bool = False  # whether somebody may still read what was stored last
    fenced: bool = False  # whether a fence stands in front of what comes back
