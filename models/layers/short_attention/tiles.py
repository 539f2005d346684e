"""Pieces of a tile of scores that the forward and the backward kernel share (Triton).

Shape suffixes: I query rows of a tile, J key columns of a tile.
"""

import triton
import triton.language as tl


@triton.jit
def places_of(places, tokens, length, PREFIX: tl.constexpr, CHOSEN: tl.constexpr):
    """Return the place of each of ``tokens``, -1 for those without one.

    Args:
        places: int32 row of this image, where tokens are ``CHOSEN``; else the patches are all
            there, in their order, behind ``PREFIX`` tokens without a place.
        tokens: indices; those beyond ``length`` get a place that can be looked up.
        length: tokens present.
        PREFIX: tokens before the patch tokens.
        CHOSEN: whether ``places`` are read.
    """
    if CHOSEN:
        return tl.load(places + tokens, mask=tokens < length, other=0)
    return tl.where(tokens < length, tokens - PREFIX, 0)


@triton.jit
def query_numbers(places, SIDE: tl.constexpr):
    """Return the numbers of queries, from which those of keys are taken to look a bias up.

    A patch in row r and column c has the number r (2 SIDE - 1) + c, so that the table's entry of
    two patches is the difference of their numbers, but for a constant. Tokens without a place have
    numbers that lead to parts of the row of biases that hold one entry over and over: see
    ``bias_table.spread_kernel``. The constant is added here.
    """
    reach: tl.constexpr = (SIDE - 1) * 2 * SIDE  # largest number of a patch
    number = places // SIDE * (2 * SIDE - 1) + places % SIDE
    return tl.where(places < 0, 3 * reach + 1, number + reach)


@triton.jit
def key_numbers(places, SIDE: tl.constexpr):
    """Return the numbers of keys."""
    reach: tl.constexpr = (SIDE - 1) * 2 * SIDE
    number = places // SIDE * (2 * SIDE - 1) + places % SIDE
    return tl.where(places < 0, -2 * reach - 2, number)


@triton.jit
def slots_of(tokens, places, length, PREFIX: tl.constexpr, SIDE: tl.constexpr):
    """Return where the pairs of ``tokens`` are added up: a number of its own for each token.

    Tokens before the patches come first, then the patches by their places, then fused tokens, which
    are always the last ones. Where all patches are there these are the numbers of the tokens.
    """
    fused = PREFIX + SIDE * SIDE + length - 1 - tokens
    placeless = tl.where(tokens < PREFIX, tokens, fused)
    return tl.where(places < 0, placeless, PREFIX + places)
