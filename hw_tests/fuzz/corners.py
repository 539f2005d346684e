"""Cases that drawing would reach too seldom: the largest sizes and the largest sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from fuzz import patterns
from fuzz.builder import FuzzBuilder, Tensor
from fuzz.case import Case

from trivit.host.fixed_point import Int16
from trivit.host.generated import spec
from trivit.host.oracle.checks import mask_words

_ROWS, _WORDS = spec.MAX_TOKENS, spec.MAX_DEPTH_WORDS


def _most_rows(words: int) -> int:
    """Return the most rows for which tensors of ``words`` words in all fit into memory."""
    return min(_ROWS, spec.TILE_TOKENS * (spec.PROGRAM_DEPTH // words))


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
    return _finish(builder, _loaded(builder, _most_rows(_WORDS), _WORDS, "uniform_15", "last"))


def _multiply(
    builder: FuzzBuilder,
    flags: tuple[str, ...],
    source: Tensor,
    result: Tensor,
    weight: Callable[[], Int16],
    **changes: int,
) -> None:
    """Append a matmul from ``source`` to ``result``, with the constants of real models."""
    width = source.words * 8
    vectors = "normalise" in flags

    def fill(name: str, words: int) -> Int16:
        if name == "weight":
            return weight()
        return patterns.tensor(builder.rng, "uniform_15", 1, words * 8)[0]

    fields = {
        "residual": result.address,
        "index": 0,
        "rows": source.rows,
        "kept": result.rows,
        "bias_shift": 12,
        "residual_shift": 12,
        "out_shift": 14 + int(math.log2(width) / 2),
        "gelu_in_frac": 12,
        "gelu_out_frac": 12,
        "inv_width": round(2**32 / width),
        "sqrt_width": round(math.sqrt(width) * 2**16),
        "epsilon": round(1e-6 * width * 2 ** (2 * (11 + 8))),
        "beta_shift": 20,
        "norm_shift": 21,
        **({} if vectors else {"gamma": 0, "beta": 0}),
        **changes,
    }
    builder.operands(
        "matmul",
        flags,
        fill,
        dst=result.address,
        src=source.address,
        depth_words=source.words,
        out_words=result.words,
        **fields,
    )


def _random(builder: FuzzBuilder, source: Tensor, result: Tensor) -> Callable[[], Int16]:
    return partial(
        patterns.matrix, builder.rng, "uniform_15", "uniform_15", result.words, source.words
    )


def _result(builder: FuzzBuilder, rows: int, words: int, where: str = "last") -> Tensor:
    return builder.target(rows, words, where, border=False)


def _matmul(rows: int, depth: int, out: int, pattern: str, align: int, out_shift: int) -> Case:
    """A residual in place, GELU, and every term as large as the pattern makes it."""
    builder = _builder()
    source = _loaded(builder, rows, depth, pattern, "first")
    result = _loaded(builder, rows, out, pattern, "last")
    _multiply(
        builder,
        ("gelu", "residual"),
        source,
        result,
        lambda: patterns.matrix(builder.rng, pattern, pattern, out, depth),
        bias_shift=align,
        residual_shift=align,
        out_shift=out_shift,
    )
    return _finish(builder, result)


def _ties(rows: int, words: int) -> Case:
    """Sums half a step beside every limit, the ones that the clamp takes among them."""
    builder = _builder()
    source = _loaded(builder, rows, 1, "uniform_15", "first")
    result = _loaded(builder, rows, words, "limits", "last")
    _multiply(
        builder,
        ("residual",),
        source,
        result,
        lambda: patterns.matrix(builder.rng, "zero", "uniform_1", words, 1),
        bias_shift=0,
        residual_shift=1,
        out_shift=1,
    )
    return _finish(builder, result)


def _normalise(rows: int, words: int, pattern: str) -> Case:
    """Rows of a pattern, their statistics noted by a product with the identity."""
    builder = _builder()
    source = _loaded(builder, rows, words, pattern, "first")
    copied, result = _result(builder, rows, words), _result(builder, rows, 5)
    identity = patterns.identity(words)
    _multiply(builder, ("statistics",), source, copied, lambda: identity, out_shift=14)
    _multiply(builder, ("normalise",), copied, result, _random(builder, copied, result))
    builder.store(copied)
    return _finish(builder, result)


def _foreign(noted: int, words: int, pattern: str, used: str) -> Case:
    """A row normalised with the statistics of another one of ``noted`` words."""
    builder = _builder()
    other = _result(builder, 1, noted, "first")
    values = patterns.tensor(builder.rng, pattern, 1, noted * 8)
    builder.load(other, values, "statistics")
    source, result = _loaded(builder, 1, words, used, "first"), _result(builder, 1, 5)
    largest = ((1 << 32) + words * 8) // (words * 8)
    for changes in (
        {},
        {"inv_width": largest, "sqrt_width": 1 << 22, "epsilon": 1 << 56},
        {"inv_width": largest, "sqrt_width": 1 << 22, "epsilon": 0, "beta_shift": 30},
    ):
        weight = _random(builder, source, result)
        _multiply(builder, ("normalise",), source, result, weight, **changes)
        builder.store(result)
    return _finish(builder, other)


def _compact(rows: int, kept: int, out: int, pattern: str) -> Case:
    """Rows dropped over the residual in place; what is kept is normalised by the next product."""
    builder = _builder()
    source = _loaded(builder, rows, 2, "uniform_15", "first")
    index = _result(builder, 1, -(-kept // 8), "first")
    builder.load(index, patterns.indices(builder.rng, pattern, kept, rows))
    residual = _loaded(builder, rows, out, "uniform_15", "last")
    result = Tensor(address=residual.address, rows=kept, words=out)
    after = _result(builder, kept, 3)
    flags = ("gelu", "residual", "statistics", "compact")
    weight = _random(builder, source, result)
    _multiply(builder, flags, source, result, weight, index=index.address)
    _multiply(builder, ("normalise",), result, after, _random(builder, result, after))
    builder.store(after)
    return _finish(builder, residual)


def _widest_compact(rows: int) -> Case:
    """Two thirds of the widest rows that fit."""
    return _compact(rows, rows * 2 // 3, _WORDS, "spread")


def _chain(rows: int, *words: int) -> Case:
    """Products that feed each other without a gap; the last one ends the program."""
    builder = _builder()
    tensor = _loaded(builder, rows, words[0], "uniform_15", "first")
    for place, width in enumerate(words[1:]):
        result = _result(builder, rows, width)
        flags = ("normalise", "statistics") if place else ("statistics",)
        _multiply(builder, flags, tensor, result, _random(builder, tensor, result))
        tensor = result
    case = _finish(builder, tensor)
    last = builder.program[-2]
    return replace(case, program=np.vstack([case.program, last]))


def _attention(tokens: int, heads: int, head_words: int, pattern: str, shift: int) -> Case:
    """Masked attention, both selections from its head sums, and a product that drops rows."""
    builder = _builder()
    width = heads * head_words
    source = _loaded(builder, tokens, 3 * width, pattern, "first")
    mask = builder.target(tokens, mask_words(tokens), "within", border=False)
    values = patterns.mask(builder.rng, "some_rows_closed", tokens, mask.words)
    builder.load(mask, values)
    result = _result(builder, tokens, width)
    builder.operands(
        "attention",
        ("mask", "score_cls", "score_all", "bias"),
        lambda _, size: patterns.tensor(builder.rng, pattern, 1, size * 8).ravel(),
        bias_shift=max(0, shift),
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
    kept = _result(builder, 1, -(-tokens // 8), "first")
    opened = _result(builder, tokens, mask_words(tokens), "first")
    some = -(-tokens // 2)
    dropped = _result(builder, some, 1, "first")
    builder.add("select_tokens", dst=kept.address, tokens=tokens, keep=keep)
    builder.add(
        "select_connections",
        dst=opened.address,
        index=kept.address,
        tokens=tokens,
        rows=tokens,
        keep=max(1, keep // 2),
    )
    weight = _random(builder, result, dropped)
    _multiply(builder, ("statistics", "compact"), result, dropped, weight, index=kept.address)
    for tensor in (kept, opened, dropped):
        builder.store(tensor)
    return _finish(builder, result)


def _widest_attention(heads: int, head_words: int) -> Case:
    """Attention over as many tokens as fit: source, result, masks, indices and kept rows."""
    most = spec.MAX_CONNECTION_TOKENS
    words = 4 * heads * head_words + 2 * mask_words(most) + 30
    return _attention(min(most, _most_rows(words)), heads, head_words, "uniform_13", 15)


def _most_tokens(head_words: int, prob_frac: int) -> Case:
    """Attention over the most tokens, with sums of equal exponentials, and tokens chosen by it."""
    builder = _builder()
    source = _loaded(builder, _ROWS, 3 * head_words, "uniform_13", "first")
    result = _result(builder, _ROWS, head_words)
    builder.add(
        "attention",
        ("score_cls",),
        dst=result.address,
        src=source.address,
        mask=0,
        tokens=_ROWS,
        heads=1,
        head_words=head_words,
        score_shift=15,
        exp_multiplier=1 << 23,
        exp_shift=40 - prob_frac,
        prob_frac=prob_frac,
        out_shift=prob_frac,
        bias=0,
        bias_shift=0,
    )
    kept = _result(builder, 1, -(-(_ROWS - 1) // 8), "first")
    dropped = _result(builder, _ROWS - 1, 1, "first")
    builder.add("select_tokens", dst=kept.address, tokens=_ROWS, keep=_ROWS - 2)
    weight = _random(builder, result, dropped)
    _multiply(builder, ("statistics", "compact"), result, dropped, weight, index=kept.address)
    for tensor in (kept, dropped):
        builder.store(tensor)
    return _finish(builder, result)


def _connections(tokens: int, rows: int, pattern: str, live: str = "open") -> Case:
    """Connections among rows that an index tensor of a pattern names, with a product and without.

    The first of them is never compared, whichever row it is. Keys that are not live in the pattern
    of a mask never open; tokens are selected among them too.
    """
    builder = _builder()
    source = _loaded(builder, tokens, 3, "uniform_9", "first")
    context = _result(builder, tokens, 1)
    mask = builder.target(tokens, mask_words(tokens), "within", border=False)
    builder.load(mask, patterns.mask(builder.rng, live, tokens, mask.words))
    builder.add(
        "attention",
        ("mask", "score_all"),
        dst=context.address,
        src=source.address,
        mask=mask.address,
        tokens=tokens,
        heads=1,
        head_words=1,
        score_shift=6,
        exp_multiplier=1 << 23,
        exp_shift=14,
        prob_frac=15,
        out_shift=15,
        bias=0,
        bias_shift=0,
    )
    index = _result(builder, 1, -(-rows // 8), "first")
    builder.load(index, patterns.indices(builder.rng, pattern, rows, tokens))
    product = _result(builder, tokens, 2)
    kept = _result(builder, 1, -(-tokens // 8), "first")
    builder.add("select_tokens", dst=kept.address, tokens=tokens, keep=tokens - 1)
    results = [product, kept]
    for keep in (1, (rows - 1) // 2, rows - 1):
        opened = _result(builder, rows, mask_words(rows), "first")
        results.append(opened)
        fields = {"tokens": tokens, "rows": rows, "keep": max(1, keep)}
        builder.add("select_connections", (), dst=opened.address, index=index.address, **fields)
        if keep < rows - 1:
            weight = _random(builder, context, product)
            _multiply(builder, (), context, product, weight)
    for result in results:
        builder.store(result)
    return _finish(builder, context)


def _patchify(channels: int, patch: int, down: int, across: int) -> Case:
    """Patches, and products of them."""
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
    for rows in (result.rows, result.rows // 2):  # while the image comes, and afterwards
        embedded = _result(builder, rows, 5)
        source = Tensor(address=result.address, rows=rows, words=words)
        _multiply(builder, (), source, embedded, _random(builder, source, embedded))
        builder.store(embedded)
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


CORNERS: dict[str, Callable[[], Case]] = {
    "longest_program": _longest,
    "normalise_limits": partial(_normalise, 9, 3, "limits"),
    "normalise_equal": partial(_normalise, 9, 3, "smallest"),
    "normalise_smallest_of_616": partial(_normalise, 9, 77, "smallest"),
    "foreign_largest": partial(_foreign, _WORDS, 1, "smallest", "largest"),
    "foreign_smallest": partial(_foreign, 1, _WORDS, "zero", "smallest"),
    "foreign_negative": partial(_foreign, 1, _WORDS, "largest", "alternating"),
    "compact_nothing": partial(_compact, 27, 27, 9, "first"),
    "compact_all_but_one": partial(_compact, 27, 26, 9, "spread"),
    "compact_to_the_last": partial(_compact, 27, 1, 9, "last"),
    "compact_to_the_last_group": partial(_compact, _ROWS, 8, 1, "last"),
    "compact_one_group": partial(_compact, 8, 5, 5, "spread"),
    "chain_of_one_group": partial(_chain, 8, 1, 4, 1, 9, 2),
    "chain_of_three_groups": partial(_chain, 17, 2, 4, 1, 9, 2),
    "matmul_largest_sums": partial(_matmul, 9, _WORDS, 1, "smallest", spec.MAX_ALIGN_SHIFT, 30),
    "matmul_left_shift": partial(
        _matmul, 9, _WORDS, 1, "smallest", spec.MAX_ALIGN_SHIFT, spec.MIN_SHIFT
    ),
    "matmul_right_shift": partial(
        _matmul, 9, _WORDS, 1, "largest", spec.MAX_ALIGN_SHIFT, spec.MAX_SHIFT
    ),
    "matmul_deepest_sums": partial(_matmul, 9, _WORDS, 1, "smallest", 0, 27),
    "matmul_deepest_of_both_signs": partial(_matmul, 9, _WORDS, 1, "limits", 0, 25),
    "matmul_ties": partial(_ties, 17, 5),
    "attention_two_tokens": partial(_attention, 2, 1, 1, "uniform_13", 14),
    "attention_smallest": partial(_attention, 33, 2, spec.MAX_HEAD_WORDS, "smallest", 22),
    "attention_left_shift": partial(_attention, 9, 2, 2, "limits", spec.MIN_SHIFT),
    "attention_most_tokens": partial(_most_tokens, 1, 15),
    "attention_most_tokens_rounded": partial(_most_tokens, 1, 2),
    "connections_of_two_rows": partial(_connections, 7, 2, "last"),
    "connections_without_cls": partial(_connections, 33, 20, "last"),
    "connections_far_apart": partial(_connections, 100, 41, "spread"),
    "connections_few_live": partial(_connections, 100, 41, "spread", "few"),
    "connections_none_live": partial(_connections, 33, 20, "last", "closed"),
    "patchify_one_pixel": partial(_patchify, 1, 1, 1, 1),
    "patchify_row": partial(_patchify, 3, 1, 1, _ROWS - 1),
    "patchify_column": partial(_patchify, 3, 1, _ROWS - 1, 1),
    "patchify_many_channels": partial(_patchify, _WORDS * 8, 1, 2, 3),
    "patchify_large_patch": partial(_patchify, 1, 55, 2, 1),
}
LARGE: dict[str, Callable[[], Case]] = {
    "copy": _copy,
    "chain_widest": partial(_chain, _most_rows(_WORDS + 6), 1, _WORDS, 5),
    "matmul_deepest": partial(_matmul, _most_rows(_WORDS + 4), _WORDS, 4, "uniform_15", 12, 20),
    "matmul_widest": partial(_matmul, _most_rows(_WORDS + 1), 1, _WORDS, "uniform_15", 12, 17),
    "matmul_one_row": partial(_matmul, 1, 96, _WORDS, "uniform_15", 12, 19),
    "attention_most_heads": partial(_widest_attention, spec.MAX_HEADS, 8),
    "attention_widest_heads": partial(_widest_attention, 8, spec.MAX_HEAD_WORDS),
    "compact_widest": partial(_widest_compact, _most_rows(_WORDS + 9)),
    "patchify_imagenet": partial(_patchify, 3, 16, 14, 14),
}
