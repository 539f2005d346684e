"""Commands of the gradient of attention, a head at a time; probabilities wait in the banks."""

from __future__ import annotations

from dataclasses import replace

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
from trivit.tools.training.schedule.listing import SOFTMAX, SOFTMAX_BACKWARD
from trivit.tools.training.schedule.values import Value


def attention_backward(c: Context) -> None:
    """Gradients of probabilities, scores, and of queries, keys and values."""
    index, operation = c.index, c.operation
    heads = int(operation.attributes["heads"])
    dy, qkv = c.values[c.name("dy")], complete(c.values[c.name("qkv")])
    rows, words = dy.rows, dy.words
    again = c.name("probs") in c.waiting.again
    probs = c.values[c.name("probs")]
    if again:
        slot = c.slots.take(probs.name)
        probs = c.banks.place(f"{probs.name} again", rows, depth_words(rows), slot)
    else:
        probs = complete(probs)
    head_words, keys = words // heads, depth_words(rows)
    ds = c.banks.place(c.name("d_scores"), rows, keys, c.slots.take(c.name("d_scores")))
    name = c.name("dst")
    result = c.banks.place(name, rows, 3 * words, c.slots.take(name))
    c.values[name] = result
    third = [0, words, 2 * words]

    def slice_of(value: Value, head: int, part: int = 0) -> Value:
        return value.columns(third[part] + head * head_words, head_words)

    for head in range(heads):
        q, k, v = (seen_by(slice_of(qkv, head, part), dy) for part in range(3))
        d_out, p = slice_of(dy, head), probs
        if again:
            _probabilities(c, q, k, p)
        else:
            p = replace(probs.from_group(head * dy.groups, rows), first=0)
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
            residual=p.address, residual_slot=p.slot, target_stride=p.stride, out_words=keys,
            clear_slot=ds.slot,
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
    c.slots.release(ds.slot)
    if again:
        c.slots.release(probs.slot)
    result.first = (3 * heads - 1) * result.groups
    c.hold(result.slot, max(c.reads(name), default=None))


def _probabilities(c: Context, q: Value, k: Value, p: Value) -> None:
    """Append scores and softmax of a head again, as forward had them; nothing is counted."""
    forward = next(
        i
        for i, o in enumerate(c.operations)
        if o.opcode == "attention" and o.operands["probs"].tensor == c.name("probs")
    )
    c.listing.add("engine", c.index, **placement(k, by_depth=False))
    sources = {n: (forward, n) for n in ("exp_multiplier", "exp_shift", "prob_frac")}
    c.listing.add("softmax", c.index, [None], sources, heads=1, rows=p.rows, keys=p.rows)
    c.listing.add(
        "softmax_writer", c.index, heads=1, rows=p.rows, words=p.words, target=p.address,
        target_stride=p.stride, slot=p.slot,
    )  # fmt: skip
    c.listing.add(
        "engine", c.index, [None], {"out_shift": (forward, "score_shift")}, stream=SOFTMAX,
        rows_outer=1, clear_slot=p.slot, out_words=p.words, **operand(q),
    )  # fmt: skip


_SOFTMAX = {"prob_frac": "prob_frac", "scale": "scale", "shift": "scores_shift"}
