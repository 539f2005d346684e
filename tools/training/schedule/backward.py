"""Commands of backward: products, the gradients of GELU and of normalisations."""

from __future__ import annotations

from trivit.host.generated.spec import TILE_TOKENS
from trivit.host.tiles import ceil_div, depth_words
from trivit.host.training.accelerator.schedule import Figure
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
from trivit.tools.training.schedule.embedding import ONES, ZERO
from trivit.tools.training.schedule.forward import load_vectors, move_vectors, store_rows
from trivit.tools.training.schedule.listing import ALL_PORTS, GELU_BACKWARD, MATRIX, PLANES
from trivit.tools.training.schedule.readers import normalised_slots
from trivit.tools.training.schedule.values import Value
from trivit.tools.training.schedule.waiting import shifted_patches

_SHIFT = {"out_shift": "shift"}


def by_columns(c: Context, weight: str) -> None:
    """Append a matrix to the ring as it multiplies gradients: outputs are depth."""
    place = c.place_of(weight)
    groups = depth_words(place.rows)
    c.listing.add(
        "move_weights", c.index, base=PLANES, ports=ALL_PORTS, words=place.depth_words,
        address=place.address + 1, port_stride=place.segment, groups=groups,
    )  # fmt: skip
    c.listing.add(
        "engine", c.index, place=1, fill=1, transposed=1, depth_words=groups,
        out_words=place.depth_words,
    )  # fmt: skip


def product(c: Context) -> None:
    """The gradient of a product's input, dX = dY·W, or of its weight, dW = dYᵀ·X."""
    if c.operation.attributes.get("transpose_a"):
        _weight_gradient(c)
    else:
        _input_gradient(c)


def _input_gradient(c: Context) -> None:
    index, name = c.index, c.name("dst")
    if "addend" in c.operation.operands:
        raise c.refuse("a gradient that another reader adds to")
    dy, words = c.values[c.name("a")], depth_words(c.tensors[name].columns)
    sources = {f: (index, n) for f, n in _SHIFT.items()}
    gelu = c.reader(name, "gelu_backward", "dy")
    if gelu is not None:
        _through_gelu(c, gelu, dy, words)
        return
    normalised = c.reader(name, "normalise_backward", "dy")
    loss = c.tensors[c.name("a")].rows == 1
    rows = dy.rows
    if loss and normalised is not None:  # row_reader wants all
        rows = c.tensors[c.operations[normalised].operands["dst"].tensor].rows
    value = c.banks.place(name, rows, words, c.slots.take(name))
    c.values[name] = value
    fields = normalised_slots(c, name)
    if normalised is not None:  # dgamma is stored
        fields["announce_store"] = 1
    by_columns(c, c.name("b"))
    # Of the loss's gradient one row group is counted, zeros for all others are the second one.
    split = min(rows, TILE_TOKENS) if loss else rows
    draft = c.listing.add(
        "engine", index, figure(index), sources, keep=int(split < rows), **fields,
        **operand(dy.from_group(0, split)), **target(value),
    )  # fmt: skip
    c.writers[name] = draft
    if split < rows:
        rest = {**operand(complete(dy.from_group(1, rows - split))), "source_stride": 0}
        below = value.from_group(1, rows - split)
        c.listing.add("engine", index, figure(index), sources, **rest, **target(below, claim=False))
    until = max(c.reads(name), default=None)
    if normalised is not None and until is not None:
        behind = c.reads(c.operations[normalised].operands["dst"].tensor)
        until = max(until, min(behind)) if behind else None
    c.hold(value.slot, until)


def _through_gelu(c: Context, gelu: int, dy: Value, words: int) -> None:
    """dY·W goes to the block with what GELU read, and what comes from there is the gradient."""
    index, operation = c.index, c.operations[gelu]
    name = operation.operands["dst"].tensor
    x = c.values[operation.operands["x"].tensor]
    value = c.banks.place(name, dy.rows, words, c.slots.take(name))
    c.values[name] = value
    by_columns(c, c.name("b"))
    sources = {n: (gelu, n) for n in ("in_frac", "shift")}
    c.listing.add(
        "gelu_backward", gelu, figure(gelu), sources, tile_rows=ceil_div(words, 4) * dy.rows
    )
    c.listing.add(
        "row_writer", gelu, backward=1, rows=dy.rows, words=words, target=value.address,
        target_stride=value.stride, slot=value.slot,
    )  # fmt: skip
    c.listing.add(
        "engine", index, figure(index), {f: (index, n) for f, n in _SHIFT.items()},
        stream=GELU_BACKWARD, partner=1, has_residual=1, residual=x.address,
        target_stride=x.stride, out_words=words, clear_slot=value.slot, **operand(dy),
    )  # fmt: skip
    c.done.add(gelu)
    c.hold(value.slot, max(c.reads(name), default=None))


def _weight_gradient(c: Context) -> None:
    """dW goes to the plane of gradients, with the biases' gradients where biases lie."""
    index, weight = c.index, _parameter(c, c.name("dst"))
    place = c.place_of(weight)
    first = c.operation.operands["a"].first
    dy_spec, x_name = c.tensors[c.name("a")], c.name("b")
    dy = c.values[c.name("a")].from_group(0, dy_spec.rows)
    if first:
        if first != 1 or c.operations[0].operands["dst"].tensor != x_name:
            raise c.refuse("a gradient of some rows")
        x_name = shifted_patches(c)
    x = c.values[x_name].from_group(0, dy_spec.rows)
    bias = c.ddr.biases.get(weight)
    sums = None
    for other in c.reads(c.name("a")):
        operation = c.operations[other]
        if operation.opcode == "column_sums" and bias == _parameter(
            c, operation.operands["dst"].tensor
        ):
            sums = other
    figures: list[Figure | None] = [Figure(index, 0)]
    sources = {"out_shift": (index, "shift")}
    if sums is not None:
        figures.append(Figure(sums, 0))
        sources["sum_shift"] = (sums, "shift")
        c.done.add(sums)
    matrix_gradient(c, weight, place.rows, x, dy, figures, sources, sums is not None, first)


