"""The hardware handoff file (.hwh) that Vivado writes beside a bitstream: what is in the design."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from trivit.host.errors import HostError


@dataclass(frozen=True, kw_only=True)
class BusInterface:
    """One bus of a cell: ``role`` is MASTER or SLAVE, ``bits`` its data width (0: not said)."""

    role: str
    bus: str
    bits: int


@dataclass(frozen=True, kw_only=True)
class AddressRange:
    """Where the processor sees a cell's interface."""

    base: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of the block design.

    ``module`` is what it is an instance of; ``clocks`` the Hz of its clock pins; ``registers`` name
    to byte offset, empty where the design does not describe them (a module reference).
    """

    name: str
    module: str
    parameters: Mapping[str, str]
    interfaces: Mapping[str, BusInterface]
    clocks: Mapping[str, int]
    registers: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """A block design: its part, its cells by name, address ranges by cell and interface."""

    path: Path
    part: str
    cells: Mapping[str, Cell]
    ranges: Mapping[tuple[str, str], AddressRange]


def read_handoff(path: Path) -> Handoff:
    """Return what a .hwh says.

    Raises:
        HostError: it is missing, or no hardware handoff file.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise HostError(
            f"{path}: {(error.strerror or str(error)).lower()}; it belongs beside the bitstream, "
            "under the same name: copy it from where the bitstream was built"
        ) from error
    except ElementTree.ParseError as error:
        raise HostError(f"{path} is no hardware handoff file: {error}; copy it again") from error
    system = root.find("SYSTEMINFO")
    if root.tag != "EDKSYSTEM" or system is None:
        raise HostError(f"{path} is no hardware handoff file: it has no EDKSYSTEM with SYSTEMINFO")
    try:
        cells = {cell.name: cell for cell in map(_cell, root.iter("MODULE"))}
        return Handoff(path=path, part=_part(system), cells=cells, ranges=dict(_ranges(root)))
    except (KeyError, ValueError) as error:
        raise HostError(f"{path} is no whole hardware handoff file: {error}") from error


def _part(system: ElementTree.Element) -> str:
    """Return device, package and speed as one: xczu9eg-ffvb1156-2 (the grade has no letter)."""
    grade = system.get("SPEEDGRADE", "")
    return f"{system.get('DEVICE', '')}-{system.get('PACKAGE', '')}{grade}"


def _cell(module: ElementTree.Element) -> Cell:
    interfaces = {
        found.attrib["NAME"]: BusInterface(
            role=found.get("TYPE", ""),
            bus=found.get("BUSNAME", ""),
            bits=int(found.get("DATAWIDTH", "0")),
        )
        for found in module.iter("BUSINTERFACE")
    }
    clocks = {
        port.attrib["NAME"]: round(float(port.attrib["CLKFREQUENCY"]))
        for port in module.iter("PORT")
        if "CLKFREQUENCY" in port.attrib
    }
    return Cell(
        name=module.attrib["FULLNAME"].lstrip("/"),
        module=module.get("MODTYPE", ""),
        parameters=dict(_named_values(module.find("PARAMETERS"), "PARAMETER")),
        interfaces=interfaces,
        clocks=clocks,
        registers=dict(_registers(module)),
    )


def _named_values(parent: ElementTree.Element | None, tag: str) -> Iterator[tuple[str, str]]:
    if parent is not None:
        for element in parent.iter(tag):
            yield element.attrib["NAME"], element.get("VALUE", "")


def _registers(module: ElementTree.Element) -> Iterator[tuple[str, int]]:
    for register in module.iter("REGISTER"):
        values = {
            found.attrib["NAME"]: found.get("VALUE", "") for found in register.findall("PROPERTY")
        }
        yield register.attrib["NAME"], int(values["ADDRESS_OFFSET"], 0)


def _ranges(root: ElementTree.Element) -> Iterator[tuple[tuple[str, str], AddressRange]]:
    """Yield each address range; the first one that any master has counts."""
    seen = set()
    names = {
        module.attrib["INSTANCE"]: module.attrib["FULLNAME"].lstrip("/")
        for module in root.iter("MODULE")
    }
    for found in root.iter("MEMRANGE"):
        instance = found.attrib["INSTANCE"]
        key = (names.get(instance, instance), found.attrib["SLAVEBUSINTERFACE"])
        if key not in seen:
            seen.add(key)
            base = int(found.attrib["BASEVALUE"], 16)
            high = int(found.attrib["HIGHVALUE"], 16)
            yield key, AddressRange(base=base, bytes=high - base + 1)
