"""Stand-ins for Vivado's commands that build a block design."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from tcl.catalogue import AXI, AXIS, IPS, PS_PRESET, Interface, Pin, Ports, Segment, pl_clock_mhz
from tcl.model import Address, Cell, Design
from tcl.ports import block_outputs, hls_tops, verilog_ports
from tcl.recorder import Arguments, Tool, VendorError, options, read_list, write_list


def matching(names: Iterable[str], patterns: list[str]) -> list[str]:
    """Return the names that a pattern matches; `*` stops at a slash, as in Vivado."""
    found = []
    for pattern in patterns:
        wanted = pattern.lstrip("/")
        for name in names if "*" in wanted else {wanted} & {*names}:
            same_depth = name.count("/") == wanted.count("/")
            if same_depth and fnmatch.fnmatchcase(name, wanted):
                found.append(f"/{name}")
    return found


def plain(name: str) -> str:
    """Return the name of an object without the slash in front."""
    return name.strip().lstrip("/")


class BlockDesign(Tool):
    """Vivado as far as a block design goes; ``ips`` are full names of the catalogue's IPs."""

    commands: ClassVar = {
        "create_bd_design": options("", 1),
        "create_bd_cell": options("-type= -vlnv= -reference=", 1),
        "apply_bd_automation": options("-rule= -config=", 1),
        "get_bd_cells": options("-quiet", 0, 1),
        "get_bd_pins": options("-quiet", 1),
        "get_bd_intf_pins": options("-quiet", 1),
        "connect_bd_net": options("-net=", 2, 999),
        "connect_bd_intf_net": options("-intf_net=", 2),
        "get_bd_addr_spaces": options("-quiet", 1),
        "get_bd_addr_segs": options("-quiet -of_objects=", 0, 1),
        "assign_bd_address": options("-force -offset= -range= -target_address_space=", 1),
        "exclude_bd_addr_seg": options("-target_address_space=", 1),
        "validate_bd_design": options(""),
        "save_bd_design": options(""),
    }

    def __init__(self, hls: Path) -> None:
        super().__init__()
        self.hls = hls
        self.design = Design()
        self.sources: list[Path] = []
        self.ips: list[str] = []
        self._tops = hls_tops(hls)

    def do_create_bd_design(self, arguments: Arguments) -> str:
        self.design.name = arguments.others[0]
        return arguments.others[0]

    def do_create_bd_cell(self, arguments: Arguments) -> str:
        name = arguments.others[0]
        if name in self.design.cells:
            raise VendorError(f"a cell {name} exists")
        kind, values = arguments.values.get("-type", "ip"), arguments.values
        if kind == "ip" and "-vlnv" in values and "-reference" not in values:
            cell = self._ip_cell(values["-vlnv"])
        elif kind == "module" and "-reference" in values and "-vlnv" not in values:
            cell = self._module_cell(values["-reference"])
        else:
            raise VendorError(f"create_bd_cell: {values}")
        self.design.cells[name] = cell
        return f"/{name}"

    def _ip_cell(self, vlnv: str) -> Cell:
        if vlnv not in self.ips:
            raise VendorError(f"the catalogue has no {vlnv}")
        vendor, _, name, _ = vlnv.split(":")
        if vendor == "trivit":
            return Cell(vlnv=vlnv, ports=self._hls_ports(name))
        known = IPS[name].parameters.items()
        parameters = {name: default for name, (default, _) in known}
        return Cell(vlnv=vlnv, parameters=parameters, ports=IPS[name].ports(parameters))

    def _hls_ports(self, top: str) -> Ports:
        block = top.removeprefix("trivit_")
        outputs = block_outputs(self.hls)
        modes = {port: f"{block}.{port}" in outputs for port in self._tops[top]}
        return Ports(
            interfaces={
                port: Interface(mode="master" if modes[port] else "slave", type=AXIS, width=bits)
                for port, bits in self._tops[top].items()
            },
            pins={"ap_clk": Pin(type="clk"), "ap_rst_n": Pin(type="rst")},
        )

    def _module_cell(self, module: str) -> Cell:
        texts = {path: path.read_text("utf-8") for path in self.sources if path.suffix == ".v"}
        found = [text for text in texts.values() if f"\nmodule {module} " in text]
        if len(found) != 1:
            raise VendorError(f"no Verilog source has the module {module}")
        ports = Ports()
        for signal in verilog_ports(found[0], module):
            kind = signal.type.split(":")[2]
            if ":signal:" in signal.type:
                short = {"clock": "clk", "reset": "rst", "interrupt": "intr"}[kind]
                ports.pins[signal.interface] = Pin(output=signal.output, type=short)
            elif signal.signal in ("TDATA", "WDATA"):
                mode = "master" if signal.output else "slave"
                bus = AXIS if kind == "axis" else AXI
                ports.interfaces[signal.interface] = Interface(
                    mode=mode, type=bus, width=signal.width
                )
                if bus == AXI and mode == "master":
                    ports.spaces[signal.interface] = signal.interface
                elif bus == AXI:
                    segment = Segment(interface=signal.interface)
                    ports.segments[f"{signal.interface}/reg0"] = segment
        return Cell(module=module, ports=ports)

    def do_apply_bd_automation(self, arguments: Arguments) -> None:
        cell = self.cell(arguments.others[0])
        rule = arguments.values.get("-rule")
        if rule != "xilinx.com:bd_rule:zynq_ultra_ps_e" or ":zynq_ultra_ps_e:" not in cell.vlnv:
            raise VendorError(f"apply_bd_automation: no rule {rule} for this cell")
        if read_list(arguments.values["-config"]) != ["apply_board_preset", "1"]:
            raise VendorError(f"apply_bd_automation: {arguments.values['-config']}")
        if not self.design.board_part:
            raise VendorError("apply_bd_automation: the project has no board")
        self.configure(cell, PS_PRESET)

    def cell(self, name: str) -> Cell:
        """Return a cell by the name of its object."""
        if plain(name) not in self.design.cells:
            raise VendorError(f"no cell {name}")
        return self.design.cells[plain(name)]

    def configure(self, cell: Cell, parameters: Mapping[str, str]) -> None:
        """Set parameters of an IP, which may change its ports.

        Raises:
            VendorError: no such parameter, one that nobody sets, or a value that it cannot have.
        """
        known = IPS[cell.vlnv.split(":")[2]].parameters if cell.parameters else {}
        for name, value in parameters.items():
            if name not in known:
                raise VendorError(f"{cell.vlnv} has no parameter {name}")
            allowed = known[name][1]
            if allowed is None or value not in allowed:
                raise VendorError(f"{cell.vlnv}: {name} cannot be {value}")
        cell.parameters |= parameters
        cell.ports = IPS[cell.vlnv.split(":")[2]].ports(cell.parameters)

    def parameter(self, cell: Cell, name: str) -> str:
        """Return a parameter, also what the IP computes."""
        if name not in cell.parameters:
            raise VendorError(f"{cell.vlnv} has no parameter {name}")
        if name == "PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ":
            wanted = float(cell.parameters["PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ"])
            self.design.clock_mhz = pl_clock_mhz(wanted)
            return f"{self.design.clock_mhz:.6f}"
        return cell.parameters[name]

    def do_get_bd_cells(self, arguments: Arguments) -> str:
        return write_list(matching(self.design.cells, arguments.others or ["*"]))

    def _pins(self) -> dict[str, Pin]:
        cells = self.design.cells.items()
        return {f"{name}/{pin}": p for name, cell in cells for pin, p in cell.ports.pins.items()}

    def _interfaces(self) -> dict[str, Interface]:
        cells = self.design.cells.items()
        return {
            f"{name}/{bus}": b for name, cell in cells for bus, b in cell.ports.interfaces.items()
        }

    def do_get_bd_pins(self, arguments: Arguments) -> str:
        return write_list(matching(self._pins(), arguments.others))

    def do_get_bd_intf_pins(self, arguments: Arguments) -> str:
        return write_list(matching(self._interfaces(), arguments.others))

    def do_connect_bd_net(self, arguments: Arguments) -> None:
        known = self._pins()
        pins = [plain(pin) for words in arguments.others for pin in read_list(words)]
        for pin in pins:
            if pin not in known:
                raise VendorError(f"connect_bd_net: no pin {pin}")
        nets = [net for net in self.design.nets if set(net) & set(pins)]
        joined = [*dict.fromkeys(pin for net in (*nets, pins) for pin in net)]
        drivers = [pin for pin in joined if known[pin].output]
        if len(drivers) > 1:
            raise VendorError(f"connect_bd_net: {drivers} drive one net")
        joined.sort(key=lambda pin: not known[pin].output)
        self.design.nets = [net for net in self.design.nets if net not in nets] + [joined]

    def do_connect_bd_intf_net(self, arguments: Arguments) -> None:
        known = self._interfaces()
        ends = [plain(end) for end in arguments.others]
        for end in ends:
            if end not in known:
                raise VendorError(f"connect_bd_intf_net: no interface {end}")
            if self.design.other_end(end):
                raise VendorError(f"connect_bd_intf_net: {end} is connected")
        ends.sort(key=lambda end: known[end].mode)
        if [known[end].mode for end in ends] != ["master", "slave"]:
            raise VendorError(f"connect_bd_intf_net: {ends} are no master and slave")
        if known[ends[0]].type != known[ends[1]].type:
            raise VendorError(f"connect_bd_intf_net: {ends} are different buses")
        self.design.buses.append((ends[0], ends[1]))

    def do_get_bd_addr_spaces(self, arguments: Arguments) -> str:
        names = [f"{n}/{s}" for n, cell in self.design.cells.items() for s in cell.ports.spaces]
        return write_list(matching(names, arguments.others))

    def _segments(self) -> dict[str, Segment]:
        cells = self.design.cells.items()
        return {f"{n}/{s}": found for n, cell in cells for s, found in cell.ports.segments.items()}

    def do_get_bd_addr_segs(self, arguments: Arguments) -> str:
        segments = self._segments()
        if "-of_objects" not in arguments.values:
            return write_list(matching(segments, arguments.others))
        interface = plain(arguments.values["-of_objects"])
        return write_list(
            [
                f"/{name}"
                for name, segment in segments.items()
                if f"{name.partition('/')[0]}/{segment.interface}" == interface
            ]
        )

    def _address(self, arguments: Arguments) -> tuple[str, str, Segment]:
        space = plain(arguments.values.get("-target_address_space", ""))
        name = plain(arguments.others[0])
        cell, _, own = space.partition("/")
        if cell not in self.design.cells or own not in self.design.cells[cell].ports.spaces:
            raise VendorError(f"no address space {space!r}")
        segments = self._segments()
        if name not in segments:
            raise VendorError(f"no address segment {name!r}")
        segment = segments[name]
        reached = self._reached(f"{cell}/{self.design.cells[cell].ports.spaces[own]}")
        if f"{name.partition('/')[0]}/{segment.interface}" not in reached:
            raise VendorError(f"{space} does not reach {name}")
        return space, name, segment

    def _reached(self, master: str) -> set[str]:
        """Return the slaves that a master reaches, through SmartConnects."""
        slave = self.design.other_end(master)
        if slave is None:
            return set()
        cell = self.design.cells[slave.partition("/")[0]]
        if ":smartconnect:" not in cell.vlnv:
            return {slave}
        name = slave.partition("/")[0]
        buses = cell.ports.interfaces.items()
        behind = [f"{name}/{bus}" for bus, port in buses if port.mode == "master"]
        return {end for bus in behind for end in self._reached(bus)}

    def do_assign_bd_address(self, arguments: Arguments) -> None:
        space, name, segment = self._address(arguments)
        offset = segment.base
        if "-offset" in arguments.values:
            offset = int(arguments.values["-offset"], 0)
        size = int(arguments.values.get("-range", str(segment.range)), 0)
        if offset is None:
            raise VendorError(f"assign_bd_address: {name} wants an -offset")
        if segment.base is not None and (offset, size) != (segment.base, segment.range):
            raise VendorError(f"assign_bd_address: {name} lies at {segment.base:#x}")
        if offset % size or size & (size - 1):
            raise VendorError(f"assign_bd_address: {offset:#x} is no multiple of {size:#x}")
        for other in self.design.addresses:
            overlaps = other.offset < offset + size and offset < other.offset + other.range
            if other.space == space and overlaps:
                raise VendorError(f"assign_bd_address: {name} overlaps {other.segment}")
        address = Address(space=space, segment=name, offset=offset, range=size)
        self.design.addresses.append(address)

    def do_exclude_bd_addr_seg(self, arguments: Arguments) -> None:
        space, name, _ = self._address(arguments)
        self.design.excluded.append((space, name))

    def do_validate_bd_design(self, arguments: Arguments) -> None:
        self.design.validated = True

    def do_save_bd_design(self, arguments: Arguments) -> None:
        if not self.design.validated:
            raise VendorError("save_bd_design: nobody validated the design")
