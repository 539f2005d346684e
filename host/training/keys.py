"""The key of a step: seed and step number through a hash of 64 bits (splitmix64)."""

_WORD = (1 << 64) - 1


def step_key(seed: int, step: int) -> int:
    """Return the 32 bits from which the device derives its random bits in step ``step``."""
    value = (seed * 0xD1342543DE82EF95 + step * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _WORD
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _WORD
    return (value ^ (value >> 31)) >> 32
