"""Commands of token selection: the list, the kept rows, and where their gradients go.

No unit writes rows by a list to their old places. So forward keeps the list as a matrix, the kept
rows of the identity, and backward multiplies by it: each sum has one product, by 1, so the scatter
is exact.
"""

from __future__ import annotations

from trivit.host.tiles import depth_words
from trivit.tools.training.schedule.context import (
    Context,
    figure,
    operand,
    placement,
    seen_by,
    target,
    transposed,
)
from trivit.tools.training.schedule.embedding import IDENTITY
from trivit.tools.training.schedule.listing import ROW_WRITER
from trivit.tools.training.schedule.values import Value


def selected_from(c: Context, probs: str) -> bool:
    """Whether the rows that stay are chosen by these probabilities."""
    return c.reader(probs, "select_tokens", "probs") is not None


def select(c: Context, probs: str) -> None:
    """Append the choice behind an attention's softmax, and the list that comes from it."""
    index = c.reader(probs, "select_tokens", "probs")
    assert index is not None
    operation = c.operations[index]
    name = operation.operands["dst"].tensor
    heads, keep = (int(operation.attributes[n]) for n in ("heads", "keep"))
    c.listing.add("select", index, heads=heads, tokens=c.tensors[probs].columns, keep=keep)
    listed = c.banks.place(name, 1, depth_words(keep + 1))
    c.listing.add(
        "row_writer", index, list=1, rows=keep + 1, words=listed.words, target=listed.address,
        target_stride=listed.stride,
    )  # fmt: skip
    c.done.add(index)


def gathered(c: Context, index: int, context: Value, fields: dict[str, int]) -> dict[str, int]:
    """Append what the row writer does with a product's rows; return the product's fields for that.

    Args:
        c: the lowering, at the product.
        index: the op that keeps some rows of its result.
        context: the product's operand, by whose slot a placement waits.
        fields: for the normalisation of the kept rows.

    Raises:
        ToolsError: somebody else reads the product's result.
    """
    operation = c.operations[index]
    full, name = operation.operands["x"].tensor, operation.operands["dst"].tensor
    if c.reads(full) != [index]:
        raise c.refuse("rows that are dropped and read again")
    rows, kept = c.tensors[full].rows, c.tensors[name].rows
    words = depth_words(rows)
    identity = c.values[IDENTITY].columns(0, words).from_group(0, rows)
    chosen = c.banks.place(f"{name} of all", kept, words)
    c.values[operation.operands["index"].tensor] = chosen
    compact = {"direct": 1, "compact": 1, "rows": rows, "kept": kept}
    c.listing.add("engine", c.index, **placement(seen_by(identity, context), by_depth=False))
    c.listing.add(
        "row_writer", index, words=words, target=chosen.address, target_stride=chosen.stride,
        **compact,
    )  # fmt: skip
    c.listing.add(
        "engine", index, stream=ROW_WRITER, out_words=words, clear_slot=fields.pop("clear_slot"),
        **operand(identity),
    )  # fmt: skip
    value = c.banks.place(name, kept, depth_words(c.tensors[name].columns), c.slots.take(name))
    c.values[name] = value
    c.listing.add(
        "row_writer", index, words=value.words, target=value.address, target_stride=value.stride,
        slot=value.slot, **compact,
    )  # fmt: skip
    c.done.add(index)
    return {**fields, "stream": ROW_WRITER, "clear_slot": value.slot, "out_words": value.words}


def scatter(c: Context) -> None:
    """Multiply the gradient of the kept rows by the matrix of the list."""
    index, name = c.index, c.name("dst")
    dy, chosen = c.values[c.name("dy")], c.values[c.name("index")]
    rows = c.tensors[name].rows
    c.listing.add("engine", index, **placement(dy, by_depth=True))
    value = c.banks.place(name, rows, dy.words, c.slots.take(name))
    c.values[name] = value
    c.listing.add("engine", index, figure(index), **transposed(chosen, rows), **target(value))
    readers = [i for i in c.reads(name) if c.operations[i].opcode != "normalise_backward"]
    c.hold(value.slot, max(readers, default=None))
