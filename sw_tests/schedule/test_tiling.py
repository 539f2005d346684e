"""Programs larger than the banks compute what they compute in banks that hold them."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Compared, assert_equal, bundle_of, compared, embed, random_network
from programs import Builder, Shape

from trivit.host.bundle import Bundle
from trivit.host.commands import Command, decode, from_words
from trivit.host.generated.spec import ACTIVATION_DEPTH
from trivit.host.tracing import with_trace
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.timeline import predict
from trivit.tools.estimate.work import ddr_bytes
from trivit.tools.explore.search import activation_words
from trivit.tools.schedule import schedule

#: DeiT-T whose patches are no wider than its tokens.
SMALL = replace(model_config("deit_tiny"), image_size=112, patch_size=8)


@cache
def network(seed: int, *, biased: bool = False) -> Bundle:
    """Return a random network whose widest tensors are several times as wide as its tokens."""
    rng = np.random.default_rng(seed)
    shape = Shape(
        grid=int(rng.integers(3, 13)),
        patch=2,
        heads=int(rng.integers(2, 5)),
        head_words=int(rng.choice([1, 2, 4, 8])),
        hidden_words=int(rng.integers(20, 60)),
        keep=9,
        classes=20,
    )
    return random_network(seed, shape, biased=biased)


def commands(result: Compared) -> list[Command]:
    return [decode(word) for word in from_words(result.schedule.commands)]


def units(result: Compared) -> Counter[str]:
    return Counter(command.unit for command in commands(result))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 30), share=st.floats(0.4, 1.0), biased=st.booleans())
def test_every_tensor_in_banks_of_any_depth(seed: int, share: float, biased: bool) -> None:
    bundle = network(seed, biased=biased)
    whole = schedule(bundle)
    depth = int(share * activation_words(whole))
    try:
        result = compared(bundle, depth=depth)
    except ToolsError as error:
        assert "cannot be cut into smaller pieces" in str(error) and "\n" not in str(error)
        return
    assert_equal(result)
    assert activation_words(result.schedule) <= depth
    names = [{w.name for w in s.watched} for s in (whole, result.schedule)]
    assert names[1] <= names[0]
    cut = names[0] - names[1]
    assert all(name.startswith(("qkv", "h", "other")) for name in cut)


@pytest.mark.parametrize(
    ("depth", "pieces"),
    [(ACTIVATION_DEPTH, []), (980, ["qkv0"]), (882, ["qkv0"])],
)
def test_heads_in_groups(depth: int, pieces: list[str]) -> None:
    bundle = network(0)
    result = compared(bundle, depth=depth)
    assert_equal(result)
    missing = {t.name for t in bundle.tensors} - {w.name for w in result.schedule.watched}
    assert missing == {"embedded", *pieces}


def test_rows_of_a_single_head() -> None:
    """Normalised rows do not fit beside tokens, context and one head: these come in pieces."""
    bundle = network(0)
    result = compared(bundle, depth=720)
    assert_equal(result)
    engine = [c for c in commands(result) if c.unit == "engine" and c.fields["has_bias"]]
    qkv = [t.instruction for t in bundle.tensors if t.name == "qkv0"]
    rows = [c.fields["rows"] for c in engine if c.tag in qkv and not c.fields["place"]]
    assert rows and sum(rows) == 9 * 122  # three thirds of three heads
    assert max(rows) < 122


def test_rows_of_an_mlp() -> None:
    """Weights stream again for each piece, and the array works no more."""
    config = replace(SMALL, depth=1, selector_blocks=())
    bundle = untrained_program(config, "one_block", seed=1)
    whole, cut = (compared(bundle, depth=depth) for depth in (ACTIVATION_DEPTH, 3200))
    assert_equal(cut)
    missing = {w.name for w in whole.schedule.watched} - {w.name for w in cut.schedule.watched}
    assert missing == {"blocks.0.mlp.gelu"}
    gelu = [c.fields for c in commands(cut) if c.unit == "gelu"]
    assert len(gelu) == 2
    writers = [c.fields for c in commands(cut) if c.unit == "row_writer"]
    assert [f["rows"] for f in writers if not f["direct"]] == [96, 101]
    tags = whole.schedule.tags
    work = [sum(predict(r.schedule).limits(tags)) for r in (whole, cut)]
    assert work[0] == work[1]
    moved = [sum(ddr_bytes(r.schedule)) for r in (whole, cut)]
    weights = 2 * 2 * 192 * 768
    assert weights < moved[1] - moved[0] < 1.02 * weights


@pytest.mark.parametrize("share", [0.78, 0.72])
def test_heads_in_groups_choose_together(share: float) -> None:
    """Tokens and connections are chosen by all heads; the mask of the second block opens each."""
    config = replace(SMALL, token_keep_ratio=0.7, attention_keep_ratio=0.4)
    config = replace(config, depth=3, selector_blocks=(0, 1), image_size=72)
    bundle = untrained_program(config, "three_blocks", seed=1)
    whole = compared(bundle)
    depth = int(share * activation_words(whole.schedule))
    cut = compared(bundle, depth=depth)
    assert_equal(cut)
    assert units(cut)["softmax"] > units(whole)["softmax"] == 3
    assert [units(r)["select"] for r in (whole, cut)] == [2, 2]
    assert units(cut)["connections"] == units(whole)["connections"]
    assert np.array_equal(cut.outcome.output, whole.outcome.output)


def test_the_first_norm_waits_for_the_patches() -> None:
    """A product of a tile stands between: patches, positions and normalised tokens do not fit."""
    config = replace(model_config("deit_tiny"), image_size=128, depth=1, selector_blocks=())
    bundle = untrained_program(config, "one_block", seed=1)
    whole, cut = compared(bundle), compared(bundle, depth=1200)
    assert_equal(cut)
    [pause] = [
        c.fields for c in commands(cut) if c.unit == "engine" and c.fields["out_shift"] == 31
    ]
    assert pause["announce_reader"] and pause["rows"] == 1
    reader = next(c.fields for c in commands(cut) if c.unit == "row_reader")
    assert reader["source"] == pause["source"] and reader["rows"] == 65
    assert np.array_equal(cut.outcome.saturations, whole.outcome.saturations)


def test_deit_small_at_384_pixels_keeps_the_array_busy() -> None:
    config = replace(model_config("deit_small"), image_size=384, depth=2, selector_blocks=())
    made = schedule(untrained_program(config, "two_blocks"))
    assert activation_words(made) <= ACTIVATION_DEPTH
    softmax = [c for c in map(decode, from_words(made.commands)) if c.unit == "softmax"]
    assert [c.fields["heads"] for c in softmax] == 2 * [2, 2, 2]
    timeline = predict(made)
    # Patches are loaded and the first rows normalised before the first block: 27,000 cycles.
    assert timeline.cycles < 1.03 * sum(timeline.limits(made.tags))


@pytest.mark.full
def test_every_tensor_of_deit_small_at_384_pixels() -> None:
    config = model_config("deit_small", token_keep_ratio=0.7)
    config = replace(config, image_size=384, depth=2, selector_blocks=(0,))
    assert_equal(compared(untrained_program(config, "two_blocks", seed=1)))


def test_what_is_stored_stays_whole() -> None:
    """A traced tensor must be there as a whole, so that its banks must hold it."""
    bundle = network(0)
    schedule(bundle, depth=890)
    with pytest.raises(ToolsError, match=r"qkv0 576 .* too many: .* cannot be cut"):
        schedule(with_trace(bundle, ["qkv0"]), depth=890)


def test_the_refusal_says_how_many_words_are_missing() -> None:
    b, shape = Builder(np.random.default_rng(1)), Shape(grid=8, heads=3, head_words=4)
    x = embed(b, shape)
    wide = b.linear("wide", x, shape.tokens, shape.words, 60, normalise=True)
    b.linear("out", wide, shape.tokens, 60, shape.words, gelu=True)
    message = (
        r"activations do not fit the kernel: wide 540 \+ .* words per bank are needed together, "
        r"600 are there \(38400 elements\), \d+ too many: choose a smaller width, MLP or image; "
        r"instructions? [\d, ]+ cannot be cut into smaller pieces"
    )
    with pytest.raises(ToolsError, match=message):
        schedule(bundle_of(b, shape, 1), depth=600)