def matrix_gradient(
    c: Context,
    parameter: str,
    rows: int,
    x: Value,
    dy: Value,
    figures: list[Figure | None],
    sources: dict[str, tuple[int, str]],
    sums: bool,
    first: int = 0,
    **fields: int,
) -> None:
    """Append a product whose result is stored among the gradients."""
    place, planes = c.place_of(parameter), c.ddr.planes
    c.listing.add("engine", c.index, **placement(seen_by(x, dy), by_depth=True))
    start = planes.names.index("gradient") * planes.words + place.address + 1
    c.listing.add(
        "move_store", c.index, base=PLANES, ports=ALL_PORTS, words=x.words, address=start,
        port_stride=place.segment, groups=depth_words(rows), bias=int(sums),
    )  # fmt: skip
    c.listing.add(
        "engine", c.index, figures, sources, stream=MATRIX, sums=int(sums), skip_first=first,
        out_words=x.words, **fields, **transposed(dy, rows),
    )  # fmt: skip


def normalise_backward(c: Context) -> None:
    """The gradient of rows that were normalised, and of gamma behind them."""
    index, name = c.index, c.name("dst")
    dy, x = c.values[c.name("dy")], c.values[c.name("x")]
    spec, gamma = c.tensors[name], c.name("gamma")
    addend = c.values[c.name("addend")] if "addend" in c.operation.operands else None
    slot = c.reserved.pop(name)
    value = c.values.get(name) or c.banks.place(name, spec.rows, x.words)
    value.slot = slot
    dgamma = c.banks.place(f"{gamma}.grad", 1, x.words, slot)
    dgamma.first = value.groups
    c.values[name] = value
    rows = {"rows": spec.rows, "words": x.words}
    third = {} if addend is None else {"third": addend.address}
    c.listing.add(
        "row_reader", index, tensors=2 if addend is None else 3, source=dy.address,
        source_stride=dy.stride, slot=dy.slot, first=dy.first, second=x.address, **third, **rows,
    )  # fmt: skip
    load_vectors(c, gamma, backward=True)
    numbers = ("inv_width", "sqrt_width", "epsilon", "shift", "addend_shift")
    sources = {n: (index, n) for n in numbers}
    gamma_op = c.reader(c.name("dy"), "normalise_gamma", "dy")
    figures: list[Figure | None] = [Figure(index, 0), None]
    if gamma_op is not None:
        figures[1] = Figure(gamma_op, 0)
        sources["gamma_shift"] = (gamma_op, "shift")
        c.done.add(gamma_op)
    c.listing.add(
        "normalise_backward", index, figures, sources, normalised=c.tensors[c.name("dy")].rows,
        addend=int(addend is not None), **rows,
    )  # fmt: skip
    for written, count in ((value, spec.rows), (dgamma, 1)):
        c.listing.add(
            "norm_writer", index, backward=1, rows=count, words=x.words, target=written.address,
            target_stride=written.stride, slot=slot,
        )  # fmt: skip
    known = c.slots.fence()
    move_vectors(c, gamma, gamma, fenced=bool(known))
    consumer = min(c.reads(name), default=None)
    for stored in known:
        c.hold(stored, consumer)
    store_vector(c, gamma, dgamma)
    products = [i for i in c.reads(name) if c.operations[i].opcode != "normalise_backward"]
    c.hold(slot, max(products, default=None), stored=True)


def column_sums(c: Context) -> None:
    """The gradient of beta: a row of ones times the gradient of normalised rows."""
    beta = _parameter(c, c.name("dst"))
    dy = c.values[c.name("dy")]
    ones = c.values[ONES]
    c.listing.add("engine", c.index, **placement(dy, by_depth=True))
    value = c.banks.place(c.name("dst"), 1, dy.words, c.slots.take(c.name("dst")))
    row = replace_words(ones, dy.groups)
    c.listing.add(
        "engine", c.index, figure(c.index), {"out_shift": (c.index, "shift")}, announce_store=1,
        **operand(row), **target(value),
    )  # fmt: skip
    store_vector(c, beta, value)
    c.slots.stored(value.slot)


def replace_words(value: Value, words: int) -> Value:
    """Return the first words of each row."""
    return value.columns(0, words)


def store_vector(c: Context, parameter: str, value: Value) -> None:
    """Store the gradient of a vector in its plane."""
    planes, place = c.ddr.planes, c.place_of(parameter)
    start = planes.names.index("gradient") * planes.words + place.address
    store_rows(c, value, start, place.segment)


def embedding_gradients(c: Context, rows: str) -> None:
    """Store the gradients of positions and of [CLS] from that of the embedded rows."""
    cls = next(o for o in c.operations if o.opcode == "cls_row")
    position, token = (cls.operands[n].tensor for n in ("position", "cls"))
    dx = c.values[rows]
    matrix_gradient(
        c, token, c.place_of(token).rows, c.values[ZERO], dx.from_group(0, 1), [None, None], {},
        True, announce_store=1,
    )  # fmt: skip
    store_vector(c, position, dx)


def _parameter(c: Context, gradient: str) -> str:
    """Return the parameter that a gradient is of."""
    return c.tensors[gradient].of
