"""Tensors in the banks: each has a place of its own, nothing is written over."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.generated.spec import ACTIVATION_DEPTH, TILE_TOKENS
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError


@dataclass(eq=False)
class Value:
    """Rows in the banks at ``address``, ``stride`` words from a row group to the next.

    Whoever must wait for them looks at ``slot`` (0: nobody must) from row group ``first`` on.
    """

    name: str
    address: int
    rows: int
    words: int
    stride: int
    slot: int = 0
    first: int = 0

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
        return Value(
            self.name,
            self.address + first,
            self.rows,
            words,
            self.stride,
            slot=self.slot,
            first=self.first,
        )

    def from_group(self, group: int, rows: int) -> Value:
        """Return ``rows`` rows from row group ``group`` on."""
        return Value(
            self.name,
            self.address + group * self.stride,
            rows,
            self.words,
            self.stride,
            slot=self.slot,
            first=self.first + group,
        )


class Banks:
    """Addresses, one after the other."""

    def __init__(self) -> None:
        self.used = 0

    def place(self, name: str, rows: int, words: int, slot: int = 0) -> Value:
        """Return a new value."""
        value = Value(name, self.used, rows, words, words, slot=slot)
        self.used += value.groups * words
        return value

    def check(self) -> None:
        """Refuse what does not fit.

        Raises:
            ToolsError: more words than a bank has.
        """
        if self.used > ACTIVATION_DEPTH:
            raise ToolsError(
                f"a training step needs {self.used} words a bank, the accelerator has "
                f"{ACTIVATION_DEPTH}, and training in pieces is not there yet: train a smaller "
                "model"
            )
