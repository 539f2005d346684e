"""The case that every other case starts from: it fills all memories that the contract defines."""

from __future__ import annotations

import numpy as np
from fuzz.case import Case
from programs import Builder

from trivit.host.generated import spec


def warm_up() -> Case:
    """Return a program that leaves random values in activation, statistics and score memory.

    So a kernel that reads what it should not, or clears what it should leave, differs from the
    oracle, which starts from the same values.
    """
    builder = Builder(np.random.default_rng(1))
    builder.address = spec.PROGRAM_DEPTH // 2

    def load(dst: int, rows: int, words: int) -> None:
        block = builder.rng.integers(-(1 << 15), 1 << 15, rows * words * spec.TILE_DEPTH)
        builder.add("load", dst=dst, source=builder.constants(block), rows=rows, words=words)

    load(0, spec.MAX_TOKENS, 3)
    builder.linear("noted", 0, spec.MAX_TOKENS, 3, 4, statistics=True)
    for flag, tokens in (("score_cls", spec.MAX_TOKENS), ("score_all", spec.MAX_CONNECTION_TOKENS)):
        builder.add(
            "attention",
            (flag,),
            dst=spec.PROGRAM_DEPTH // 2,
            src=0,
            mask=0,
            tokens=tokens,
            heads=1,
            head_words=1,
            score_shift=12,
            exp_multiplier=1 << 23,
            exp_shift=15,
            prob_frac=15,
            out_shift=14,
            bias=0,
            bias_shift=0,
        )
    address, groups = 0, spec.MAX_TOKENS // spec.TILE_TOKENS
    while left := spec.PROGRAM_DEPTH - address:
        words = min(spec.MAX_DEPTH_WORDS, left // groups)
        rows = spec.MAX_TOKENS if words else left * spec.TILE_TOKENS
        load(address, rows, max(words, 1))
        address += -(-rows // spec.TILE_TOKENS) * max(words, 1)
    return Case(
        program=np.stack(builder.program),
        params=np.concatenate(builder.params),
        inputs=np.zeros((1, 0), dtype=np.int16),
        output_words=0,
    )
