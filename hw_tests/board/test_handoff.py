"""The .hwh of these tests against the block design that hls/tcl makes: cells, buses, nets, map."""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree

import pytest
from board.handoff import Facts, handoff_text
from tcl.design import recorded_design
from tcl.model import Design

from trivit.host.board.hwh import Handoff, read_handoff


@pytest.fixture(scope="module")
def design() -> Design:
    return recorded_design()


@pytest.fixture(scope="module")
def handoff(tmp_path_factory: pytest.TempPathFactory) -> Handoff:
    path = tmp_path_factory.mktemp("handoff") / "trivit.hwh"
    path.write_text(handoff_text(Facts()), "utf-8")
    return read_handoff(path)


def test_cells(design: Design, handoff: Handoff) -> None:
    missing = set(design.cells) - set(handoff.cells)
    assert all(name.startswith("fifo_") for name in missing)
    for name, cell in handoff.cells.items():
        found = design.cells[name]
        assert cell.module == (found.module or found.vlnv.split(":")[2]), name
        for interface, bus in cell.interfaces.items():
            width = found.ports.interfaces[interface].width  # None: as wide as its other end
            assert width in (None, bus.bits), f"{name}/{interface}"


def test_buses(design: Design, handoff: Handoff) -> None:
    ends: dict[str, dict[str, str]] = defaultdict(dict)
    for name, cell in handoff.cells.items():
        for interface, bus in cell.interfaces.items():
            ends[bus.bus][bus.role] = f"{name}/{interface}"
    assert len(ends) == 3 + 2 * 5
    for bus in ends.values():
        assert (bus["MASTER"], bus["SLAVE"]) in design.buses


def test_nets(design: Design, handoff: Handoff) -> None:
    """Every connection of the file is one of the design, and the interrupt is whole."""
    connections = {
        (f"{module.get('INSTANCE')}/{port.get('NAME')}", f"{end.get('INSTANCE')}/{end.get('PORT')}")
        for module in ElementTree.parse(handoff.path).iter("MODULE")
        for port in module.iter("PORT")
        for end in port.iter("CONNECTION")
    }
    assert ("trivit/interrupt", "interrupts/intr") in connections
    assert ("interrupts/irq", "ps/pl_ps_irq0") in connections
    for one, other in connections:
        net = design.net_of(one)
        assert net is not None and other in net, f"{one} to {other}"


def test_address_map_and_clock(design: Design, handoff: Handoff) -> None:
    seen = {
        (address.offset, address.range)
        for address in design.addresses
        if address.space.startswith("ps/")
    }
    assert seen == {
        (found.base, found.bytes)
        for (cell, _), found in handoff.ranges.items()
        if cell in ("trivit", "interrupts")
    }
    assert handoff.cells["trivit"].clocks["ap_clk"] / 1e6 == pytest.approx(design.clock_mhz, 1e-3)
    assert design.part.startswith(handoff.part)
