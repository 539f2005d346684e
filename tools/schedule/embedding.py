"""Commands of the patch embedding: what is loaded, and the product that works on it meanwhile."""

from __future__ import annotations

from trivit.host.generated.spec import PARAM_PORTS, TILE_TOKENS
from trivit.host.schedule import port_order
from trivit.host.tiles import ceil_div
from trivit.tools.schedule.listing import ALL_PORTS, IMAGES, PARAMS, Listing
from trivit.tools.schedule.operations import Load, Network, Product
from trivit.tools.schedule.products import part, vectors, written

_ROWS = 2 * TILE_TOKENS  # of positions and patches that are loaded in turn


def embedding(listing: Listing, network: Network) -> None:
    """Emit the first operation.

    Row 0 of the tokens is loaded first: whoever sees patches knows that it is there. The first part
    of the product goes to the engine before positions and patches are loaded, and computes what is
    there; weights of the others come behind the loads, which share the ports with them.
    """
    product = network.operations[0]
    assert isinstance(product, Product)
    _row(listing, network.cls_row)
    part(listing, 0, product, 0)
    _rows(listing, network)
    if 0 in listing.plan.norms:
        vectors(listing, listing.plan.norms[0])
    for index in range(1, len(listing.plan.parts[product])):
        part(listing, 0, product, index)
    written(listing, product)


def _row(listing: Listing, load: Load) -> None:
    words = load.value.words
    # All ports bring it, those of rows that do not exist for nothing.
    listing.add(
        "move_rows", load.tag, ports=ALL_PORTS, base=PARAMS, address=load.source, words=words
    )
    listing.add(
        "load",
        load.tag,
        rows=1,
        words=words,
        target=listing.plan.address[load.value],
        target_stride=words,
    )


def _rows(listing: Listing, network: Network) -> None:
    """Load positions and patches in turn."""
    positions = network.positions.value
    block = listing.rows(network.positions.source, positions.rows * positions.words)
    address = listing.store_params(port_order(block.reshape(positions.rows, -1)))
    for first in range(0, positions.rows, _ROWS):
        _some(listing, network.positions, PARAMS, address, first)
        _some(listing, network.patches, IMAGES, 0, first)


def _some(listing: Listing, load: Load, base: int, address: int, first: int) -> None:
    value = load.value
    rows = min(_ROWS, value.rows - first)
    listing.add(
        "move_rows",
        load.tag,
        ports=ALL_PORTS,
        base=base,
        address=address + first // PARAM_PORTS * value.words,
        words=ceil_div(rows, PARAM_PORTS) * value.words,
        port_stride=ceil_div(value.rows, PARAM_PORTS) * value.words,
    )
    listing.add(
        "load",
        load.tag,
        first_row=first,
        rows=rows,
        words=value.words,
        target=listing.plan.address[value],
        target_stride=value.words,
        slot=listing.plan.slot[value],
        complete=1,
    )
    if first + rows == value.rows:
        listing.watch(value, "load", load.first_row)
