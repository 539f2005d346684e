"""The simulated builds of the RTL: the engine at two geometries, and its units side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator import ROOT, Design

from trivit.tools.kernel import load_description

FOLDER = Path(__file__).resolve().parent
DESCRIPTION = load_description(ROOT / "hls" / "kernel.yaml")
PACKAGES = tuple(
    ROOT / "hls" / name for name in (ROOT / "hls/rtl/packages.f").read_text("utf-8").split()
)
RTL = (*PACKAGES, *sorted(set((ROOT / "hls/rtl").rglob("*.sv")) - set(PACKAGES)))


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of an engine; a memory word holds `depth` int16."""

    tokens: int
    outputs: int
    depth: int
    activation_depth: int
    weight_depth: int
    weight_tiles: int
    max_depth_words: int

    @property
    def ports(self) -> int:
        """Parameter ports; also the words that a tile adds to a row."""
        return self.outputs // self.depth

    @property
    def spacing(self) -> int:
        """Cycles that row groups are apart at least."""
        return max(self.tokens, 2 * self.ports)

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        """Parameters of `matrix_engine`."""
        return tuple((name.upper(), value) for name, value in vars(self).items())


FULL = Geometry(
    **DESCRIPTION.geometry,
    **{
        name: DESCRIPTION.limits[name]
        for name in ("activation_depth", "weight_depth", "weight_tiles", "max_depth_words")
    },
)
SMALL = Geometry(
    tokens=4,
    outputs=8,
    depth=4,
    activation_depth=480,
    weight_depth=64,
    weight_tiles=8,
    max_depth_words=32,
)
SUM_BITS = DESCRIPTION.engine["sum_bits"]
MAX_ALIGN = DESCRIPTION.engine["max_align"]
COUNT_BITS = DESCRIPTION.engine["count_bits"]  # of the row groups of a slot
MOST_GROUPS = (1 << COUNT_BITS) - 1

# Test benches touch ports of the top level alone; everything else may be optimised. A bench whose
# widths are not those of the RTL does not build. Verilator suspects the name `interrupt` of a port.
_FLAGS = ("--no-public-flat-rw", "--public-depth", "1", "-Wno-SYMRSVDWORD", "--assert")


BENCH = Design(
    top="rtl_bench",
    sources=(*RTL, FOLDER / "rtl_bench.sv"),
    verilator_flags=_FLAGS,
    cxx_flags="-O1",
)
PLACEMENTS = Design(
    top="placement_bench",
    sources=(
        *PACKAGES,
        *(ROOT / "hls/rtl" / f"{name}.sv" for name in ("delay", "placer", "slot_order")),
        FOLDER / "placement_bench.sv",
    ),
    verilator_flags=_FLAGS,
    cxx_flags="-O0",
)
ENGINE_FULL = Design(
    top="matrix_engine",
    sources=RTL,
    parameters=FULL.parameters,
    verilator_flags=_FLAGS,
    cxx_flags="-O2",
)
_BANKS = (
    *PACKAGES[:2],
    *(ROOT / "hls/rtl" / f"{name}.sv" for name in ("activation_bank", "delay", "stream_fifo")),
    *sorted((ROOT / "hls/rtl/banks").glob("*.sv")),
    FOLDER / "bank_bench.sv",
)
BANKS_FULL = Design(
    top="bank_bench",
    sources=_BANKS,
    parameters=(("ACTIVATION_DEPTH", 512), ("PLACES", 16)),
    verilator_flags=_FLAGS,
    cxx_flags="-O0",
    name="banks_full",
)
# The least that every queue can be.
BANKS_LEAST = Design(
    top="bank_bench",
    sources=_BANKS,
    parameters=(
        *(p for p in SMALL.parameters if p[0] in ("TOKENS", "OUTPUTS", "DEPTH")),
        ("ACTIVATION_DEPTH", 512),
        ("PLACES", 2),
    ),
    verilator_flags=_FLAGS,
    cxx_flags="-O0",
    name="banks_least",
)
