"""Commands of products with weights from DDR, and of what stands around them."""

from __future__ import annotations

import numpy as np

from trivit.host.generated.spec import (
    ENGINE_SUM_BITS,
    PARAM_PORTS,
    TILE_DEPTH,
    WEIGHT_DEPTH,
    WEIGHT_TILES,
)
from trivit.host.oracle.checks import column_tiles
from trivit.host.schedule import port_order
from trivit.host.tiles import ceil_div
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.listing import (
    ALL_PORTS,
    GELU,
    IMAGES,
    OUTPUT,
    PARAMS,
    ROW_WRITER,
    Listing,
)
from trivit.tools.schedule.operations import Load, Network, Product, Store

MAX_ALIGN = ENGINE_SUM_BITS - 17  # shift of a bias or residual into the sum
_RING_FOR_MATRIX = WEIGHT_DEPTH * 3 // 4  # the rest is for the next matrix
_NORM_CLOCKS = 4  # of normalisation, for a word of a row group


def loads(listing: Listing, network: Network) -> None:
    """Bring the constant row 0 of the tokens, the positions and the patches.

    Row 0 first: whoever sees the first row group of patches knows that it is there.
    """
    row, positions, patches = network.cls_row, network.positions, network.patches
    words = row.value.words
    # All ports bring it, those of rows that do not exist for nothing.
    _move_rows(listing, row.tag, base=PARAMS, address=row.source, words=words)
    listing.add(
        "load",
        row.tag,
        rows=1,
        words=words,
        target=listing.plan.address[row.value],
        target_stride=words,
    )
    value = positions.value
    block = listing.rows(positions.source, value.rows * value.words)
    address = listing.store_params(port_order(block.reshape(value.rows, -1)))
    _load(listing, positions, PARAMS, address)
    _load(listing, patches, IMAGES, 0)


def _load(listing: Listing, load: Load, base: int, address: int) -> None:
    value = load.value
    words = ceil_div(value.rows, PARAM_PORTS) * value.words
    _move_rows(listing, load.tag, base=base, address=address, words=words, port_stride=words)
    listing.add(
        "load",
        load.tag,
        rows=value.rows,
        words=value.words,
        target=listing.plan.address[value],
        target_stride=value.words,
        slot=listing.plan.slot[value],
        complete=1,
    )
    listing.watch(value, "load", load.first_row)


def _move_rows(listing: Listing, tag: int, *, ports: int = ALL_PORTS, **fields: int) -> None:
    listing.add("move_rows", tag, ports=ports, **fields)


def norm(listing: Listing, product: Product) -> None:
    """Normalise the rows of a product's source, behind the product that writes them."""
    assert product.norm is not None
    f, tag = product.fields, product.tag
    source, result, words = product.norm.source, product.norm.result, product.source.words
    vectors = [listing.rows(f[name], words).reshape(words, -1) for name in ("gamma", "beta")]
    address = listing.store_params(np.stack(vectors, axis=1).reshape(-1))
    listing.add(
        "row_reader",
        tag,
        rows=product.rows,
        words=words,
        source=listing.plan.address[source],
        source_stride=words,
        slot=listing.plan.slot[source],
        first=source.first,
    )
    listing.add(
        "normalise",
        tag,
        rows=product.rows,
        words=words,
        **{
            name: _shift(product, name, f[name], 31) if name.endswith("shift") else f[name]
            for name in ("beta_shift", "norm_shift", "inv_width", "sqrt_width", "epsilon")
        },
    )
    _move_rows(listing, tag, ports=1, base=PARAMS, address=address, words=2 * words)
    listing.add("load", tag, vectors=1, words=words)
    listing.add(
        "norm_writer",
        tag,
        rows=product.rows,
        words=words,
        target=listing.plan.address[result],
        target_stride=words,
        slot=listing.plan.slot[result],
    )


