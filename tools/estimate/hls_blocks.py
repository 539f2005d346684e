"""What the HLS blocks take, from what hls/include/trivit/blocks/README.md states of each.

Products and block RAM are counted from the C++; LUTs add up the lanes' adders, shifters, selectors
and the memories in LUTs, and are the least certain figures of all: no tool has counted them.
"""

from collections.abc import Callable

from trivit.tools.estimate.part import Resources
from trivit.tools.estimate.primitives import (
    adder_luts,
    bram36,
    lutram_luts,
    multiplier_dsps,
    multiplier_luts,
    mux_luts,
    rom_luts,
    shifter_luts,
)

#: Pipeline registers for each LUT of arithmetic: a register behind every second or third level.
FF_PER_LUT = 1.2
_LANES = 16  # eight elements of two rows
_STREAM_PLACES = 4  # a stream between blocks: shift registers of a LUT a bit


def _block(products: dict[tuple[int, int], int], bram36: float, luts: int) -> Resources:
    dsp = sum(count * multiplier_dsps(*bits) for bits, count in products.items())
    return Resources(dsp=dsp, bram36=bram36, lut=luts, ff=round(FF_PER_LUT * luts))


def _rounding(bits: int) -> int:
    """LUTs of a rounding shift to 16 bits with ties to even, clamp and count."""
    return shifter_luts(bits, 32) + adder_luts(bits) + 2 * 16 + bits // 6


def _stream(bits: int) -> int:
    return bits + 8 * _STREAM_PLACES


def gelu() -> Resources:
    """32 lanes; two share a table."""
    lane = 2 * adder_luts(16) + shifter_luts(16, 16) + _rounding(24)
    return _block({(14, 9): 32}, 16, 32 * lane + 2 * _stream(512))


def softmax() -> Resources:
    """Peaks of 32 keys, exponentials and probabilities of eight keys of two rows."""
    peaks = 32 * 16 + 31 * (adder_luts(16) + mux_luts(16, 2))
    exponential = adder_luts(17) + 2 * shifter_luts(24, 64) + 2 * adder_luts(24)
    probability = shifter_luts(50, 64) + _rounding(34)
    tables = 8 * 2 * rom_luts(256, 32)
    scores = 2 * lutram_luts(128, 544)
    lanes = _LANES * (exponential + probability)
    products = {(16, 24): 16, (14, 12): 16, (25, 25): 16, (16, 15): 2}
    return _block(products, 6, peaks + lanes + tables + scores + _stream(512) + _stream(400))


def normalise() -> Resources:
    """Sums, the scale of a row, and eight elements of two rows."""
    sums = 2 * (8 * adder_luts(32) + 8 * adder_luts(16) + 2 * adder_luts(44))
    lane = adder_luts(25) + _rounding(56) + adder_luts(43) + _rounding(43)
    scale = 2 * shifter_luts(57, 64) + 6 * adder_luts(48) + rom_luts(1024, 32)
    products = {(16, 16): 16, (25, 31): 16, (27, 16): 16}
    products |= {(28, 31): 1, (13, 25): 1, (25, 39): 1, (14, 13): 1, (26, 24): 1}
    return _block(products, 20, sums + _LANES * lane + scale + 2 * _stream(256))


def select() -> Resources:
    """Eight tokens a clock against three thresholds, counts, and the crossbar of the list."""
    compare = 8 * 3 * adder_luts(20) + 3 * 8 * 4
    crossbar = 8 * mux_luts(8, 8) + 8 * adder_luts(8)
    memories = 3 * lutram_luts(80, 160)
    return _block({}, 0, compare + crossbar + memories + 8 * adder_luts(20) + 2 * _stream(128))


def connections() -> Resources:
    """Sums of eight keys of two rows; sixteen keys a clock against three thresholds, four rows."""
    sums = _LANES * (adder_luts(20) + mux_luts(21, 2))
    compare = 3 * 16 * adder_luts(20) + 3 * 16 * 4 + 4 * 3 * adder_luts(20)
    memories = 2 * lutram_luts(64, 352) + lutram_luts(64, 32)
    blocks = bram36(3328, 336, true_dual_port=False) + bram36(1664, 32, true_dual_port=False)
    # Probabilities with their marks, the tokens that stay, open keys, between its three processes.
    streams = _stream(272) + _stream(8) + _stream(32) + _stream(352) + _stream(32)
    return _block({}, blocks, sums + compare + memories + streams)


def gelu_backward() -> Resources:
    """16 lanes; two share a table."""
    lane = 2 * adder_luts(30) + shifter_luts(16, 16) + _rounding(34)
    return _block({(14, 9): 16, (16, 18): 16}, 8, 16 * lane + 3 * _stream(512))


def softmax_backward() -> Resources:
    """Eight keys of a row: their part of the row's sum, and their gradients."""
    sums = 8 * adder_luts(34) + 2 * 512
    lane = shifter_luts(16, 16) + adder_luts(33) + _rounding(64)
    products = {(16, 16): 8, (16, 33): 8, (48, 17): 8}
    return _block(products, 8, sums + 8 * lane + 3 * _stream(512) + _stream(34))


