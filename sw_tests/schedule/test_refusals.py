"""What the units cannot do is refused in one line that names the instruction."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from networks import bundle_of, embed, random_network
from programs import Builder, Shape

from trivit.host.bundle import Bundle
from trivit.host.instructions import decode, encode
from trivit.tools.errors import ToolsError
from trivit.tools.schedule import schedule

SHAPE = Shape(grid=3, heads=2, head_words=1)
Append = Callable[[Builder, int], object]


def network(append: Append) -> Bundle:
    """Return a program that embeds patches and goes on as ``append`` wants."""
    b = Builder(np.random.default_rng(1))
    append(b, embed(b, SHAPE))
    return bundle_of(b, SHAPE, 1)


def attention(b: Builder, x: int, mask: int | None = None, *flags: str) -> int:
    rows, words = SHAPE.tokens, SHAPE.words
    qkv = b.linear("qkv", x, rows, words, 3 * words, normalise=True)
    return b.attention("context", qkv, SHAPE, rows, mask, *flags)


def twice_selected(b: Builder, x: int) -> None:
    rows, words = SHAPE.tokens, SHAPE.words
    first = None
    for _ in range(2):
        context = attention(b, x, None, "score_cls")
        kept = b.kept("kept", rows, 4)
        first = first or kept
    b.linear("late", context, rows, words, words, residual=x, kept=first)


def other_sums(b: Builder, x: int) -> None:
    rows, words = SHAPE.tokens, SHAPE.words
    b.linear("between", x, rows, words, words, statistics=True)
    b.linear("late", x, rows, words, words, normalise=True)


def select_late(b: Builder, x: int) -> None:
    attention(b, x, None, "score_cls")
    attention(b, x)
    b.kept("kept", SHAPE.tokens, 4)


def connected(b: Builder, x: int, *flags: str) -> tuple[int, tuple[int, int]]:
    attention(b, x, None, *flags)
    kept = b.kept("kept", SHAPE.tokens, 4)
    return b.mask("mask", kept, SHAPE.tokens, 2), kept


def connect_twice(b: Builder, x: int) -> None:
    _, kept = connected(b, x, "score_all")
    b.mask("again", kept, SHAPE.tokens, 3)


def connect_late(b: Builder, x: int) -> None:
    _, kept = connected(b, x, "score_all")
    attention(b, x, None, "score_all")
    b.mask("late", kept, SHAPE.tokens, 3)


def connect_fewer(b: Builder, x: int) -> None:
    attention(b, x, None, "score_all")
    index, rows = b.kept("kept", SHAPE.tokens, 4)
    b.mask("mask", (index, rows - 1), SHAPE.tokens, 2)


def old_mask(b: Builder, x: int) -> None:
    mask, _ = connected(b, x, "score_all")
    connected(b, x, "score_all")
    b.attention("small", b.address - 40, replace(SHAPE, grid=2), 5, mask)


def mask_as_matrix(b: Builder, x: int) -> None:
    mask, _ = connected(b, x, "score_all")
    b.linear("strange", mask, 5, 1, 1)


def store_mask(b: Builder, x: int) -> None:
    mask, _ = connected(b, x, "score_all")
    b.add("store", src=mask, target=0, rows=5, words=1)


def load_late(b: Builder, x: int) -> None:
    source = b.values(SHAPE.words, 3)
    b.add("load", dst=b.tensor("row", 1, SHAPE.words), source=source, rows=1, words=SHAPE.words)


REFUSED: dict[str, tuple[Append, str]] = {
    "no mask": (
        lambda b, x: attention(b, x, x),
        r"instruction 5 \(attention for 'context'\) reads mask at \d+, which no instruction wrote",
    ),
    "an old mask": (old_mask, r"sees keys by 'mask', which is not the last choice"),
    "a mask as a matrix": (mask_as_matrix, "reads the mask 'mask' as a matrix"),
    "a stored mask": (
        store_mask,
        r"instruction 8 \(store\) stores 'mask', which never lies in the banks",
    ),
    "sums of row 0": (
        lambda b, x: connected(b, x, "score_cls"),
        r"instruction 7 \(select_connections for 'mask'\) must choose by sums of all rows",
    ),
    "connections twice": (connect_twice, "must choose by sums of all rows, and once"),
    "connections of an attention before": (connect_late, "must choose by the last attention"),
    "connections of other rows": (connect_fewer, "chooses for other rows than the list names"),
    "an old list": (twice_selected, "drops rows by a list that is not the last one"),
    "statistics of another tensor": (other_sums, "normalises rows by other rows' sums"),
    "selection behind another attention": (select_late, "must choose by the last attention"),
    "tokens without sums": (
        lambda b, x: (attention(b, x), b.kept("kept", SHAPE.tokens, 4)),
        "must choose by the last attention, and once",
    ),
    "a constant": (load_late, r"instruction 4 \(load for 'row'\) is no part of the patch embed"),
    "half a tensor": (
        lambda b, x: b.linear("half", x + 1, SHAPE.tokens, SHAPE.words, SHAPE.words),
        "reads src at .*, which no instruction wrote as such",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_instructions_without_a_unit(name: str) -> None:
    append, message = REFUSED[name]
    with pytest.raises(ToolsError, match=message) as raised:
        schedule(network(append))
    assert "\n" not in str(raised.value)


def test_a_program_without_an_image() -> None:
    bundle = random_network(0)
    loads = bundle.with_instructions(bundle.program[:1])
    with pytest.raises(ToolsError, match="the program does not embed an image"):
        schedule(loads)


@pytest.mark.parametrize(
    ("opcode", "field", "value", "message"),
    [
        ("matmul", "out_shift", -1, "has out_shift -1, the accelerator has 0..31"),
        ("matmul", "bias_shift", 24, "has bias_shift 24, the accelerator has 0..23"),
        ("matmul", "out_shift", 32, "has out_shift 32"),
        ("matmul", "norm_shift", 40, "has norm_shift 40, the accelerator has 0..31"),
        ("attention", "score_shift", 33, "has score_shift 33, the accelerator has 0..31"),
        ("attention", "out_shift", -3, "has out_shift -3, the accelerator has 0..31"),
    ],
)
def test_shifts_out_of_range(opcode: str, field: str, value: int, message: str) -> None:
    bundle = random_network(0)
    program = bundle.program.copy()
    for place, words in list(enumerate(program))[3:]:
        instruction = decode(words)
        if instruction is not None and instruction.opcode == opcode:
            fields = {**instruction.fields, field: value}
            program[place] = encode(opcode, instruction.flags, **fields)
            break
    with pytest.raises(ToolsError, match=message):
        schedule(bundle.with_instructions(program))


def test_tensors_that_do_not_fit() -> None:
    shape = Shape(grid=14, patch=2, heads=15, head_words=8)

    def fc1(b: Builder, x: int) -> None:
        """Tokens and the hidden layer, which is read twice, are alive together."""
        hidden = b.linear("hidden", x, shape.tokens, shape.words, 384, normalise=True)
        out = b.linear("out", hidden, shape.tokens, 384, shape.words, residual=x)
        b.linear("again", hidden, shape.tokens, 384, shape.words, residual=out)

    b = Builder(np.random.default_rng(1))
    fc1(b, embed(b, shape))
    message = "activations do not fit the kernel: .*hidden 9600.* words per bank .* 15360 are there"
    with pytest.raises(ToolsError, match=message):
        schedule(bundle_of(b, shape, 1))


def test_a_lag_of_nothing() -> None:
    with pytest.raises(ToolsError, match="a lag of 0 row groups leaves softmax no time"):
        schedule(random_network(0), lag=0)