def store(listing: Listing, wanted: Store) -> None:
    """Bring a value to the output region."""
    value, tag = wanted.value, wanted.tag
    words = value.rows * value.words
    listing.add("move_store", tag, base=OUTPUT, ports=1, address=wanted.target, words=words)
    listing.add(
        "store",
        tag,
        rows=value.rows,
        words=value.words,
        source=listing.plan.address[value],
        source_stride=value.words,
        slot=listing.plan.slot[value],
        first=value.first,
    )


def is_rows_outer(product: Product, normalised: bool) -> bool:
    """Whether a product takes row groups outer, tiles inner.

    Its row groups are then complete one after the other, not all in the last tile; that helps when
    normalisation, which follows, takes longer than a row group of a tile. The matrix must fit the
    ring and leave room.
    """
    depth, words = product.source.words, product.output.words
    tiles = column_tiles(words)
    return (
        normalised
        and depth < _NORM_CLOCKS * words
        and tiles * depth <= _RING_FOR_MATRIX
        and tiles <= WEIGHT_TILES
    )


def product(listing: Listing, number: int, operation: Product) -> None:
    """Emit a product with all that brings its weights and takes its rows."""
    plan, f, tag, output = listing.plan, operation.fields, operation.tag, operation.output
    depth, out_words = operation.source.words, f["out_words"]
    tiles = column_tiles(out_words)
    announced = plan.norms.get(number)
    normalised = announced is not None and announced.norm is not None
    outer = is_rows_outer(operation, normalised)
    if operation.gelu:
        listing.add(
            "gelu",
            tag,
            in_frac=f["gelu_in_frac"],
            out_frac=f["gelu_out_frac"],
            tile_rows=tiles * operation.rows,
        )
    if operation.streams:
        listing.add(
            "row_writer",
            tag,
            direct=not operation.gelu,
            rows_outer=outer,
            compact=operation.kept is not None,
            first_row=operation.first_row,
            rows=operation.rows,
            kept=0 if operation.kept is None else output.rows,
            words=out_words,
            target=plan.address[output],
            target_stride=out_words,
            slot=plan.slot[output],
        )
    words = tiles * (1 + TILE_DEPTH * depth)
    listing.add(
        "move_weights",
        tag,
        base=PARAMS,
        ports=ALL_PORTS,
        address=f["weight"],
        words=words,
        port_stride=words,
    )
    listing.ring.append(f"matrix {number}", tiles * depth)
    residual = operation.residual
    cleared = plan.clears[number]
    listing.add(
        "engine",
        tag,
        rows_outer=outer,
        has_bias=1,
        has_residual=residual is not None,
        to_banks=not operation.streams,
        stream=(GELU if operation.gelu else ROW_WRITER) if operation.streams else 0,
        fill=1,
        claim=not operation.streams,
        announce_reader=normalised,
        announce_store=number in plan.stores,
        source_slot=plan.slot[operation.source],
        residual_slot=0 if residual is None else plan.slot[residual],
        target_slot=0 if operation.streams else plan.slot[output],
        clear_slot=plan.slot[cleared[0]] if cleared else 0,
        ring_offset=listing.ring.offset(f"matrix {number}"),
        source_first=operation.source.first,
        residual_first=0 if residual is None else residual.first,
        source=plan.address[operation.source],
        source_stride=depth,
        residual=0 if residual is None else plan.address[residual],
        target=0 if operation.streams else plan.address[output],
        target_stride=out_words,
        rows=operation.rows,
        depth_words=depth,
        out_words=out_words,
        bias_shift=_shift(operation, "bias_shift", f["bias_shift"], MAX_ALIGN),
        residual_shift=_shift(operation, "residual_shift", f["residual_shift"], MAX_ALIGN),
        out_shift=_shift(operation, "out_shift", f["out_shift"], 31),
    )
    listing.ring.release(f"matrix {number}")
    listing.watch(output, "row_writer" if operation.streams else "engine")


def _shift(operation: Product, name: str, value: int, largest: int) -> int:
    if not 0 <= value <= largest:
        raise ToolsError(
            f"instruction {operation.tag} (matmul for '{operation.output.name}') has {name} "
            f"{value}, the next kernel has 0..{largest}: quantize with closer fraction lengths"
        )
    return value
