"""Commands of the patch embedding, and of all loads that a step begins with."""

from __future__ import annotations

from trivit.host.generated.spec import PARAM_PORTS, TILE_TOKENS
from trivit.host.tiles import ceil_div, depth_words
from trivit.tools.training.schedule.context import Context, figure, operand
from trivit.tools.training.schedule.listing import IMAGES, PLANES, ROW_WRITER
from trivit.tools.training.schedule.readers import PRODUCT, normalised_slots, until_normalised
from trivit.tools.training.schedule.values import Value

#: Names of values that are no tensors of the program. SHIFTED: patches from row 1 on, row 0 zero.
ONES, SHIFTED, ZERO = "ones", "shifted patches", "a row of zeros"
IDENTITY = "identity"


def embedding(c: Context) -> None:
    """Load what a step needs, and make the rows of [CLS] and of the patches.

    Loads are in order and the patches of forward are the last, so whoever has seen these knows all.
    """
    operations = [i for i, o in enumerate(c.operations) if o.phase == "forward"][:3]
    opcodes = [c.operations[i].opcode for i in operations]
    if opcodes != ["patchify", "product", "cls_row"]:
        raise c.refuse("no product of patches and no row of [CLS] behind it")
    _, patch, cls = operations
    c.index = patch
    patches_name, image_words = c.operations[patch].operands["a"].tensor, _image_words(c)
    spec = c.tensors[patches_name]
    count, words, width = spec.rows - 1, depth_words(spec.columns), _width(c, patch)
    zero = c.banks.place(ZERO, 1, 1)
    c.values[ZERO] = zero
    zeros(c, zero)
    if any(o.opcode == "gather" for o in c.operations):
        _identity(c, spec.rows)
    if c.trains:
        _loads_of_backward(c, image_words, spec.rows)
    position = c.place_of(c.operations[cls].operands["position"].tensor)
    first = c.banks.place("position of [CLS]", 1, width)
    share = position.depth_words
    c.load(first, PLANES, position.address, position.segment, share, rows=1)
    # Positions of patches begin a row group: row 0 goes to the last bank of the one before.
    positions = c.banks.place("positions", TILE_TOKENS - 1 + spec.rows, width)
    c.load(
        positions, PLANES, position.address, position.segment, position.segment, rows=spec.rows,
        first_row=TILE_TOKENS - 1,
    )  # fmt: skip
    slot = c.slots.take(patches_name)
    patches = c.banks.place(patches_name, count, words, slot)
    segment = ceil_div(count, PARAM_PORTS) * words
    c.load(patches, IMAGES, 0, segment, segment, rows=count, slot=slot, complete=1)
    _rows(c, patch, cls, patches, positions.from_group(1, count), first)


def _rows(c: Context, patch: int, cls: int, patches: Value, positions: Value, first: Value) -> None:
    """Append the products of both kinds of rows; the row writer puts them together."""
    name = c.name("dst")
    x = c.banks.place(name, patches.rows + 1, first.words)
    c.values[name] = x
    fields = normalised_slots(c, name)
    normalised = {"clear_slot": fields.pop("clear_slot")}
    x.slot = c.slots.take(name)
    c.hold(x.slot, until_normalised(c, name))
    written = {"direct": 1, "words": x.words, "target": x.address, "target_stride": x.stride}
    # [CLS] is the bias of a matrix of zeros.
    token = c.operations[cls].operands["cls"].tensor
    c.fill(token, cls)
    c.listing.add("row_writer", cls, rows=1, **written)
    zero = c.values[ZERO]
    sources = {"bias_shift": "cls_shift", "residual_shift": "position_shift", "out_shift": "shift"}
    c.listing.add(
        "engine", cls, figure(cls), {f: (cls, n) for f, n in sources.items()}, fill=1, has_bias=1,
        has_residual=1, residual=first.address, target_stride=first.stride, stream=ROW_WRITER,
        out_words=x.words, **normalised,
        **{**operand(zero), "source_slot": patches.slot},
    )  # fmt: skip
    c.fill(c.name("b"), patch)
    c.listing.add("row_writer", patch, rows=patches.rows, first_row=1, slot=x.slot, **written)
    c.writers[name] = c.listing.add(
        "engine", patch, figure(patch), {f: (patch, n) for f, n in PRODUCT.items()}, fill=1,
        has_bias=1, has_residual=1, residual=positions.address, target_stride=positions.stride,
        stream=ROW_WRITER, out_words=x.words, clear_slot=x.slot, **fields, **operand(patches),
    )  # fmt: skip
    c.done |= {patch, cls}
    c.hold(patches.slot, cls)


def zeros(c: Context, value: Value) -> None:
    """Load zeros into all rows of a value; nobody counts them."""
    segment = ceil_div(value.rows, PARAM_PORTS) * value.words
    c.load(value, PLANES, c.ddr.zeros, 0, segment, rows=value.rows)


def _identity(c: Context, tokens: int) -> None:
    words = depth_words(tokens)
    identity = c.banks.place(IDENTITY, tokens, words)
    c.values[IDENTITY] = identity
    segment = ceil_div(tokens, PARAM_PORTS) * words
    c.load(identity, PLANES, c.ddr.identity, segment, segment, rows=tokens)


def _loads_of_backward(c: Context, image_words: int, tokens: int) -> None:
    ones = c.banks.place(ONES, 1, depth_words(tokens))
    c.values[ONES] = ones
    c.load(ones, PLANES, c.ddr.ones, 0, ones.words, rows=1)
    loss = next((o for o in c.operations if o.opcode == "cross_entropy"), None)
    if loss is None:
        raise c.refuse("a backward pass without a loss")
    name, wanted = (loss.operands[n].tensor for n in ("dst", "target"))
    classes = depth_words(c.tensors[name].columns)
    # Of the last normalisation's rows but [CLS] the gradient is zero, made of the second row group.
    dz = c.banks.place(name, 2 * TILE_TOKENS, classes)
    c.values[name] = dz
    zeros(c, dz)
    target = c.banks.place(wanted, 1, classes)
    c.values[wanted] = target
    c.load(target, IMAGES, image_words, 0, classes, rows=1)


def _image_words(c: Context) -> int:
    spec = c.tensors[c.operations[0].operands["dst"].tensor]
    share = ceil_div(spec.rows - 1, PARAM_PORTS)
    return PARAM_PORTS * share * depth_words(spec.columns)


def _width(c: Context, patch: int) -> int:
    return depth_words(c.tensors[c.operations[patch].operands["dst"].tensor].columns)
