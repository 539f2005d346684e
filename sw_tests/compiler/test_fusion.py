"""What is fused into a linear layer, and the graphs in which the kernel cannot do that."""

import re

import pytest

from trivit.tools.compiler.fusion import fused
from trivit.tools.compiler.ir import Gather, Gelu, Linear, Model, Operation, PatchEmbed
from trivit.tools.errors import ToolsError

from .operations import (
    TOKENS,
    attention,
    embedding,
    linear,
    model,
    names,
    norm,
    select_tokens,
    tensor,
)


def block() -> list[Operation]:
    """One block whose projection drops rows, [CLS] first normalised for a head."""
    x0 = embedding()
    norm1 = norm("norm1", x0.output)
    qkv = linear("qkv", norm1.output, 48)
    context = attention("context", qkv.output, "cls")
    proj = linear("proj", context.output, residual=x0.output)
    kept = select_tokens("kept", context, 5)
    tokens = Gather(tensor("tokens", 6), proj.output, kept.output)
    norm2 = norm("norm2", tokens.output)
    fc1 = linear("fc1", norm2.output, 64)
    gelu = Gelu(tensor("gelu", 6, 64), fc1.output)
    fc2 = linear("fc2", gelu.output, residual=tokens.output)
    last = norm("norm", fc2.output)
    head = linear("head", last.output)
    return [x0, norm1, qkv, context, proj, kept, tokens, norm2, fc1, gelu, fc2, last, head]


def by_name(model: Model) -> dict[str, Operation]:
    return {operation.output.name: operation for operation in model.operations}


def refusal(*operations: Operation) -> str:
    with pytest.raises(ToolsError) as caught:
        fused(model(*operations))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_block() -> None:
    result = fused(model(*block()))
    assert names(result) == ["x0", "qkv", "context", "tokens", "kept", "gelu", "fc2", "head"]
    found = by_name(result)
    layers = {n: o for n, o in found.items() if isinstance(o, Linear)}
    normalised = {n: (o.x.name, o.norm.output.name) for n, o in layers.items() if o.norm}
    assert normalised == {
        "qkv": ("x0", "norm1"),
        "gelu": ("tokens", "norm2"),
        "head": ("fc2", "norm"),
    }
    assert {n: o.gather.index.name for n, o in layers.items() if o.gather} == {"tokens": "kept"}
    assert {n: o.hidden.name for n, o in layers.items() if o.hidden} == {"gelu": "fc1"}
    noted = {n for n, o in found.items() if isinstance(o, PatchEmbed | Linear) and o.statistics}
    assert noted == {"x0", "tokens", "fc2"}
    assert (layers["tokens"].rows, layers["tokens"].output.rows) == (TOKENS, 6)
    assert layers["fc2"].rows == 6


def test_a_norm_is_fused_into_every_layer_that_reads_it() -> None:
    x0 = embedding()
    first = norm("norm", x0.output)
    a = linear("a", first.output)
    b = linear("b", first.output, residual=a.output)
    result = fused(model(x0, first, a, b))
    assert [o.norm for o in result.operations if isinstance(o, Linear)] == [first, first]


def test_rows_are_dropped_before_gelu_or_after_it() -> None:
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output, "cls")
    kept = select_tokens("kept", context, 5)
    fc1 = linear("fc1", context.output)
    gather = Gather(tensor("tokens", 6), fc1.output, kept.output)
    gelu = Gelu(tensor("gelu", 6), gather.output)
    before = fused(model(x0, qkv, context, kept, fc1, gather, gelu)).operations[-1]
    assert isinstance(before, Linear)
    assert (before.output, before.hidden, before.rows) == (gelu.output, gather.output, TOKENS)

    gelu = Gelu(tensor("gelu"), fc1.output)
    gather = Gather(tensor("tokens", 6), gelu.output, kept.output)
    after = fused(model(x0, qkv, context, kept, fc1, gelu, gather)).operations[-1]
    assert isinstance(after, Linear)
    assert (after.output, after.hidden, after.rows) == (gather.output, fc1.output, TOKENS)


