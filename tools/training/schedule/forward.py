"""Commands of forward: what backward reads stays in the banks."""

from __future__ import annotations

from trivit.host.generated.spec import TILE_TOKENS
from trivit.host.tiles import ceil_div, depth_words
from trivit.tools.training.schedule.context import (
    Context,
    figure,
    operand,
    placement,
    target,
)
from trivit.tools.training.schedule.listing import (
    ALL_PORTS,
    CROSS_ENTROPY,
    GELU,
    OUTPUT,
    PLANES,
    SOFTMAX,
)
from trivit.tools.training.schedule.readers import PRODUCT, normalised_slots, until_normalised
from trivit.tools.training.schedule.selection import gathered, select, selected_from
from trivit.tools.training.schedule.values import Value


def normalise(c: Context) -> None:
    """Normalise rows that a product before announced."""
    index, name = c.index, c.name("dst")
    spec, x = c.tensors[name], c.values[c.name("x")]
    value = c.banks.place(name, spec.rows, x.words, c.reserved.pop(name))
    c.values[name] = value
    c.normalised_from[name] = x.name
    rows = {"rows": spec.rows, "words": x.words}
    c.listing.add(
        "row_reader", index, source=x.address, source_stride=x.stride, slot=x.slot, first=x.first,
        **rows,
    )  # fmt: skip
    load_vectors(c, c.name("gamma"))
    numbers = ("inv_width", "sqrt_width", "epsilon", "beta_shift", "norm_shift")
    sources = {n: (index, n) for n in numbers}
    c.listing.add("normalise", index, figure(index), sources, **rows)
    c.listing.add(
        "norm_writer", index, target=value.address, target_stride=value.stride, slot=value.slot,
        **rows,
    )  # fmt: skip
    move_vectors(c, c.name("gamma"), c.name("beta"))
    c.hold(value.slot, min(c.reads(name), default=None))


def load_vectors(c: Context, low: str, backward: bool = False) -> None:
    """Take two vectors that moves bring, for a normalisation that has its rows."""
    words = c.place_of(low).depth_words
    c.listing.add("load", c.index, vectors=1, backward=int(backward), words=words)


def move_vectors(c: Context, low: str, high: str, fenced: bool = False) -> None:
    """Bring two vectors, a word of each in turn.

    The moves fill their queue, and the sequencer waits with all commands behind them. So whoever
    takes the words has its commands before them.
    """
    places = c.place_of(low), c.place_of(high)
    for word in range(places[0].depth_words):
        for place in places:
            first = fenced and word == 0 and place is places[0]
            c.listing.add(
                "move_rows", c.index, base=PLANES, ports=1, words=1, address=place.address + word,
                fenced=int(first),
            )  # fmt: skip


def product(c: Context) -> None:
    """Multiply by a parameter: queries, projections, the MLP and the classifier."""
    index, name = c.index, c.name("dst")
    a, weight = c.values[c.name("a")], c.name("b")
    place = c.place_of(weight)
    rows, words = c.tensors[name].rows, depth_words(place.rows)
    sources = {f: (index, n) for f, n in PRODUCT.items()}
    fields = {"fill": 1, "has_bias": 1}
    if "addend" in c.operation.operands:
        addend = c.values[c.name("addend")]
        fields |= {"has_residual": 1, "residual": addend.address}
    gather = c.reader(name, "gather", "x")
    if gather is not None:
        kept = c.operations[gather].operands["dst"].tensor
        fields |= gathered(c, gather, a, normalised_slots(c, kept))
        c.hold(fields["clear_slot"], until_normalised(c, kept))
        c.fill(weight, index)
        stride = {"target_stride": fields["out_words"]}  # of the residual
        c.listing.add("engine", index, figure(index), sources, **fields, **stride, **operand(a))
        return
    result = c.banks.place(name, rows, words, c.slots.take(name))
    c.values[name] = result
    c.fill(weight, index)
    figures = figure(index)
    a_read = a.from_group(0, rows)
    activation = c.reader(name, "gelu", "x")
    if activation is not None:
        fields |= _gelu(c, activation, result)
    elif name == c.program.logits:
        fields |= _logits(c, result, a)
    else:
        fields |= normalised_slots(c, name)
        c.hold(result.slot, until_normalised(c, name))
    hidden = c.hidden_slots.pop(a.name, 0)
    if hidden:  # the GELU's input is complete with these rows: backward reads it
        fields |= {"residual_slot": hidden}
        if not fields.get("has_residual"):
            raise c.refuse("no residual behind a GELU")
    draft = c.listing.add(
        "engine", index, figures, sources, **fields, **operand(a_read), **target(result)
    )
    c.writers[name] = draft
    if name == c.program.logits:
        _store_logits(c, result)


def _gelu(c: Context, index: int, hidden: Value) -> dict[str, int]:
    """Append what GELU does with a product's rows; return the product's fields for that."""
    name = c.operations[index].operands["dst"].tensor
    rows, words = hidden.rows, hidden.words
    value = c.banks.place(name, rows, words, c.slots.take(name))
    c.values[name] = value
    tile_rows = ceil_div(words, 4) * rows
    sources = {n: (index, n) for n in ("in_frac", "out_frac")}
    c.listing.add("gelu", index, figure(index), sources, tile_rows=tile_rows)
    c.listing.add(
        "row_writer", index, rows=rows, words=words, target=value.address,
        target_stride=value.stride, slot=value.slot,
    )  # fmt: skip
    c.done.add(index)
    reader = min(i for i in c.reads(name) if c.operations[i].opcode == "product")
    c.hold(value.slot, reader)
    c.hold(hidden.slot, reader)
    c.hidden_slots[name] = hidden.slot
    return {"stream": GELU, "clear_slot": value.slot}


