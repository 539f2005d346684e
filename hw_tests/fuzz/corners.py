"""Cases that drawing would reach too seldom: the largest sizes and the largest sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from fuzz import patterns
from fuzz.builder import FuzzBuilder, Tensor, groups
from fuzz.case import Case

from trivit.host.generated import spec
from trivit.host.oracle.checks import mask_words

_ROWS, _WORDS = spec.MAX_TOKENS, spec.MAX_DEPTH_WORDS


def _builder() -> FuzzBuilder:
    return FuzzBuilder(np.random.default_rng(5))


def _finish(builder: FuzzBuilder, result: Tensor) -> Case:
    builder.store(result)
    return builder.case(np.zeros((1, 0), dtype=np.int16))


def _loaded(builder: FuzzBuilder, rows: int, words: int, pattern: str, where: str) -> Tensor:
    tensor = builder.target(rows, words, where, border=False)
    builder.load(tensor, patterns.tensor(builder.rng, pattern, rows, words * 8))
    return tensor


def _copy() -> Case:
    """The largest tensor, ending with the last word of activation memory."""
    builder = _builder()
    return _finish(builder, _loaded(builder, _ROWS, _WORDS, "uniform_15", "last"))


def _layernorm(rows: int, words: int, pattern: str) -> Case:
    """In place, as wide as rows can be, with the epsilon of real models."""
    builder = _builder()
    tensor = _loaded(builder, rows, words, pattern, "last")
    width = words * 8
    builder.operands(
        "layernorm",
        (),
        lambda _, count: patterns.tensor(builder.rng, "uniform_15", 1, count * 8)[0],
        dst=tensor.address,
        src=tensor.address,
        rows=rows,
        words=words,
        inv_width=round(2**32 / width),
        sqrt_width=round(math.sqrt(width) * 2**16),
        epsilon=round(1e-6 * width * 2 ** (2 * (11 + 8))),
        beta_shift=20,
        out_shift=21,
    )
    return _finish(builder, tensor)


def _matmul(rows: int, depth: int, out: int, pattern: str, align: int, out_shift: int) -> Case:
    """A residual in place, GELU, and every term as large as the pattern makes it."""
    builder = _builder()
    source = _loaded(builder, rows, depth, pattern, "first")
    result = _loaded(builder, rows, out, pattern, "last")
    builder.operands(
        "matmul",
        ("gelu", "residual"),
        lambda *_: patterns.matrix(builder.rng, pattern, pattern, out, depth),
        dst=result.address,
        src=source.address,
        residual=result.address,
        rows=rows,
        depth_words=depth,
        out_words=out,
        bias_shift=align,
        residual_shift=align,
        out_shift=out_shift,
        gelu_in_frac=12,
        gelu_out_frac=12,
    )
    return _finish(builder, result)


def _attention(tokens: int, heads: int, head_words: int, pattern: str, shift: int) -> Case:
    """Masked attention, then both selections from its head sums."""
    builder = _builder()
    width = heads * head_words
    source = _loaded(builder, tokens, 3 * width, pattern, "first")
    mask = builder.target(tokens, mask_words(tokens), "within", border=False)
    values = patterns.mask(builder.rng, "some_rows_closed", tokens, mask.words)
    builder.load(mask, values)
    result = builder.target(tokens, width, "last", border=False)
    builder.add(
        "attention",
        ("mask", "score_cls", "score_all"),
        dst=result.address,
        src=source.address,
        mask=mask.address,
        tokens=tokens,
        heads=heads,
        head_words=head_words,
        score_shift=shift,
        exp_multiplier=(1 << 24) - 1,
        exp_shift=16,
        prob_frac=15,
        out_shift=15,
    )
    keep = tokens - 1
    kept = builder.target(1, -(-tokens // 8), "first", border=False)
    builder.add("select_tokens", dst=kept.address, tokens=tokens, keep=keep)
    builder.store(kept)
    opened = builder.target(tokens, mask_words(tokens), "first", border=False)
    builder.add(
        "select_connections",
        dst=opened.address,
        index=kept.address,
        tokens=tokens,
        rows=tokens,
        keep=max(1, keep // 2),
    )
    builder.store(opened)
    return _finish(builder, result)


def _gather(words: int, pattern: str) -> Case:
    builder = _builder()
    source = _loaded(builder, _ROWS, words, "uniform_15", "first")
    index = builder.target(1, _ROWS // 8, "first", border=False)
    builder.load(index, patterns.indices(builder.rng, pattern, _ROWS, _ROWS, None))
    result = builder.target(_ROWS, words, "last", border=False)
    builder.add(
        "gather",
        dst=result.address,
        src=source.address,
        index=index.address,
        src_rows=_ROWS,
        rows=_ROWS,
        words=words,
    )
    return _finish(builder, result)


def _patchify(channels: int, patch: int, down: int, across: int) -> Case:
    builder = _builder()
    words = -(-channels * patch**2 // 8)
    result = builder.target(1 + down * across, words, "last", border=False)
    builder.add(
        "patchify",
        dst=result.address,
        source=0,
        channels=channels,
        height=down * patch,
        width=across * patch,
        patch=patch,
    )
    builder.store(result)
    pixels = -(-channels * down * across * patch**2 // 8)
    return builder.case(patterns.tensor(builder.rng, "uniform_15", 2, pixels * 8))


def _longest() -> Case:
    """As many instructions as a program may have."""
    builder = _builder()
    tensor = builder.target(1, 1, "last", border=False)
    for _ in range(spec.MAX_INSTRUCTIONS // 2):
        builder.load(tensor, patterns.tensor(builder.rng, "uniform_15", 1, 8))
        builder.store(tensor)
    return builder.case(np.zeros((2, 0), dtype=np.int16))


#: How many words a gather of all rows may have for source and result to fit.
_GATHERED = (spec.ACTIVATION_DEPTH - _ROWS) // (2 * groups(_ROWS))

CORNERS: dict[str, Callable[[], Case]] = {
    "longest_program": _longest,
    "layernorm_limits": partial(_layernorm, 9, 3, "limits"),
    "layernorm_equal": partial(_layernorm, 9, 3, "smallest"),
    "matmul_largest_sums": partial(_matmul, 9, _WORDS, 1, "smallest", spec.MAX_ALIGN_SHIFT, 30),
    "matmul_left_shift": partial(
        _matmul, 9, _WORDS, 1, "smallest", spec.MAX_ALIGN_SHIFT, spec.MIN_SHIFT
    ),
    "matmul_right_shift": partial(
        _matmul, 9, _WORDS, 1, "largest", spec.MAX_ALIGN_SHIFT, spec.MAX_SHIFT
    ),
    "attention_two_tokens": partial(_attention, 2, 1, 1, "uniform_13", 14),
    "attention_smallest": partial(_attention, 33, 2, spec.MAX_HEAD_WORDS, "smallest", 22),
    "attention_left_shift": partial(_attention, 9, 2, 2, "limits", spec.MIN_SHIFT),
    "patchify_one_pixel": partial(_patchify, 1, 1, 1, 1),
    "patchify_row": partial(_patchify, 3, 1, 1, _ROWS - 1),
    "patchify_column": partial(_patchify, 3, 1, _ROWS - 1, 1),
    "patchify_many_channels": partial(_patchify, _WORDS * 8, 1, 2, 3),
    "patchify_large_patch": partial(_patchify, 1, 55, 2, 1),
}
LARGE: dict[str, Callable[[], Case]] = {
    "copy": _copy,
    "layernorm_largest": partial(_layernorm, _ROWS, _WORDS, "uniform_15"),
    "matmul_deepest": partial(_matmul, _ROWS, _WORDS, 4, "uniform_15", 12, 20),
    "matmul_widest": partial(_matmul, _ROWS, 1, _WORDS, "uniform_15", 12, 17),
    "matmul_one_row": partial(_matmul, 1, 96, _WORDS, "uniform_15", 12, 19),
    "attention_most_heads": partial(_attention, _ROWS, spec.MAX_HEADS, 8, "uniform_13", 15),
    "attention_widest_heads": partial(_attention, _ROWS, 8, spec.MAX_HEAD_WORDS, "uniform_13", 15),
    "gather_widest": partial(_gather, _GATHERED, "random"),
    "gather_ascending": partial(_gather, _GATHERED, "ascending"),
    "patchify_imagenet": partial(_patchify, 3, 16, 14, 14),
}
