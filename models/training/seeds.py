"""Independent random streams derived from one seed.

Every epoch and every step seed their own streams, so that a resumed run draws what the
uninterrupted one drew without storing generator states.
"""

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for a purpose, ``("order", epoch)`` or ``("depth", epoch, step)``."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
