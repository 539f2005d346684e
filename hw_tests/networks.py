"""Random networks of what the units have, and what the oracle of instructions makes of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from programs import Builder, Shape, random_bias

from trivit.host.bundle import Bundle, OutputInfo, Preprocessing, Program
from trivit.host.fixed_point import Int16
from trivit.host.images import extract, preprocess
from trivit.host.oracle.commands import Outcome, interpret
from trivit.host.oracle.machine import Machine
from trivit.host.schedule import Schedule
from trivit.host.tracing import with_trace
from trivit.tools.schedule import schedule


@dataclass(frozen=True)
class Compared:
    """A schedule's outcome beside that of the instructions, by name of the tensor."""

    schedule: Schedule
    outcome: Outcome
    output: Int16
    tensors: dict[str, Int16]
    saturations: np.ndarray


def region(bundle: Bundle, seed: int = 0) -> Int16:
    """Return the input region of a random image."""
    p = bundle.preprocessing
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (1, p.channels, p.height, p.width)).astype(np.uint8)
    return preprocess(bundle, image)[0]


def compared(bundle: Bundle, **options: Any) -> Compared:
    """Schedule a bundle, interpret it, and execute its instructions."""
    scheduled, image = schedule(bundle, **options), region(bundle)
    outcome = interpret(scheduled, bundle, image)
    traced = with_trace(bundle)
    stored, counts = Machine().run(traced.program, traced.params, image, traced.output_words)
    known = {o.name: extract(o, stored[None])[0] for o in traced.outputs}
    # The trace is the program with stores in between.
    saturations, place = [], 0
    for words in bundle.program:
        while not np.array_equal(traced.program[place], words):
            place += 1
        saturations.append(counts[place])
        place += 1
    output = stored[: bundle.output_words * 8]
    return Compared(scheduled, outcome, output, known, np.array(saturations))


def assert_equal(result: Compared) -> None:
    """Hold every watched tensor, and the output, against the oracle of instructions."""
    assert np.array_equal(result.outcome.output[: len(result.output)], result.output)
    assert result.outcome.tensors.keys() == {w.name for w in result.schedule.watched}
    for watched in result.schedule.watched:
        expected = result.tensors[watched.name][watched.first_row :][: watched.rows]
        got = result.outcome.tensors[watched.name][:, : watched.columns]
        assert np.array_equal(got, expected), watched.name


def random_shape(rng: np.random.Generator) -> Shape:
    """Return sizes of a small network: tails of all kinds, also a single row group."""
    grid = int(rng.integers(2, 7))
    return Shape(
        channels=int(rng.integers(1, 4)),
        grid=grid,
        patch=int(rng.choice([2, 3, 4])),
        heads=int(rng.integers(1, 4)),
        head_words=int(rng.integers(1, 4)),
        hidden_words=int(rng.integers(1, 10)),
        keep=int(rng.integers(1, grid**2)),
        classes=int(rng.integers(2, 50)),
    )


