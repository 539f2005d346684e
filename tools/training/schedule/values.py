"""Tensors in the banks, each at an address of its own until `places.py` settles them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trivit.host.generated.spec import ACTIVATION_DEPTH, TILE_TOKENS
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError


@dataclass(eq=False)
class Value:
    """Rows in the banks at ``address``, ``stride`` words from a row group to the next.

    Whoever must wait for them looks at ``slot`` (0: nobody must) from row group ``first`` on.
    ``brought``: back from DDR, so nothing else tells a placement that they are there.
    """

    name: str
    address: int
    rows: int
    words: int
    stride: int
    slot: int = 0
    first: int = 0
    brought: bool = False

    @property
    def groups(self) -> int:
        """Row groups."""
        return row_groups(self.rows)

    @property
    def last_rows(self) -> int:
        """Rows of the last row group."""
        return self.rows - (self.groups - 1) * TILE_TOKENS

    def columns(self, first: int, words: int) -> Value:
        """Return ``words`` words of each row from word ``first`` on."""
        return replace(self, address=self.address + first, words=words)

    def from_group(self, group: int, rows: int) -> Value:
        """Return ``rows`` rows from row group ``group`` on."""
        return replace(
            self,
            address=self.address + group * self.stride,
            rows=rows,
            first=self.first + group,
        )


class Banks:
    """Values, one after the other; where they lie in the banks is decided behind all commands."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._used = 0

    def place(self, name: str, rows: int, words: int, slot: int = 0) -> Value:
        """Return a new value."""
        value = Value(name, self._used, rows, words, words, slot=slot)
        self._used += value.groups * words
        self.values.append(value)
        return value


def check_words(words: int) -> None:
    """Refuse what does not fit.

    Raises:
        ToolsError: more words than a bank has.
    """
    if words > ACTIVATION_DEPTH:
        raise ToolsError(
            f"a training step needs {words} words a bank, {words - ACTIVATION_DEPTH} more than the "
            f"accelerator's {ACTIVATION_DEPTH}: train a smaller model"
        )
