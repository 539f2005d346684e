"""Commands of products with weights from DDR, and of what stands around them."""

from __future__ import annotations

import numpy as np

from trivit.host.generated.spec import (
    ENGINE_MAX_ALIGN,
    PARAM_PORTS,
    TILE_DEPTH,
    TILE_TOKENS,
)
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import ceil_div
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.listing import (
    ALL_PORTS,
    GELU,
    OUTPUT,
    PARAMS,
    ROW_WRITER,
    Listing,
)
from trivit.tools.schedule.operations import Product, Reload, Store
from trivit.tools.schedule.parts import Part

ROWS = 2 * TILE_TOKENS  # that are loaded in turn from several places
_LOADED_WORDS = 96  # of a port, in a load at least: between two it rests


def vectors(listing: Listing, product: Product) -> None:
    """Bring gamma and beta; behind all loads before, since they wait for their rows."""
    f, words = product.fields, product.source.words
    pair = [listing.rows(f[name], words).reshape(words, -1) for name in ("gamma", "beta")]
    address = listing.store_params(np.stack(pair, axis=1).reshape(-1))
    listing.add("move_rows", product.tag, ports=1, base=PARAMS, address=address, words=2 * words)
    listing.add("load", product.tag, vectors=1, words=words)


def norm(listing: Listing, product: Product) -> None:
    """Normalise the rows of a product's source, behind the product that writes them."""
    assert product.norm is not None
    f, tag = product.fields, product.tag
    source, result, words = product.norm.source, product.norm.result, product.source.words
    listing.add(
        "row_reader",
        tag,
        rows=product.rows,
        words=words,
        source=listing.plan.address[source] + product.reads_from * words,
        source_stride=words,
        slot=listing.plan.slot[source],
        first=source.first + product.reads_from,
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
    """Bring a value to the output region, where one that waits is spread over the ports."""
    value, tag = wanted.value, wanted.tag
    waits = wanted.target is None
    if wanted.target is None:
        ports, address, words = ALL_PORTS, listing.wait(value), listing.segment(value)
    else:
        ports, address, words = 1, wanted.target, value.rows * value.words
    listing.add(
        "move_store",
        tag,
        base=OUTPUT,
        ports=ports,
        address=address,
        words=words,
        port_stride=words if waits else 0,
    )
    listing.add(
        "store",
        tag,
        rows=value.rows,
        words=value.words,
        source=listing.plan.address[value],
        source_stride=value.words,
        slot=listing.plan.slot[value],
        first=value.first,
        spread=waits,
    )


def reload(listing: Listing, tag: int, wanted: Reload) -> None:
    """Load rows that wait in DDR, some of all pieces in turn."""
    value = wanted.value
    narrowest = min(piece.words for piece, _ in wanted.pieces)
    some = max(ROWS, TILE_TOKENS * ceil_div(_LOADED_WORDS * PARAM_PORTS, TILE_TOKENS * narrowest))
    for first in range(0, value.rows, some):
        rows = min(some, value.rows - first)
        for piece, column in wanted.pieces:
            words = min(piece.words, value.words)
            listing.add(
                "move_rows",
                tag,
                fenced=1,
                ports=ALL_PORTS,
                base=OUTPUT,
                address=listing.waiting[piece] + first // PARAM_PORTS * piece.words,
                words=ceil_div(rows, PARAM_PORTS) * words,
                port_stride=listing.segment(piece),
            )
            listing.add(
                "load",
                tag,
                first_row=first,
                rows=rows,
                words=words,
                target=listing.plan.address[value] + column,
                target_stride=value.words,
                slot=listing.plan.slot[value],
                complete=piece is wanted.last,
            )
    listing.watch(value, "load")


def product(listing: Listing, number: int, operation: Product) -> None:
    """Emit a product with all that brings its weights and takes its rows."""
    for index in range(len(listing.plan.parts[operation])):
        part(listing, number, operation, index)
        if index == 0 and operation.reload is not None:
            # What has come is computed meanwhile; weights of other parts come behind these rows.
            reload(listing, operation.tag, operation.reload)
            if number in listing.plan.norms:
                vectors(listing, listing.plan.norms[number])
    written(listing, operation)


def written(listing: Listing, operation: Product) -> None:
    """Note that the result is complete with the commands so far, if it is."""
    if operation.completes:
        listing.watch(operation.output, "row_writer" if operation.streams else "engine")


def part(listing: Listing, number: int, operation: Product, index: int) -> None:
    """Emit one of the products that a matrix product is made of."""
    parts = listing.plan.parts[operation]
    if operation.streams:
        _taker(listing, operation, parts[index], last=index == len(parts) - 1)
    _multiply(listing, number, operation, index)


def _taker(listing: Listing, operation: Product, part: Part, *, last: bool) -> None:
    """Emit what takes the rows of a part; row groups are complete with the last part."""
    plan, f, tag, output = listing.plan, operation.fields, operation.tag, operation.output
    if operation.gelu:
        listing.add(
            "gelu",
            tag,
            in_frac=f["gelu_in_frac"],
            out_frac=f["gelu_out_frac"],
            tile_rows=part.tiles * operation.rows,
        )
    listing.add(
        "row_writer",
        tag,
        direct=not operation.gelu,
        rows_outer=part.rows_outer,
        compact=operation.kept is not None,
        first_row=operation.first_row,
        rows=operation.rows,
        kept=0 if operation.kept is None else output.rows,
        words=part.out_words,
        target=plan.address[output] + part.offset,
        target_stride=output.words,
        slot=plan.slot[output] if last else 0,
    )


def words_ahead(listing: Listing, operation: Product) -> int:
    """Return the depth words that the product's weights take in the ring."""
    return operation.source.words * sum(part.tiles for part in listing.plan.parts[operation])


def fill_ahead(listing: Listing, number: int, operation: Product) -> None:
    """Bring the weights of a later product to the ring, behind what it holds.

    Otherwise they come when the product's command is in the engine's queue: behind many short
    products, that is too late.
    """
    for run in _runs(listing.plan.parts[operation]):
        _weights(listing, operation, run[0].weights, sum(part.tiles for part in run))
        listing.add(
            "engine",
            operation.tag,
            place=1,
            fill=1,
            has_bias=1,
            depth_words=operation.source.words,
            out_words=sum(part.out_words for part in run),
        )
        for part in run:
            listing.ring.append(_matrix(number, part), part.tiles * operation.source.words)


def _runs(parts: list[Part]) -> list[list[Part]]:
    """Return the parts whose weights lie one after the other in DDR together."""
    runs: list[list[Part]] = []
    for part in parts:
        before = runs[-1][-1] if runs else None
        if before is not None and before.weights + before.tiles == part.weights:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _matrix(number: int, part: Part) -> str:
    return f"tiles {part.first} of {number}"


def _weights(listing: Listing, operation: Product, first: int, tiles: int) -> None:
    column = 1 + TILE_DEPTH * operation.source.words  # words of a tile for a port, with biases
    listing.add(
        "move_weights",
        operation.tag,
        base=PARAMS,
        ports=ALL_PORTS,
        address=operation.fields["weight"] + first * column,
        words=tiles * column,
        port_stride=column_tiles(operation.fields["out_words"]) * column,
    )


def _multiply(listing: Listing, number: int, operation: Product, index: int) -> None:
    plan, f, tag = listing.plan, operation.fields, operation.tag
    source, residual, output = operation.source, operation.residual, operation.output
    parts = plan.parts[operation]
    part, last = parts[index], index == len(parts) - 1
    first = not any(before.counts for before in parts[:index])
    matrix = _matrix(number, part)
    fill = not listing.ring.holds(matrix)
    if fill:
        _weights(listing, operation, part.weights, part.tiles)
        listing.ring.append(matrix, part.tiles * source.words)
    cleared = plan.clears[number][index : index + 1]
    to_banks = not operation.streams
    begins = operation.writes_from == 0
    reads = 0 if operation.norm else operation.reads_from  # what is normalised begins at 0
    written = operation.writes_from * output.words + part.offset
    listing.add(
        "engine",
        tag,
        rows_outer=part.rows_outer,
        has_bias=1,
        has_residual=residual is not None,
        to_banks=to_banks,
        stream=0 if to_banks else GELU if operation.gelu else ROW_WRITER,
        fill=fill,
        claim=to_banks and part.counts and first and begins and plan.slot[output] > 0,
        announce_reader=last and number in plan.norms,
        announce_store=last and number in plan.stores,
        announce_load=last and number in plan.loads,
        source_slot=plan.slot[source],
        residual_slot=0 if residual is None else plan.slot[residual],
        target_slot=plan.slot[output] if to_banks and part.counts else 0,
        clear_slot=plan.slot[cleared[0]] if cleared else 0,
        source_first=source.first + reads,
        residual_first=0 if residual is None else residual.first + operation.writes_from,
        ring_offset=listing.ring.offset(matrix),
        source=plan.address[source] + reads * source.words,
        source_stride=source.words,
        residual=0 if residual is None else plan.address[residual] + written,
        target=plan.address[output] + written if to_banks else 0,
        target_stride=output.words,
        rows=operation.rows,
        depth_words=source.words,
        out_words=part.out_words,
        bias_shift=_shift(operation, "bias_shift", f["bias_shift"], ENGINE_MAX_ALIGN),
        residual_shift=_shift(operation, "residual_shift", f["residual_shift"], ENGINE_MAX_ALIGN),
        out_shift=_shift(operation, "out_shift", f["out_shift"], 31),
    )
    listing.ring.release(matrix)


def _shift(operation: Product, name: str, value: int, largest: int) -> int:
    if not 0 <= value <= largest:
        raise ToolsError(
            f"instruction {operation.tag} (matmul for '{operation.output.name}') has {name} "
            f"{value}, the accelerator has 0..{largest}: quantize with closer fraction lengths"
        )
    return value
