"""Arithmetic of the kernel by unit: multipliers, shifters, adders and selectors by width.

Widths are those that the values need (docs/numerics.md), operands signed; ``hls`` must tell the
synthesis tool about them where its types are wider (docs/resources.md, What is assumed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trivit.tools.estimate import primitives
from trivit.tools.kernel.description import KernelDescription

ELEMENT = 16
ACCUMULATOR = 48
_WORD = 128

# Shift distances of docs/numerics.md.
_RIGHT_SHIFTS = 61  # 0..60
_LEFT_SHIFTS = 17  # 0..16
_ALIGN_SHIFTS = 31  # 0..30
_GAIN_SHIFTS = 32  # 2..33

_ADDRESS = 14
_INDEX = 32


@dataclass(frozen=True, kw_only=True)
class Operators:
    """``count`` equal pieces of arithmetic: DSP48E2s and LUTs of each."""

    unit: str
    name: str
    count: int
    dsp: int = 0
    lut: int = 0

    @property
    def total_dsp(self) -> int:
        """DSP48E2s of all of them."""
        return self.count * self.dsp

    @property
    def total_lut(self) -> int:
        """LUTs of all of them."""
        return self.count * self.lut


def kernel_operators(kernel: KernelDescription) -> tuple[Operators, ...]:
    """Return the arithmetic of a kernel."""
    return (
        *_array(kernel),
        *_epilogue(kernel),
        *_normalise(kernel),
        *_attention(kernel),
        *_softmax(kernel),
        *_selection(kernel),
        *_movement(kernel),
        *_control(),
    )


def _multiply(unit: str, name: str, count: int, first: int, second: int) -> Operators:
    dsps = primitives.multiplier_dsps(first, second)
    return Operators(unit=unit, name=f"{name} {first} x {second}", count=count, dsp=dsps)


def requantize_luts(bits: int) -> int:
    """Return the LUTs of one rounding lane: shift right or left, round half to even, clamp."""
    shifters = primitives.shifter_luts(bits, _RIGHT_SHIFTS) + primitives.shifter_luts(
        bits, _LEFT_SHIFTS
    )
    parity = primitives.mux_luts(1, _RIGHT_SHIFTS)
    clamp = ELEMENT + primitives.adder_luts(bits) // 4
    return shifters + parity + primitives.adder_luts(bits) + clamp


def _array(kernel: KernelDescription) -> Iterator[Operators]:
    tokens, outputs, depth = (kernel.geometry[k] for k in ("tokens", "outputs", "depth"))
    # Eight products are summed along the cascade of their DSPs and accumulated in the last one.
    yield _multiply("array", "products", tokens * outputs * depth, ELEMENT, ELEMENT)
    yield Operators(
        unit="array",
        name="operand select",
        count=tokens,
        lut=primitives.mux_luts(_WORD, 2),
    )


def _epilogue(kernel: KernelDescription) -> Iterator[Operators]:
    banks = kernel.geometry["tokens"]
    rows = kernel.timing["rounding_rows"]
    lanes = rows * kernel.geometry["depth"]
    # A lane takes the words of a tile in the rows that share it.
    tile_words = kernel.geometry["outputs"] // kernel.geometry["depth"] * (banks // rows)
    align = primitives.shifter_luts(ACCUMULATOR, _ALIGN_SHIFTS)
    yield Operators(
        unit="epilogue",
        name="select, bias, residual",
        count=lanes,
        lut=primitives.mux_luts(ACCUMULATOR, tile_words)
        + align
        + 2 * primitives.adder_luts(ACCUMULATOR),
    )
    yield Operators(unit="epilogue", name="bias align", count=kernel.geometry["depth"], lut=align)
    yield Operators(unit="epilogue", name="rounding", count=lanes, lut=requantize_luts(ACCUMULATOR))
    yield _multiply("epilogue", "squares", lanes, ELEMENT, ELEMENT)
    yield Operators(
        unit="epilogue",
        name="row statistics",
        count=lanes,
        lut=primitives.adder_luts(19) + primitives.adder_luts(35),
    )
    yield Operators(
        unit="epilogue",
        name="compaction crossbar",
        count=banks,
        lut=primitives.mux_luts(_WORD, banks),
    )
    # The step between table entries times the remainder: small enough for fabric.
    yield Operators(
        unit="epilogue",
        name="GELU interpolation in LUTs 15 x 9",
        count=lanes,
        lut=primitives.multiplier_luts(15, 9) + 2 * primitives.adder_luts(28),
    )
    yield Operators(
        unit="epilogue",
        name="GELU rounding",
        count=lanes,
        lut=primitives.shifter_luts(45, 16) + requantize_luts(45),
    )


def _normalise(kernel: KernelDescription) -> Iterator[Operators]:
    """Layer normalisation: a scale unit for one row per cycle, 64 lanes in front of the array."""
    lanes = kernel.geometry["tokens"] * kernel.geometry["depth"]
    unit = "normalise"
    yield _multiply(unit, "centred by gain", lanes, 25, 30)
    yield _multiply(unit, "normal by gamma", lanes, 27, ELEMENT)
    yield _multiply(unit, "sum by inverse width", 1, 28, 31)
    yield _multiply(unit, "width by mean", 1, 13, 25)
    yield _multiply(unit, "mean by slope", 1, 25, 38)
    yield _multiply(unit, "root interpolation", 1, 15, 13)
    yield _multiply(unit, "root scale", 1, 26, 24)
    yield Operators(unit=unit, name="centre", count=lanes, lut=primitives.adder_luts(25))
    yield Operators(
        unit=unit,
        name="gain rounding",
        count=lanes,
        lut=primitives.shifter_luts(55, _GAIN_SHIFTS)
        + primitives.mux_luts(1, _GAIN_SHIFTS)
        + primitives.adder_luts(55)
        + primitives.adder_luts(27),
    )
    yield Operators(
        unit=unit,
        name="beta, rounding",
        count=lanes,
        lut=primitives.adder_luts(ACCUMULATOR) + requantize_luts(ACCUMULATOR),
    )
    yield Operators(
        unit=unit,
        name="beta align",
        count=kernel.geometry["depth"],
        lut=primitives.shifter_luts(46, _ALIGN_SHIFTS),
    )
    yield Operators(
        unit=unit,
        name="power, root normalise",
        count=1,
        lut=3 * primitives.adder_luts(62) + primitives.shifter_luts(62, 62) + 64,
    )


def _attention(kernel: KernelDescription) -> Iterator[Operators]:
    banks, rows = kernel.geometry["tokens"], kernel.timing["rounding_rows"]
    lanes = rows * kernel.geometry["depth"]
    tile_words = kernel.geometry["outputs"] // kernel.geometry["depth"] * (banks // rows)
    select = primitives.mux_luts(ACCUMULATOR, tile_words)
    yield Operators(
        unit="attention",
        name="score rounding and maximum",
        count=lanes,
        lut=select + requantize_luts(ACCUMULATOR) + 2 * primitives.adder_luts(ELEMENT),
    )
    yield Operators(
        unit="attention",
        name="context rounding",
        count=lanes,
        lut=select + requantize_luts(ACCUMULATOR),
    )


def _softmax(kernel: KernelDescription) -> Iterator[Operators]:
    rows = kernel.timing["softmax_rows"]
    lanes = rows * kernel.geometry["depth"]
    unit = "softmax"
    yield _multiply(unit, "exponent", lanes, 18, 25)
    yield _multiply(unit, "exponential interpolation", lanes, 16, 13)
    yield _multiply(unit, "probability", lanes, 26, 26)
    yield _multiply(unit, "reciprocal interpolation", rows, 17, 16)
    yield Operators(
        unit=unit,
        name="exponential",
        count=lanes,
        lut=primitives.adder_luts(17)
        + primitives.shifter_luts(42, 41)
        + primitives.adder_luts(36)
        + primitives.shifter_luts(25, 25)
        + primitives.adder_luts(32),
    )
    yield Operators(
        unit=unit,
        name="probability rounding and head sums",
        count=lanes,
        lut=requantize_luts(51) + primitives.adder_luts(32),
    )
    yield Operators(
        unit=unit, name="reciprocal normalise", count=rows, lut=primitives.shifter_luts(40, 9) + 40
    )


def _selection(kernel: KernelDescription) -> Iterator[Operators]:
    lanes, banks = kernel.timing["select_lanes"], kernel.geometry["tokens"]
    elements = kernel.geometry["depth"]
    candidates = (1 << kernel.timing["select_digit"]) - 1
    bits = kernel.limits["score_bits"] + 1
    yield Operators(
        unit="selection",
        name="compare and count",
        count=lanes,
        # A comparator and a place in the count for each candidate, and one more for the ties.
        lut=(candidates + 1) * (primitives.adder_luts(bits) + 4) + primitives.mux_luts(bits, banks),
    )
    # Eight scores of which some move up, then to any lane of the search word.
    yield Operators(
        unit="selection",
        name="score compaction",
        count=elements,
        lut=primitives.mux_luts(bits, elements),
    )
    yield Operators(
        unit="selection",
        name="score rotation",
        count=lanes,
        lut=primitives.mux_luts(bits, elements),
    )
    yield Operators(
        unit="selection", name="index list", count=elements, lut=primitives.mux_luts(16, elements)
    )


def _movement(kernel: KernelDescription) -> Iterator[Operators]:
    """Selectors in front of the memories: who writes, and which bank a row comes from."""
    banks, outputs, lanes = (kernel.geometry[k] for k in ("tokens", "outputs", "depth"))
    ports = kernel.limits["param_ports"]
    yield Operators(
        unit="activations",
        name="write select",
        count=banks,
        lut=primitives.mux_luts(_WORD, 8) + primitives.mux_luts(_ADDRESS, 8),
    )
    yield Operators(
        unit="activations",
        name="read addresses",
        count=banks,
        lut=2 * primitives.mux_luts(_ADDRESS, 8),
    )
    yield Operators(
        unit="weights", name="write select", count=outputs, lut=primitives.mux_luts(_WORD, 3)
    )
    # Lines of any port, rotated over patch columns and lanes.
    yield Operators(
        unit="patches",
        name="line crossbar",
        count=banks,
        lut=primitives.mux_luts(_WORD, ports) + 2 * primitives.mux_luts(_WORD, lanes),
    )
    yield Operators(
        unit="patches", name="line fill", count=ports, lut=primitives.mux_luts(_WORD, lanes) + 200
    )
    yield Operators(unit="ports", name="AXI4 adapter", count=len(kernel.ports), lut=900)


def _control() -> Iterator[Operators]:
    """Fetching, checking and dispatching; products of sizes and addresses."""
    yield _multiply("control", "sizes (checks, one at a time)", 2, 33, 33)
    yield _multiply("control", "addresses", 12, _ADDRESS, _ADDRESS)
    yield Operators(unit="control", name="checks and loop counters", count=1, lut=9000)
