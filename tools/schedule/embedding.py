"""Commands of the patch embedding: what is loaded, and the product that works on it meanwhile."""

from __future__ import annotations

from trivit.host.generated.spec import PARAM_PORTS
from trivit.host.schedule import port_order
from trivit.host.tiles import ceil_div
from trivit.tools.schedule.listing import ALL_PORTS, IMAGES, PARAMS, Listing
from trivit.tools.schedule.operations import Load, Network, Product
from trivit.tools.schedule.products import ROWS, part, vectors, written


def embedding(listing: Listing, network: Network, number: int, product: Product) -> None:
    """Emit the first operation, or a piece of it.

    Row 0 of the tokens is loaded first: whoever sees patches knows that it is there. The first part
    of the product goes to the engine before positions and patches are loaded, and computes what is
    there; weights of the others come behind the loads, which share the ports with them. Rows of a
    later piece may come when the piece before announces that their place is free.
    """
    if number == 0:
        _row(listing, network.cls_row)
    part(listing, number, product, 0)
    _rows(listing, network, product, announced=number > 0)
    if number in listing.plan.norms:
        vectors(listing, listing.plan.norms[number])
    for index in range(1, len(listing.plan.parts[product])):
        part(listing, number, product, index)
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


def _rows(listing: Listing, network: Network, product: Product, *, announced: bool) -> None:
    """Load positions and patches in turn."""
    positions, patches = product.loads
    whole = network.positions
    block = listing.rows(whole.source, whole.rows * whole.value.words)
    address = listing.store_params(port_order(block.reshape(whole.rows, -1)))
    for first in range(0, product.rows, ROWS):
        # The others of a piece come behind the first.
        _some(listing, positions, PARAMS, address, first, announced=announced and first == 0)
        _some(listing, patches, IMAGES, 0, first, announced=False)


def _some(
    listing: Listing, load: Load, base: int, address: int, first: int, *, announced: bool
) -> None:
    value = load.value
    rows = min(ROWS, value.rows - first)
    listing.add(
        "move_rows",
        load.tag,
        ports=ALL_PORTS,
        base=base,
        address=address + (load.begin + first) // PARAM_PORTS * value.words,
        words=ceil_div(rows, PARAM_PORTS) * value.words,
        port_stride=ceil_div(load.rows, PARAM_PORTS) * value.words,
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
        announced=announced,
    )
    if first + rows == value.rows:
        listing.watch(value, "load", load.first_row)
