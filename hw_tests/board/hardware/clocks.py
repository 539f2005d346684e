"""The clock registers of a Zynq UltraScale+ that PYNQ reads and sets: IOPLL and PL0_REF_CTRL."""

from __future__ import annotations

CRL, CRF = 0xFF5E0000, 0xFD1A0000
BYTES = 0x100
_IOPLL_CTRL, _PL0_REF_CTRL = 0x20, 0xC0
_REFERENCE_MHZ = 33.333


class Clocks:
    """IOPLL at 1500 MHz, and the divided clock of the logic; ``stuck`` ignores what is written."""

    def __init__(self, divisor: int = 15) -> None:
        self._words = {
            _IOPLL_CTRL: 90 << 8 | 1 << 16,
            _PL0_REF_CTRL: divisor << 8 | 1 << 16 | 1 << 24,
        }
        self.stuck_mhz: float | None = None

    def mhz(self) -> float:
        """Return the clock that the logic really has."""
        word = self._words[_PL0_REF_CTRL]
        pll = _REFERENCE_MHZ * (self._words[_IOPLL_CTRL] >> 8 & 127) / 2
        return self.stuck_mhz or pll / ((word >> 8 & 63) * (word >> 16 & 63))

    def read(self, offset: int) -> int:
        """Return a word of CRL_APB."""
        return self._words.get(offset, 0)

    def write(self, offset: int, word: int) -> None:
        """Write a word of CRL_APB."""
        self._words[offset] = word