def embed(b: Builder, shape: Shape) -> int:
    """Append the patch embedding and return the address of the tokens."""
    rows, words = shape.tokens, shape.words
    patch_words = -(-shape.channels * shape.patch**2 // 8)
    source = b.values(rows * words, 13)
    positions = b.tensor("positions", rows, words)
    b.add("load", dst=positions, source=source, rows=rows, words=words)
    patches = b.tensor("patches", rows, patch_words)
    side = shape.grid * shape.patch
    b.add(
        "patchify",
        dst=patches,
        source=0,
        channels=shape.channels,
        height=side,
        width=side,
        patch=shape.patch,
    )
    x = b.linear("embedded", patches, rows, patch_words, words, residual=positions, statistics=True)
    source = b.values(words, 13)
    b.tensor("x", rows, words, address=x)
    b.add("load", ("statistics",), dst=x, source=source, rows=1, words=words)
    return x


def random_network(seed: int, shape: Shape | None = None, *, biased: bool = True) -> Bundle:
    """Return blocks with and without selectors, and products in unusual places.

    With ``biased``, half of the attentions add biases to their scores.
    """
    rng, biases = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    shape = shape or random_shape(rng)
    b = Builder(rng)
    rows, words, hidden_words = shape.tokens, shape.words, shape.hidden_words
    x = embed(b, shape)
    for block in range(int(rng.integers(1, 3))):
        select = bool(rng.integers(2)) and rows > 2
        qkv = b.linear(f"qkv{block}", x, rows, words, 3 * words, normalise=True)
        flags = ("score_cls",) if select else ()
        bias = None
        if biased and biases.integers(2):
            bias = random_bias(biases, shape.heads, rows)
        context = b.attention(f"context{block}", qkv, shape, rows, None, *flags, bias=bias)
        kept = b.kept(f"kept{block}", rows, min(shape.keep, rows - 1)) if select else None
        unusual = int(rng.integers(4))
        if unusual == 1:  # rows are dropped behind GELU, without a residual
            x = b.linear(
                f"p{block}", context, rows, words, words, gelu=True, statistics=True, kept=kept
            )
        else:
            x = b.linear(
                f"p{block}",
                context,
                rows,
                words,
                words,
                residual=x,
                in_place=unusual == 2 and kept is None,
                statistics=True,
                kept=kept,
            )
        rows = kept[1] if kept else rows
        if unusual == 3:  # normalised twice, with a product between
            b.linear(f"other{block}", x, rows, words, words, normalise=True)
        hidden = b.linear(f"h{block}", x, rows, words, hidden_words, gelu=True, normalise=True)
        x = b.linear(f"x{block}", hidden, rows, hidden_words, words, residual=x, statistics=True)
    out_words = -(-shape.classes // 8)
    logits = b.linear("head", x, 1, words, out_words, normalise=True)
    b.add("store", src=logits, target=0, rows=1, words=out_words)
    return bundle_of(b, shape, out_words)


def heads_in_turn(seed: int) -> Bundle:
    """Return a network whose heads share two places for their biases, of 19 row groups each."""
    shape = replace(random_shape(np.random.default_rng(seed)), grid=12, patch=2, heads=4, keep=9)
    return random_network(seed, shape)


def bundle_of(b: Builder, shape: Shape, out_words: int) -> Bundle:
    """Return what a builder has collected as a bundle of one program."""
    side, classes = shape.grid * shape.patch, shape.classes
    lut = np.clip(np.arange(256) * 128 - 16384, -32768, 32767).astype(np.int16)
    logits = OutputInfo(name="logits", offset=0, rows=1, words=out_words, columns=classes, frac=11)
    return Bundle(
        params=np.concatenate(b.params),
        preprocessing=Preprocessing(
            channels=shape.channels,
            height=side,
            width=side,
            lut=np.repeat(lut[None], shape.channels, axis=0),
            frac=14,
            mean=(0.5,) * shape.channels,
            std=(0.5,) * shape.channels,
        ),
        class_names=tuple(str(i) for i in range(classes)),
        input_words=-(-shape.channels * side * side // 8),
        programs=(
            Program(
                name="random",
                instructions=np.stack(b.program),
                output_words=out_words,
                outputs=(logits,),
                tensors=tuple(b.tensors),
            ),
        ),
    )


def deit_384(keep: float, **changes: int) -> Bundle:
    """Return two narrow blocks of 577 tokens, of which the first keeps a share."""
    # Late: PyTorch takes seconds, which simulations would spend inside their process.
    from trivit.models.families import model_config
    from trivit.tools.compiler.named import untrained_program

    sizes: dict[str, Any] = {
        **{"image_size": 48, "patch_size": 2, "embed_dim": 64, "num_heads": 1, "depth": 2},
        **{"mlp_ratio": 1.0, "num_classes": 10, "selector_blocks": (0,) if keep < 1 else ()},
        **changes,
    }
    config = replace(model_config("deit_tiny_384", token_keep_ratio=keep), **sizes)
    return untrained_program(config, "narrow", seed=1)


def most_row_groups() -> Bundle:
    """Return a block whose 16 heads have more row groups than nine bits count."""
    return deit_384(1.0, image_size=32, embed_dim=128, num_heads=16, depth=1)
