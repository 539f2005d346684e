"""Hypothesis strategies for programs: every opcode, flag, size, shift, place and value range."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from fuzz import patterns
from fuzz.builder import FuzzBuilder, Target, Tensor, groups
from fuzz.case import Case
from hypothesis import strategies as st

from trivit.host.generated import spec
from trivit.host.oracle.checks import mask_words

#: Depth words of the largest drawn tensor: five of them fit activation memory.
VOLUME = min(2500, spec.PROGRAM_DEPTH // 6)
#: Products of the largest drawn instruction, which keeps a case to some tens of milliseconds.
PRODUCTS = 2_000_000

_PLACES = st.sampled_from(["first", "last", "within"])
_PATTERNS = st.sampled_from(sorted(patterns.PATTERNS))
_WORD32 = st.one_of(st.sampled_from([0, 1, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1))


def _near(*values: int, low: int = 1, high: int) -> st.SearchStrategy[int]:
    """Draw numbers around ``values``, small ones, and any in low..high."""
    around = sorted({v + d for v in values for d in (-1, 0, 1) if low <= v + d <= high})
    return st.one_of(
        st.sampled_from([low, *around, high]),
        st.integers(low, min(high, low + 12)),
        st.integers(low, high),
    )


def _sizes(high: int) -> st.SearchStrategy[int]:
    return _near(8, 16, 32, 64, 128, spec.MAX_CONNECTION_TOKENS, high=high)


_SHIFTS = st.one_of(
    st.sampled_from([spec.MIN_SHIFT, -1, 0, 1, spec.MAX_SHIFT - 1, spec.MAX_SHIFT]),
    st.integers(spec.MIN_SHIFT, spec.MAX_SHIFT),
)
_ALIGN = st.one_of(
    st.sampled_from([0, 1, spec.MAX_ALIGN_SHIFT - 1, spec.MAX_ALIGN_SHIFT]),
    st.integers(0, spec.MAX_ALIGN_SHIFT),
)


@dataclass
class Drawing:
    """A program in the making: what it holds and what later instructions may use."""

    draw: st.DrawFn
    builder: FuzzBuilder
    values: list[Tensor] = field(default_factory=list)
    masks: list[Tensor] = field(default_factory=list)
    indices: list[tuple[Tensor, int, int]] = field(default_factory=list)  # count, bound
    noted: Tensor | None = None  # whose statistics were noted last
    unstored: list[tuple[Target, int]] = field(default_factory=list)
    hold: bool = False  # keep stores back, so that the next instruction follows directly
    cls_tokens: int = 0  # tokens whose head sums the last attention with a score flag left
    all_tokens: int = 0
    pixels: int = 0  # words of the input region

    def shift(self, fitting: int) -> int:
        """Draw a right shift: around one that fills int16 without much saturation, or any."""
        if self.draw(st.booleans()):
            near = fitting + self.draw(st.integers(-3, 3))
            return min(max(near, spec.MIN_SHIFT), spec.MAX_SHIFT)
        return self.draw(_SHIFTS)

    def flags(self, opcode: str) -> tuple[str, ...]:
        """Draw each set of flags equally often, which hypothesis alone does not."""
        names = list(spec.OPCODES[opcode].flags)
        sets = 1 << len(names)
        chosen = self.draw(st.integers(0, sets - 1)) ^ int(self.builder.rng.integers(sets))
        return tuple(name for bit, name in enumerate(names) if chosen >> bit & 1)

    def rows(self, high: int = spec.MAX_TOKENS) -> int:
        """Draw a number of rows."""
        return self.draw(_sizes(high))

    def words(self, rows: int, high: int = spec.MAX_DEPTH_WORDS) -> int:
        """Draw the words of a row, so that the tensor is no larger than VOLUME."""
        most = min(high, spec.MAX_DEPTH_WORDS, VOLUME // groups(rows))
        return self.draw(_near(4, 8, 24, 32, high=max(1, most)))

    def tensor(self, rows: int, words: int, contents: Callable[[str], np.ndarray]) -> Tensor:
        """Load values of a drawn pattern."""
        pattern = self.draw(_PATTERNS)
        target = self.target(rows, words, bits=patterns.magnitude_bits(pattern))
        self.builder.load(target, contents(pattern))
        return target

    def fresh(self, rows: int, words: int) -> Tensor:
        """Load a tensor of one pattern."""
        rng = self.builder.rng
        return self.tensor(rows, words, lambda p: patterns.tensor(rng, p, rows, words * 8))

    def source(self, fits: Callable[[Tensor], bool], make: Callable[[], Tensor]) -> Tensor:
        """Take a tensor of the program that fits, most often the last, or make one."""
        found = [tensor for tensor in self.values if fits(tensor)]
        match self.draw(st.sampled_from(["last", "last", "any", "new"])) if found else "new":
            case "last":
                return found[-1]
            case "any":
                return self.draw(st.sampled_from(found))
        return make()

    def any_source(self) -> Tensor:
        """Take or load a tensor of any size."""

        def make() -> Tensor:
            rows = self.rows()
            return self.fresh(rows, self.words(rows))

        return self.source(lambda tensor: True, make)

    def noted_source(self) -> Tensor:
        """Take a tensor to normalise: most often the one whose statistics were noted last."""
        if self.noted is not None and self.draw(st.integers(0, 3)):
            return self.noted
        return self.any_source()

    def target(self, rows: int, words: int, bits: int = 14) -> Target:
        """Reserve a place for a result; forget older tensors when memory is short."""
        border = bool(self.draw(st.integers(0, 3)) == 0)
        return self.builder.target(rows, words, self.draw(_PLACES), border=border, bits=bits)

    def make_room(self) -> None:
        """Forget all tensors unless the next instruction surely finds room."""
        if self.builder.room() < 5 * VOLUME:
            self.store_all()
            self.builder.release_all()
            self.noted = None
            self.values.clear()
            self.masks.clear()
            self.indices.clear()

    def wrote(self, target: Target, *, last: bool = True) -> None:
        """Store a result, at once or after others, and let later instructions use it.

        Not as the ``last`` one if it is no matrix of values.
        """
        self.values.insert(len(self.values) if last else 0, target)
        self.unstored.append((target, self.draw(st.sampled_from([0, 0, 0, 3]))))
        if not self.hold and self.draw(st.booleans()):
            self.store_all()

    def store_all(self) -> None:
        """Store what is still to be stored."""
        for target, gap in self.unstored:
            self.builder.stored(target, gap)
        self.unstored.clear()

    def parameters(self, *names: str) -> Callable[[str, int], np.ndarray]:
        """Draw a pattern for each parameter field and return what fills them."""
        chosen = {name: self.draw(_PATTERNS) for name in names}
        rng = self.builder.rng

        def fill(name: str, words: int) -> np.ndarray:
            return patterns.tensor(rng, chosen[name], 1, words * 8)[0]

        return fill


def _load(d: Drawing) -> None:
    flags = d.flags("load")
    rows = 1 if flags else d.rows()
    pattern = d.draw(_PATTERNS)
    target = d.target(rows, d.words(rows), bits=patterns.magnitude_bits(pattern))
    values = patterns.tensor(d.builder.rng, pattern, rows, target.words * 8)
    d.builder.load(target, values, *flags)
    if "statistics" in flags:
        d.noted = target
    d.wrote(target)


def _store(d: Drawing) -> None:
    source = d.any_source()
    d.builder.store(
        Tensor(address=source.address, rows=d.rows(source.rows), words=d.rows(source.words)),
        d.draw(st.integers(0, 9)),
    )


def _patchify(d: Drawing) -> None:
    patch = d.draw(_near(2, 4, 8, 16, high=55))
    channels = d.draw(_near(3, 8, high=spec.MAX_DEPTH_WORDS * 8 // patch**2))
    words = -(-channels * patch**2 // 8)
    most = min(spec.MAX_TOKENS - 1, 8 * max(1, VOLUME // words) - 1, 4096 // patch)
    down = d.draw(_near(8, high=most))
    across = d.draw(_near(8, 14, high=max(1, min(most // down, 4096 // patch))))
    source = d.pixels + d.draw(st.sampled_from([0, 0, 1, 5]))
    d.pixels = source + -(-channels * down * across * patch**2 // 8)
    target = d.target(1 + down * across, words, 15)
    d.builder.add(
        "patchify",
        dst=target.address,
        source=source,
        channels=channels,
        height=down * patch,
        width=across * patch,
        patch=patch,
    )
    d.wrote(target)


def _matmul(d: Drawing) -> None:
    flags = d.flags("matmul")
    normalises = "normalise" in flags
    source = d.noted_source() if normalises else d.any_source()
    rows = kept = d.rows(source.rows)
    depth = source.words
    index = d.draw(_WORD32)
    if "compact" in flags:
        found, kept = _index(d, d.draw(st.sampled_from([rows, 1]) | _sizes(rows)), rows)
        index = found.address
    outputs = max(1, PRODUCTS // (groups(rows) * 64 * depth))
    # Whole tiles of 32 outputs are computed, whatever the width of the result.
    out_words = d.words(rows, max(4, outputs // 8))
    residual, target = d.draw(_WORD32), None
    if "residual" in flags:
        chosen = d.source(
            lambda t: t.words == out_words and t.rows >= rows and _apart(t, source, index),
            lambda: d.fresh(rows, out_words),
        )
        residual = chosen.address
        if d.draw(st.booleans()):  # in place
            target = Target(address=residual, rows=kept, words=out_words)
    target = target or d.target(kept, out_words)
    pattern = d.draw(_PATTERNS)
    source_bits = 14 if normalises else source.bits
    sum_bits = source_bits + patterns.magnitude_bits(pattern) + int(math.log2(depth * 8) / 2)
    bias = d.draw(_PATTERNS)
    fitting = max(0, sum_bits - 15)
    vectors = d.parameters("gamma", "beta") if normalises else None
    unused = {} if vectors else {"gamma": d.draw(_WORD32), "beta": d.draw(_WORD32)}

    def fill(name: str, words: int) -> np.ndarray:
        if vectors is not None and name != "weight":
            return vectors(name, words)
        return patterns.matrix(d.builder.rng, pattern, bias, out_words, depth)

    d.builder.operands(
        "matmul",
        flags,
        fill,
        dst=target.address,
        src=source.address,
        residual=residual,
        index=index,
        rows=rows,
        depth_words=depth,
        out_words=out_words,
        kept=kept if "compact" in flags else d.draw(_WORD32),
        bias_shift=_align(d, fitting),
        residual_shift=_align(d, fitting),
        out_shift=d.shift(fitting),
        gelu_in_frac=d.draw(_near(8, low=0, high=15)),
        gelu_out_frac=d.draw(_near(12, low=0, high=24)),
        **_normalisation(d, depth * 8),
        **unused,
    )
    d.wrote(target)
    if "statistics" in flags:
        d.noted = target


def _apart(residual: Tensor, source: Tensor, index: int) -> bool:
    """Whether a residual may be written over: neither source nor index is the same tensor."""
    return residual.address not in (source.address, index)


def _align(d: Drawing, fitting: int) -> int:
    if d.draw(st.booleans()):
        return min(max(fitting + d.draw(st.integers(-2, 2)), 0), spec.MAX_ALIGN_SHIFT)
    return d.draw(_ALIGN)


def _normalisation(d: Drawing, width: int) -> dict[str, int]:
    """Draw constants of a normalisation, mostly those of rows of ``width`` elements."""
    usual = round(1e-6 * width * 2 ** (2 * (d.draw(st.integers(0, 15)) + 8)))
    largest_inverse = ((1 << 32) + width) // width
    return {
        "inv_width": d.draw(
            st.sampled_from([round(2**32 / width)] * 4 + [0, 1, largest_inverse])
            | st.integers(0, largest_inverse)
        ),
        "sqrt_width": d.draw(
            st.sampled_from([round(math.sqrt(width) * 2**16)] * 4 + [0, 1, 1 << 22])
            | st.integers(0, 1 << 22)
        ),
        "epsilon": d.draw(
            st.sampled_from([usual, usual, usual, 0, 1, 1 << 56, (1 << 56) - 1])
            | st.integers(0, 56).map(lambda bits: 1 << bits)
        ),
        "beta_shift": d.draw(_ALIGN),
        "norm_shift": d.shift(21),
    }


def _attention(d: Drawing, wanted: tuple[str, ...] | None = None) -> None:
    flags = wanted or d.flags("attention")
    chooses = {"mask", "score_all"} & {*flags}
    tokens = d.rows(spec.MAX_CONNECTION_TOKENS if chooses else spec.MAX_TOKENS)
    widest = min(spec.MAX_DEPTH_WORDS, VOLUME // groups(tokens)) // 3
    widest = max(1, min(widest, PRODUCTS // (16 * tokens * tokens)))
    head_words = d.draw(_near(4, 8, high=min(spec.MAX_HEAD_WORDS, widest)))
    heads = d.draw(_near(3, high=max(1, min(spec.MAX_HEADS, widest // head_words))))
    width = heads * head_words
    source = d.source(
        lambda t: t.words == 3 * width and t.rows >= tokens,
        lambda: _queries_keys_values(d, tokens, width),
    )
    mask = d.draw(_WORD32)
    if "mask" in flags:
        mask = _mask(d, tokens).address
    target = d.target(tokens, width)
    pattern = d.draw(_PATTERNS)
    d.builder.operands(
        "attention",
        flags,
        lambda _, size: patterns.tensor(d.builder.rng, pattern, 1, size * 8).ravel(),
        **({} if "bias" in flags else {"bias": d.draw(_WORD32)}),
        bias_shift=d.draw(_ALIGN),
        dst=target.address,
        src=source.address,
        mask=mask,
        tokens=tokens,
        heads=heads,
        head_words=head_words,
        score_shift=d.shift(2 * source.bits + int(math.log2(head_words * 8) / 2) - 15),
        exp_multiplier=d.draw(
            st.sampled_from([1 << 23, (1 << 24) - 1]) | st.integers(1 << 23, (1 << 24) - 1)
        ),
        exp_shift=d.draw(st.integers(10, 20) | _near(low=0, high=40)),
        prob_frac=d.draw(st.sampled_from([15, 15, 14, 0, 1]) | st.integers(0, 15)),
        out_shift=d.shift(source.bits),
    )
    if "score_all" in flags:
        d.cls_tokens = d.all_tokens = tokens
    elif "score_cls" in flags:
        d.cls_tokens, d.all_tokens = tokens, 0
    d.wrote(target)


def _queries_keys_values(d: Drawing, tokens: int, width: int) -> Tensor:
    """Load a tensor whose three thirds have patterns of their own."""
    rng = d.builder.rng
    others = [d.draw(_PATTERNS), d.draw(_PATTERNS)]

    def contents(pattern: str) -> np.ndarray:
        thirds = [patterns.tensor(rng, p, tokens, width * 8) for p in (pattern, *others)]
        return np.concatenate(thirds, axis=1)

    return d.tensor(tokens, 3 * width, contents)


def _mask(d: Drawing, tokens: int) -> Tensor:
    words = mask_words(tokens)
    found = [m for m in d.masks if m.rows >= tokens and m.words == words]
    if len(found) > 0 and d.draw(st.booleans()):
        return found[-1]
    pattern = d.draw(st.sampled_from(sorted(patterns.MASKS)))
    target = d.target(tokens, words)
    d.builder.load(target, patterns.mask(d.builder.rng, pattern, tokens, words))
    return target


def _select_tokens(d: Drawing) -> None:
    if d.cls_tokens < 2:
        _attention_with_scores(d, "score_cls")
    if d.cls_tokens < 2:
        return
    tokens = d.draw(_near(8, 32, low=2, high=d.cls_tokens))
    keep = d.draw(_near(7, 8, 31, high=tokens - 1))
    target = d.target(1, -(-(1 + keep) // 8))
    d.builder.add("select_tokens", dst=target.address, tokens=tokens, keep=keep)
    d.indices.append((target, 1 + keep, tokens))
    d.wrote(target, last=False)


def _attention_with_scores(d: Drawing, flag: str) -> None:
    more = d.draw(st.sampled_from([(), ("mask",)]))
    _attention(d, (*more, flag))
    d.make_room()


def _index(d: Drawing, count: int, bound: int) -> tuple[Tensor, int]:
    """Take or load ascending indices, or wrong ones now and then.

    Return them and how many they are, ``count`` at most.
    """
    found = [(t, min(n, count)) for t, n, used in d.indices if used <= bound]
    if found and d.draw(st.integers(0, 2)) > 0:
        return d.draw(st.sampled_from(found))
    pattern = d.draw(st.sampled_from(sorted(patterns.INDICES)))
    mistake, rng = None, d.builder.rng
    if rng.random() < 0.06:
        mistake = d.draw(st.sampled_from(patterns.MISTAKES))
    target = d.target(1, -(-count // 8))
    d.builder.load(target, patterns.indices(rng, pattern, count, bound, mistake))
    return target, count


def _select_connections(d: Drawing) -> None:
    if d.all_tokens < 2:
        _attention_with_scores(d, "score_all")
    if d.all_tokens < 2:
        return
    tokens = d.draw(_near(8, 32, low=2, high=d.all_tokens))
    index, rows = _index(d, d.draw(_near(8, 32, low=2, high=tokens)), tokens)
    if rows < 2:
        return
    target = d.target(rows, mask_words(rows))
    keep = d.draw(_near(8, 31, high=rows - 1))
    d.builder.add(
        "select_connections",
        dst=target.address,
        index=index.address,
        tokens=tokens,
        rows=rows,
        keep=keep,
    )
    d.masks.append(target)
    d.wrote(target, last=False)


_OPS: dict[str, Callable[[Drawing], None]] = {
    "attention": _attention,
    "load": _load,
    "matmul": _matmul,
    "patchify": _patchify,
    "select_connections": _select_connections,
    "select_tokens": _select_tokens,
    "store": _store,
}
assert set(_OPS) == set(spec.OPCODES)
#: What to draw from: the ops with most to go wrong more often, and those that follow each other.
_CHOICES: list[tuple[str, ...]] = [
    *((name,) for name in sorted(_OPS)),
    *[("matmul",)] * 2,
    ("matmul", "matmul"),
    ("matmul", "matmul", "matmul"),
    ("attention",),
    ("attention", "select_tokens"),
    ("select_connections", "matmul"),
    ("patchify", "matmul"),
]


@st.composite
def cases(draw: st.DrawFn, most: int = 4) -> Case:
    """Draw a program of 1..``most`` choices beside loads and stores, and its images."""
    seed = draw(st.integers(0, 2**32 - 1))
    d = Drawing(draw, FuzzBuilder(np.random.default_rng(seed)))
    count = draw(st.integers(1, most))
    bare = draw(st.integers(0, 7)) == 0  # the last instruction's result is not stored
    for number in range(count):
        if bare and number == count - 1:
            d.store_all()
        names = draw(st.sampled_from(_CHOICES))
        d.builder.hoist = len(names) > 1 or draw(st.booleans())
        for place, name in enumerate(names):
            d.make_room()
            d.hold = place + 1 < len(names)
            _OPS[name](d)
    if not d.builder.program:  # nothing but selections of a single token
        _load(d)
    if not bare:
        d.store_all()
    images = draw(st.sampled_from([1, 1, 2, 3]))
    pattern = draw(_PATTERNS)
    inputs = patterns.tensor(d.builder.rng, pattern, images, d.pixels * 8)
    return d.builder.case(inputs)
