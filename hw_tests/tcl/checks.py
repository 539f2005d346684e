"""What is wrong with a recorded block design, whatever it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tcl.model import Design


def problems(design: Design) -> list[str]:
    """Return what a block design must not have: open ends, two clocks, widths that differ."""
    return [*_connections(design), *_widths(design), *_clocks(design), *_resets(design)]


def _connections(design: Design) -> Iterator[str]:
    uses = Counter(end for bus in design.buses for end in bus)
    nets = Counter(pin for net in design.nets for pin in net)
    for name, cell in design.cells.items():
        for bus in cell.ports.interfaces:
            if uses[f"{name}/{bus}"] != 1:
                yield f"{name}/{bus} is connected {uses[f'{name}/{bus}']} times"
        for pin, port in cell.ports.pins.items():
            if nets[f"{name}/{pin}"] > 1 or (port.required and not nets[f"{name}/{pin}"]):
                yield f"{name}/{pin} is connected {nets[f'{name}/{pin}']} times"
    for net in design.nets:
        cell_name, _, pin_name = net[0].partition("/")
        if not design.cells[cell_name].ports.pins[pin_name].output:
            yield f"nothing drives {net}"


def _widths(design: Design) -> Iterator[str]:
    for ends in design.buses:
        widths = []
        for end in ends:
            cell, _, bus = end.partition("/")
            widths.append(design.cells[cell].ports.interfaces[bus].width)
        if None not in widths and widths[0] != widths[1]:
            yield f"{ends[0]} has {widths[0]} bits and {ends[1]} {widths[1]}"


def _drivers(design: Design, kind: str) -> dict[str, str]:
    """Return what drives each input of a kind."""
    drivers = {}
    for net in design.nets:
        for pin in net[1:]:
            cell, _, name = pin.partition("/")
            if design.cells[cell].ports.pins[name].type == kind:
                drivers[pin] = net[0]
    return drivers


def _clocks(design: Design) -> Iterator[str]:
    for pin, driver in _drivers(design, "clk").items():
        if driver != "ps/pl_clk0":
            yield f"{pin} runs by {driver}"


def _resets(design: Design) -> Iterator[str]:
    """HLS blocks and channels by the accelerator's reset, all else by the synchronised one."""
    for pin, driver in _drivers(design, "rst").items():
        cell = design.cells[pin.partition("/")[0]]
        wanted = "reset/peripheral_aresetn"
        if cell.vlnv.startswith("trivit:") or ":axis_data_fifo:" in cell.vlnv:
            wanted = "trivit/blocks_rst_n"
        elif ":proc_sys_reset:" in cell.vlnv:
            wanted = "ps/pl_resetn0"
        if driver != wanted:
            yield f"{pin} is reset by {driver}, not {wanted}"
