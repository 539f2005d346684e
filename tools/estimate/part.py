"""Amounts of resources, and what the part has: the XCZU9EG of the ZCU102 board."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Part:
    """Capacities of a part; ``bram36`` counts 36-Kbit blocks, each two of 18 Kbit."""

    name: str
    lut: int
    ff: int
    dsp: int
    bram36: int


ZU9EG = Part(name="xczu9eg-ffvb1156-2-e", lut=274_080, ff=548_160, dsp=2_520, bram36=912)

#: Share of the part's BRAM that a design may take: above it, placement fails more often than not.
BRAM_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Amounts of the four resources that decide whether a design fits."""

    dsp: int = 0
    bram36: float = 0.0
    lut: int = 0
    ff: int = 0

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(
            dsp=self.dsp - other.dsp,
            bram36=self.bram36 - other.bram36,
            lut=self.lut - other.lut,
            ff=self.ff - other.ff,
        )

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            dsp=self.dsp + other.dsp,
            bram36=self.bram36 + other.bram36,
            lut=self.lut + other.lut,
            ff=self.ff + other.ff,
        )