def test_norm_as_residual() -> None:
    x0 = embedding()
    first = norm("norm", x0.output)
    line = refusal(x0, first, linear("y", first.output, residual=first.output))
    assert re.search(r"'norm' of 'x0' is read by something else than the product", line)


def test_norm_as_result() -> None:
    x0 = embedding()
    line = refusal(x0, norm("norm", x0.output))
    assert re.search(r"'norm' of 'x0' is read by something else", line)


def test_norm_of_a_norm() -> None:
    x0 = embedding()
    first = norm("first", x0.output)
    second = norm("second", first.output)
    line = refusal(x0, first, second, linear("y", second.output))
    assert re.search(r"'first' of 'x0' is read by something else", line)


def test_norm_of_attention() -> None:
    x0 = embedding()
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output)
    after = norm("norm", context.output)
    line = refusal(x0, qkv, context, after, linear("y", after.output))
    assert re.search(r"'norm' reads 'context', which is the result of neither a linear", line)


def test_sums_that_were_overwritten() -> None:
    """Two tensors are written to be normalised before the first of them is."""
    x0 = embedding()
    a = linear("a", x0.output)
    b = linear("b", a.output)
    norm_a, norm_b = norm("norm_a", a.output), norm("norm_b", b.output)
    from_a = linear("from_a", norm_a.output)
    from_b = linear("from_b", norm_b.output, residual=from_a.output)
    line = refusal(x0, a, b, norm_a, norm_b, from_a, from_b)
    assert re.search(r"'norm_a' reads 'a' after 'b' was written to be normalised", line)
    # In the other order each is read before the next is written.
    fused(model(x0, a, norm_a, from_a, b, norm_b, from_b))


def gathered(extra: str) -> list[Operation]:
    operations = block()
    x0, _, _, context, proj, kept, tokens = operations[:7]
    match extra:
        case "also read":
            return [*operations[:7], linear("y", proj.output), linear("z", tokens.output)]
        case "dropped twice":
            again = Gather(tensor("fewer", 3), tokens.output, kept.output)
            return [*operations[:7], again, linear("z", again.output)]
        case "attention":
            of = Gather(tensor("some", 6), context.output, kept.output)
            return [*operations[:4], kept, of, linear("z", of.output)]
        case _:
            of = Gather(tensor("some", 6), x0.output, kept.output)
            return [*operations[:6], of, linear("z", of.output)]


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ("also read", "proj"),
        ("dropped twice", "tokens"),
        ("attention", "context"),
        ("embedding", "x0"),
    ],
)
def test_rows_that_cannot_be_dropped(extra: str, name: str) -> None:
    assert re.search(
        rf"drops rows of '{name}', which must be the result of a linear layer",
        refusal(*gathered(extra)),
    )


def test_rows_written_before_they_are_chosen() -> None:
    x0 = embedding()
    early = linear("early", x0.output)
    qkv = linear("qkv", x0.output, 48)
    context = attention("context", qkv.output, "cls")
    kept = select_tokens("kept", context, 5)
    gather = Gather(tensor("tokens", 6), early.output, kept.output)
    late = linear("y", gather.output)
    used = linear("z", context.output)
    line = refusal(x0, early, qkv, context, kept, gather, used, late)
    assert re.search(
        r"'tokens' drops rows of 'early', which is written before the attention 'context'", line
    )


def test_gelu_that_does_not_follow_a_linear_layer() -> None:
    x0 = embedding()
    y = linear("y", x0.output)
    first, second = Gelu(tensor("g"), y.output), Gelu(tensor("h"), tensor("g"))
    message = "must follow a linear layer whose result nothing else reads"
    assert message in refusal(x0, y, first, second)
    assert message in refusal(x0, Gelu(tensor("g"), x0.output))
    assert message in refusal(x0, y, first, linear("z", y.output, residual=first.output))