def normalise_backward() -> Resources:
    """Sums of x, the scale of a row, and twice four elements of a row."""
    statistics = 8 * adder_luts(32) + 8 * adder_luts(16) + 2 * adder_luts(44)
    scale = 2 * shifter_luts(57, 64) + 6 * adder_luts(48) + rom_luts(1024, 32)
    sums = adder_luts(25) + _rounding(56) + adder_luts(44) + 2 * adder_luts(50)
    rows = 3 * adder_luts(48) + 2 * _rounding(69) + shifter_luts(16, 64) + _rounding(49)
    columns = 8 * (adder_luts(44) + _rounding(44))
    products = {(16, 16): 12, (25, 31): 4, (32, 18): 4, (16, 18): 4, (18, 44): 4, (48, 21): 4}
    products |= {(28, 31): 1, (13, 25): 1, (25, 39): 1, (14, 13): 1, (26, 24): 1}
    products |= {(42, 31): 1, (49, 31): 1}
    return _block(products, 59, statistics + scale + 4 * (sums + rows) + columns + 3 * _stream(256))


def sequencer() -> Resources:
    """Twelve addresses, and a stream of commands for each of the units."""
    return _block({}, 0, 12 * adder_luts(36) + 12 * _stream(256) + 12 * _stream(88))


def _hash() -> int:
    """LUTs of a hash of 32 bits: three sums of three, three exclusive ors, the key."""
    return 3 * adder_luts(32) + 3 * 32 + adder_luts(32)


def _dithered(bits: int) -> int:
    """LUTs of stochastic rounding: values at 32 bits below the unit, noise in line with them."""
    return shifter_luts(bits + 32, 128) + shifter_luts(32, 32) + adder_luts(bits + 32)


def update() -> Resources:
    """Two elements a clock in each of four ports, and planes that wait in LUTs."""
    gradient = shifter_luts(58, 64) + adder_luts(58)
    decay = shifter_luts(56, 64) + adder_luts(56)
    momentum = 2 * adder_luts(60) + 2 * 16
    weight = _dithered(41) + adder_luts(42) + 3 * 33
    # Momentum, clipped gradient, the lower half of the decay, the square of the gradient.
    products = 2 * multiplier_luts(16, 18) + multiplier_luts(17, 17) + multiplier_luts(16, 16)
    lane = 2 * _hash() + gradient + decay + momentum + weight + 4 * adder_luts(16) + products
    place = 6 * adder_luts(32) + 6 * adder_luts(9)
    counts = 2 * adder_luts(132)
    planes = 7 * lutram_luts(64, 128)
    port = 2 * lane + place + counts + planes + _stream(256) + 2 * _stream(45) + _stream(312)
    return _block({(16, 17): 8, (16, 25): 8}, 0, 4 * port + 2 * _stream(256))


def update_adamw() -> Resources:
    """In the place of `update`: an element a clock in each of four ports, a root for each."""
    mean = shifter_luts(59, 64) + adder_luts(59) + 2 * adder_luts(61) + 2 * 16
    second = shifter_luts(111, 128) + 2 * adder_luts(111) + 2 * adder_luts(59)
    root = 2 * shifter_luts(41, 64) + 2 * adder_luts(41) + adder_luts(37)
    direction = shifter_luts(84, 128) + 3 * adder_luts(84)
    weight = shifter_luts(48, 64) + adder_luts(48) + _dithered(62) + adder_luts(64) + 3 * 33
    products = 3 * multiplier_luts(17, 18) + 2 * multiplier_luts(17, 17) + multiplier_luts(16, 16)
    lane = 3 * _hash() + products + mean + second + root + direction + weight + 6 * adder_luts(16)
    place = 6 * adder_luts(32) + 6 * adder_luts(9)
    counts = 2 * adder_luts(172)
    planes = 11 * lutram_luts(64, 128)
    port = lane + place + counts + planes + _stream(256) + 2 * _stream(45) + _stream(416) + 256
    # The upper half of the decay; of the second moment two; root and correction; the step.
    dsps = {(16, 17): 4, (32, 25): 8, (14, 13): 4, (16, 26): 4, (41, 17): 4, (37, 25): 4}
    tables = 4 * bram36(3073, 25, true_dual_port=True)
    return _block(dsps, tables, 4 * port + 2 * _stream(256))


def cross_entropy() -> Resources:
    """A value a clock, three times; the reciprocal's product is made of LUTs."""
    power = adder_luts(17) + shifter_luts(40, 64) + shifter_luts(25, 32) + 2 * adder_luts(36)
    reciprocal = shifter_luts(37, 16) + multiplier_luts(17, 16) + adder_luts(40)
    gradient = shifter_luts(16, 16) + _rounding(64) + adder_luts(64) + shifter_luts(64, 64)
    tables = rom_luts(256, 35) + 2 * rom_luts(512, 25)
    rows = 3 * mux_luts(512, 2) + 2 * adder_luts(37)
    values = 2 * bram36(8192, 16, true_dual_port=False) + bram36(8192, 25, true_dual_port=False)
    products = {(17, 25): 1, (14, 13): 1, (25, 25): 1}
    luts = power + reciprocal + gradient + tables + rows + 3 * _stream(512) + 2 * _stream(256)
    return _block(products, values, luts)


BLOCKS: dict[str, Callable[[], Resources]] = {
    "gelu": gelu,
    "softmax": softmax,
    "normalise": normalise,
    "select": select,
    "connections": connections,
    "sequencer": sequencer,
}

#: Besides, of a design that trains; one of the updates.
TRAINING_BLOCKS: dict[str, Callable[[], Resources]] = {
    "gelu_backward": gelu_backward,
    "softmax_backward": softmax_backward,
    "normalise_backward": normalise_backward,
    "cross_entropy": cross_entropy,
    "update": update,
    "update_adamw": update_adamw,
}
