"""Where selections are put, and how long their tensors live."""

import pytest

from trivit.tools.compiler.fusion import fused
from trivit.tools.compiler.ir import AllTokens, Operation, Tensor
from trivit.tools.compiler.lowering import lower
from trivit.tools.compiler.named import named_program
from trivit.tools.compiler.params import ParameterImage
from trivit.tools.compiler.placement import placed
from trivit.tools.compiler.program import live_intervals
from trivit.tools.errors import ToolsError

from .operations import (
    TOKENS,
    attention,
    embedding,
    linear,
    model,
    names,
    select_connections,
    select_tokens,
)

EVERY = AllTokens(Tensor("every", 1, TOKENS, 0, "index"))


def test_tokens_are_selected_directly_behind_their_attention() -> None:
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output, "all")
    proj, fc1 = linear("proj", context.output), linear("fc1", context.output)
    few, more = select_tokens("few", context, 3), select_tokens("more", context, 6)
    result = placed(model(x0, qkv, context, proj, few, fc1, more))
    assert names(result) == ["x0", "qkv", "context", "few", "more", "proj", "fc1"]


def two_blocks(*, second_scored: bool) -> list[Operation]:
    """A selector in the first block whose mask the attention of the second reads."""
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output, "all")
    proj = linear("proj", context.output)
    fc1 = linear("fc1", proj.output, 64)
    fc2 = linear("fc2", fc1.output)
    select = select_connections("mask", context, EVERY.output)
    again = linear("again", fc2.output, 48)
    other = attention("other", again.output, "cls" if second_scored else "")
    third = linear("third", other.output, 48)
    last = attention("last", third.output, mask=select.output)
    return [x0, qkv, context, proj, fc1, fc2, again, other, third, EVERY, select, last]


def test_connections_are_selected_before_the_longest_product() -> None:
    result = placed(model(*two_blocks(second_scored=False)))
    # fc1 and fc2 are equally long: the first of them.
    assert names(result)[:6] == ["x0", "every", "qkv", "context", "proj", "mask"]
    assert names(result)[6] == "fc1"


def test_connections_are_selected_before_their_scores_are_gone() -> None:
    operations = two_blocks(second_scored=True)
    # Only the product behind the second attention would be long enough otherwise.
    operations[8] = linear("third", operations[7].output, 480)
    third = operations[8].output
    operations[11] = attention(
        "last", Tensor("third", third.rows, 48, 8), mask=operations[10].output
    )
    found = names(placed(model(*operations)))
    assert found.index("mask") + 1 == found.index("fc1")
    operations[7] = attention("other", operations[6].output)
    found = names(placed(model(*operations)))
    assert found.index("mask") + 1 == found.index("third")


def test_connections_of_deit_are_selected_beside_fc1() -> None:
    bundle = named_program("deit_tiny", token_keep=0.7, attention_keep=0.5)
    names = [entry["tensor"] for entry in bundle.first.info["instructions"]]
    for block in (3, 6, 9):
        place = names.index(f"blocks.{block}.selector.mask")
        assert names[place - 1 : place + 2] == [
            f"blocks.{block}.selector.tokens",
            f"blocks.{block}.selector.mask",
            f"blocks.{block}.mlp.gelu",
        ]


def test_connections_without_a_product_to_run_beside() -> None:
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output, "all")
    select = select_connections("mask", context, EVERY.output)
    other = attention("other", qkv.output, mask=select.output)
    result = placed(model(x0, qkv, context, EVERY, select, other))
    assert names(result) == ["x0", "every", "qkv", "context", "mask", "other"]


def test_connections_of_forgotten_scores() -> None:
    """Kept tokens of one attention, scores of the one before it."""
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    first = attention("first", qkv.output, "all")
    again = linear("again", first.output, 48)
    second = attention("second", again.output, "cls")
    kept = select_tokens("kept", second, 5)
    select = select_connections("mask", first, kept.output)
    third = linear("third", second.output, 48)
    last = attention("last", third.output, mask=select.output)
    with pytest.raises(ToolsError, match=r"'mask' selects by 'first\.probs' after another"):
        placed(model(x0, qkv, first, again, second, kept, select, third, last))


def test_tensors_live_from_their_first_write_to_their_last_read() -> None:
    drafts = lower(placed(fused(model(*two_blocks(second_scored=False)))), ParameterImage())
    step = [draft.opcode for draft in drafts].index("select_connections")
    alive = {i.name: (i.first, i.last) for i in live_intervals(drafts)}
    for name, (first, last) in alive.items():
        uses = [n for n, d in enumerate(drafts) if name in [t.name for t in d.tensors.values()]]
        assert (first, last) == (uses[0], uses[-1])
    assert alive["mask"][0] == step
    # The product before it is over when the selection starts.
    assert alive["context"][1] == step - 1