def _logits(c: Context, logits: Value, norm: Value) -> dict[str, int]:
    """Append what the loss does with the logits; return the product's fields for that."""
    fields = {"announce_store": 1}
    index = c.reader(logits.name, "cross_entropy", "logits")
    if index is None:
        return fields
    operation = c.operations[index]
    name = operation.operands["dst"].tensor
    dz = c.values[name]
    dz.slot = c.slots.take(name)
    numbers = ("exp_multiplier", "exp_shift", "frac")
    sources = {n: (index, n) for n in numbers}
    classes = c.tensors[name].columns
    c.listing.add("cross_entropy", index, figure(index), sources, classes=classes)
    c.listing.add(
        "row_writer", index, backward=3, rows=1, words=dz.words, target=dz.address,
        target_stride=dz.stride, slot=dz.slot,
    )  # fmt: skip
    c.done.add(index)
    c.hold(dz.slot, max(c.reads(name), default=None))
    wanted = c.values[operation.operands["target"].tensor]
    # The last rows of what was normalised are complete with this product: backward reads them.
    last = c.values[c.normalised_from[norm.name]]
    return fields | {
        "stream": CROSS_ENTROPY,
        "partner": 1,
        "has_residual": 1,
        "residual": wanted.address,
        "residual_slot": last.slot,
        "residual_first": last.first + last.groups - 1,
        "clear_slot": dz.slot,
    }


def _store_logits(c: Context, logits: Value) -> None:
    c.listing.add("move_store", c.index, base=OUTPUT, ports=1, words=logits.words, address=0)
    c.listing.add(
        "store", c.index, rows=1, words=logits.words, source=logits.address,
        source_stride=logits.stride, slot=logits.slot,
    )  # fmt: skip
    c.slots.stored(logits.slot)


def attention(c: Context) -> None:
    """Scores, probabilities and context of each head in turn."""
    index, operation = c.index, c.operation
    qkv = c.values[c.name("qkv")]
    heads, rows = int(operation.attributes["heads"]), qkv.rows
    words = qkv.words // 3
    head_words = words // heads
    if qkv.words % (3 * heads) or c.tensors[c.name("qkv")].columns % (24 * heads):
        raise c.refuse("heads whose width is no multiple of 8")
    keys = depth_words(rows)
    probs = c.banks.place(c.name("probs"), heads * qkv.groups * TILE_TOKENS, keys)
    probs.slot = c.slots.take(probs.name)
    c.values[probs.name] = probs
    context = c.banks.place(c.name("dst"), rows, words, c.slots.take(c.name("dst")))
    c.values[context.name] = context
    selects = selected_from(c, probs.name)
    for head in range(heads):
        q, k, v = (qkv.columns(t * words + head * head_words, head_words) for t in range(3))
        p = probs.from_group(head * qkv.groups, rows)
        p.first = 0
        c.listing.add("engine", index, **placement(k, by_depth=False))
        sources = {n: (index, n) for n in ("exp_multiplier", "exp_shift", "prob_frac")}
        c.listing.add(
            "softmax", index, figure(index, 1), sources, heads=1, rows=rows, keys=rows,
            send_cls=int(selects),
        )  # fmt: skip
        c.listing.add(
            "softmax_writer", index, heads=1, rows=rows, words=keys, target=p.address,
            target_stride=p.stride, slot=p.slot,
        )  # fmt: skip
        c.listing.add(
            "engine", index, figure(index, 0), {"out_shift": (index, "score_shift")},
            stream=SOFTMAX, rows_outer=1, clear_slot=p.slot, out_words=keys, **operand(q),
        )  # fmt: skip
        c.listing.add("engine", index, **placement(v, by_depth=True))
        there = context.columns(head * head_words, head_words)
        c.listing.add(
            "engine", index, figure(index, 2), {"out_shift": (index, "out_shift")},
            **operand(p), **target(there, claim=head == 0),
        )  # fmt: skip
    if selects:
        select(c, probs.name)
    c.slots.release(probs.slot)
    probs.slot = 0
    context.first = (heads - 1) * context.groups
    c.hold(context.slot, min(c.reads(context.name), default=None))


def store_rows(c: Context, value: Value, address: int, segment: int) -> None:
    """Store rows that a product announces in a plane, row i in port i mod 4.

    A single row goes to port 0 alone: the other ports would get what lies in the banks behind it.
    """
    spread = value.rows > 1
    c.listing.add(
        "move_store", c.index, base=PLANES, ports=ALL_PORTS if spread else 1, words=segment,
        address=address, port_stride=segment,
    )  # fmt: skip
    c.listing.add(
        "store", c.index, spread=int(spread), rows=value.rows, words=value.words,
        source=value.address, source_stride=value.stride, slot=value.slot, first=value.first,
    )  # fmt: skip
