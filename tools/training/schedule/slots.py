"""Slots of the scoreboard, and when the engine knows that nobody looks at one any more."""

from __future__ import annotations

from trivit.host.generated.commands import COMMANDS
from trivit.tools.errors import ToolsError

_COUNT = 1 << COMMANDS["engine"].fields["target_slot"][1]


class Slots:
    """Which slots are free.

    A slot is free when every product from here on begins behind all who look at it. Rows that
    `store` reads tell nobody; what it stored tells a move behind a fence. So such a slot is held
    until a product has waited for what such a move brought.
    """

    def __init__(self) -> None:
        self._free = list(range(1, _COUNT))
        self._stored: list[int] = []

    def take(self, what: str) -> int:
        """Return a free slot, the one that has been free the longest.

        Raises:
            ToolsError: all are held.
        """
        if not self._free:
            raise ToolsError(
                f"'{what}' needs a slot of the accelerator and all {_COUNT - 1} are held: train a "
                "model of the usual form"
            )
        return self._free.pop(0)

    def release(self, slot: int) -> None:
        """Give back a slot whose lookers the engine knows."""
        self._free.append(slot)

    def stored(self, slot: int) -> None:
        """Give back a slot that `store` looks at, behind a later fence."""
        self._stored.append(slot)

    def fence(self) -> list[int]:
        """Return the slots that a move behind a fence, now appended, knows to be free."""
        known, self._stored = self._stored, []
        return known
