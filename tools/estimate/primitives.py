"""What multipliers, adders, shifters and memories cost on UltraScale+ (docs/resources.md).

Widths are bits of signed operands; an unsigned operand counts one bit more.
"""

from trivit.host.tiles import ceil_div

#: DSP48E2: a signed 27 x 18 bit multiplier. Of a wider operand, the part with the sign takes the
#: full width and every other part one bit less, because it is unsigned.
_DSP_WIDTHS = (27, 18)

# (depth, width) of a block: both ports read and write; or one port reads and the other writes.
_RAMB36_TRUE = ((32768, 1), (16384, 2), (8192, 4), (4096, 9), (2048, 18), (1024, 36))
_RAMB36_SIMPLE = (*_RAMB36_TRUE, (512, 72))
_RAMB18_TRUE = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18))
_RAMB18_SIMPLE = (*_RAMB18_TRUE, (512, 36))

# Eight LUTs of a SLICEM: 14 bits of 32 words or 7 bits of 64 words, one write and one read port.
_LUTRAM_LUTS = 8
_LUTRAM_SHALLOW = (32, 14)
_LUTRAM_DEEP = (64, 7)

#: Bits that a LUT holds as a ROM.
_ROM_BITS_PER_LUT = 64


def multiplier_dsps(first: int, second: int) -> int:
    """Return the DSP48E2s of a signed product of ``first`` x ``second`` bits.

    The operands are cut into pieces of 27 (then 26) and 18 (then 17) bits, whichever way round
    takes fewer blocks. The additions of partial products use the blocks' own adders.
    """
    wide, narrow = _DSP_WIDTHS

    def pieces(bits: int, width: int) -> int:
        return max(1, ceil_div(bits - 1, width - 1))

    return min(
        pieces(first, wide) * pieces(second, narrow),
        pieces(second, wide) * pieces(first, narrow),
    )


def multiplier_luts(first: int, second: int) -> int:
    """Return the LUTs of a product without DSP blocks: one for each product of two bits."""
    return first * second


def shifter_luts(bits: int, positions: int) -> int:
    """Return the LUTs of a barrel shifter: a LUT selects one of four, so two levels a stage."""
    levels = max(0, (positions - 1).bit_length())
    return bits * ceil_div(levels, 2)


def adder_luts(bits: int) -> int:
    """Return the LUTs of an adder, subtracter or comparator on the carry chain."""
    return bits


def mux_luts(bits: int, ways: int) -> int:
    """Return the LUTs of a selector of ``ways`` words: a LUT chooses one of four."""
    return bits * ceil_div(ways - 1, 3)


def bram36(depth: int, width: int, *, true_dual_port: bool) -> float:
    """Return the BRAM36 of one memory of ``depth`` words of ``width`` bits, in steps of one half.

    The cheapest grid of blocks of one shape. ``true_dual_port``: both ports read and write.
    """
    whole = _RAMB36_TRUE if true_dual_port else _RAMB36_SIMPLE
    half = _RAMB18_TRUE if true_dual_port else _RAMB18_SIMPLE

    def grid(shapes: tuple[tuple[int, int], ...]) -> int:
        return min(ceil_div(depth, deep) * ceil_div(width, wide) for deep, wide in shapes)

    return min(float(grid(whole)), grid(half) / 2)


def lutram_luts(depth: int, width: int) -> int:
    """Return the LUTs of a simple dual-port memory in distributed RAM."""
    deep, wide = _LUTRAM_SHALLOW if depth <= _LUTRAM_SHALLOW[0] else _LUTRAM_DEEP
    return _LUTRAM_LUTS * ceil_div(depth, deep) * ceil_div(width, wide)


def rom_luts(depth: int, width: int) -> int:
    """Return the LUTs of a ROM with one read port in fabric."""
    return width * ceil_div(depth, _ROM_BITS_PER_LUT)
