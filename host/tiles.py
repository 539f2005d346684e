"""How many tiles, words and row groups cover a tensor (docs/numerics.md, Activation memory)."""

from trivit.host.generated.spec import TILE_DEPTH, TILE_TOKENS


def ceil_div(value: int, divisor: int) -> int:
    """Return ``value / divisor`` rounded up."""
    return -(-value // divisor)


def row_groups(rows: int) -> int:
    """Return the row groups of a tensor: one row in each bank."""
    return ceil_div(rows, TILE_TOKENS)


def depth_words(columns: int) -> int:
    """Return the memory words of a row of ``columns`` int16 elements."""
    return ceil_div(columns, TILE_DEPTH)
