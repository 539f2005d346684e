"""Commands of the gradient of attention, a head at a time; probabilities wait in the banks."""

from __future__ import annotations

from trivit.host.tiles import depth_words
from trivit.tools.training.schedule.context import (
    Context,
    complete,
    figure,
    operand,
    placement,
    seen_by,
    target,
    transposed,
)
from trivit.tools.training.schedule.listing import SOFTMAX_BACKWARD
from trivit.tools.training.schedule.values import Value


def attention_backward(c: Context) -> None:
    """Gradients of probabilities, scores, and of queries, keys and values."""
    index, operation = c.index, c.operation
    heads = int(operation.attributes["heads"])
    dy, qkv = c.values[c.name("dy")], complete(c.values[c.name("qkv")])
    probs = complete(c.values[c.name("probs")])
    rows, words = dy.rows, dy.words
    head_words, keys = words // heads, depth_words(rows)
    scores = c.banks.place(c.name("d_scores"), probs.rows, keys, c.slots.take(c.name("d_scores")))
    name = c.name("dst")
    result = c.banks.place(name, rows, 3 * words, c.slots.take(name))
    c.values[name] = result
    third = [0, words, 2 * words]

    def slice_of(value: Value, head: int, part: int = 0) -> Value:
        return value.columns(third[part] + head * head_words, head_words)

    for head in range(heads):
        q, k, v = (seen_by(slice_of(qkv, head, part), dy) for part in range(3))
        d_out, p = slice_of(dy, head), probs.from_group(head * dy.groups, rows)
        p.first = 0
        ds = scores.from_group(head * dy.groups, rows)
        ds.first = 0
        c.listing.add("engine", index, **placement(v, by_depth=False))
        sources = {f: (index, n) for f, n in _SOFTMAX.items()}
        c.listing.add("softmax_backward", index, figure(index, 1), sources, rows=rows, keys=rows)
        c.listing.add(
            "row_writer", index, backward=2, rows_outer=1, rows=rows, words=keys,
            target=ds.address, target_stride=ds.stride, slot=ds.slot,
        )  # fmt: skip
        c.listing.add(
            "engine", index, figure(index, 0), {"out_shift": (index, "probs_shift")},
            stream=SOFTMAX_BACKWARD, partner=1, rows_outer=1, has_residual=1,
            residual=p.address, target_stride=p.stride, out_words=keys, clear_slot=ds.slot,
            **operand(d_out),
        )  # fmt: skip
        steps = (
            (d_out, transposed(p, rows), 2, "value_shift"),
            (k, operand(ds), 0, "query_shift"),
            (q, transposed(ds, rows), 1, "query_shift"),
        )
        for number, (matrix, fields, part, shift) in enumerate(steps):
            c.listing.add("engine", index, **placement(matrix, by_depth=True))
            claim = head == 0 and number == 0
            c.listing.add(
                "engine", index, figure(index, 2), {"out_shift": (index, shift)},
                **fields, **target(slice_of(result, head, part), claim=claim),
            )  # fmt: skip
    c.slots.release(scores.slot)
    result.first = (3 * heads - 1) * result.groups
    c.hold(result.slot, max(c.reads(name), default=None))


_SOFTMAX = {"prob_frac": "prob_frac", "scale": "scale", "shift": "scores_shift"}
