"""A .hwh file as Vivado writes one for the block design, from the facts of hls/kernel.yaml.

Without the FIFOs in the channels, of which a host sees nothing. test_handoff.py holds it against
the design that hls/tcl makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from trivit.host.generated import board
from trivit.host.generated.spec import KERNEL_VERSION

_BLOCKS = ("sequencer", "gelu", "softmax", "normalise", "select", "connections")


@dataclass(frozen=True)
class Facts:
    """What may differ from the design that this host expects."""

    part: str = board.PART
    cell: str = board.CELL
    module: str = board.MODULE
    control: int = board.CONTROL_ADDRESS
    interrupts: int = board.INTERRUPTS_ADDRESS
    clock_mhz: float = board.CLOCK_MHZ
    gmem_bits: int = 128
    #: Offsets of registers, for a design that describes them.
    registers: Mapping[str, int] = field(default_factory=dict)


def handoff_text(facts: Facts) -> str:
    """Return the file."""
    root = Element("EDKSYSTEM", EDWVERSION="1.2", VIVADOVERSION="2022.2")
    device, package, grade = facts.part.split("-")[:3]
    SubElement(
        root,
        "SYSTEMINFO",
        ARCH="zynquplus",
        BOARD="xilinx.com:zcu102:part0:3.4",
        DEVICE=device,
        NAME="trivit",
        PACKAGE=package,
        SPEEDGRADE=f"-{grade}",
    )
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    _processor(modules, facts)
    _accelerator(modules, facts)
    _controller(modules, facts)
    for block in _BLOCKS:
        _block(modules, block, facts)
    _reset(modules, facts)
    _interconnects(modules, facts)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n' + tostring(root).decode()


def _module(parent: Element, name: str, vlnv: str, parameters: Mapping[str, object]) -> Element:
    kind = vlnv.split(":")[2]
    module = SubElement(
        parent,
        "MODULE",
        FULLNAME=f"/{name}",
        INSTANCE=name,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        IS_PL="FALSE" if kind == "zynq_ultra_ps_e" else "TRUE",
        MODTYPE=kind,
        VLNV=vlnv,
        HWVERSION=vlnv.split(":")[3],
    )
    table = SubElement(module, "PARAMETERS")
    for key, value in parameters.items():
        SubElement(table, "PARAMETER", NAME=key, VALUE=str(value))
    for part in ("PORTS", "BUSINTERFACES", "MEMORYMAP"):
        SubElement(module, part)
    return module


def _port(
    module: Element, name: str, way: str, kind: str = "undef", to: str = "", hz: float = 0
) -> None:
    ports = module.find("PORTS")
    assert ports is not None
    port = SubElement(ports, "PORT", DIR=way, NAME=name, SIGIS=kind)
    if hz:
        port.set("CLKFREQUENCY", str(int(hz)))
    connections = SubElement(port, "CONNECTIONS")
    for end in to.split():
        instance, pin = end.split("/")
        SubElement(connections, "CONNECTION", INSTANCE=instance, PORT=pin)


def _bus(module: Element, name: str, role: str, bus: str, bits: int, kind: str = "aximm") -> None:
    buses = module.find("BUSINTERFACES")
    assert buses is not None
    found = SubElement(
        buses,
        "BUSINTERFACE",
        BUSNAME=bus,
        DATAWIDTH=str(bits),
        NAME=name,
        TYPE=role,
        VLNV=f"xilinx.com:interface:{kind}:1.0",
    )
    SubElement(found, "PARAMETER", NAME="DATA_WIDTH", VALUE=str(bits))
    SubElement(found, "PORTMAPS")


def _range(
    module: Element, master: str, cell: str, slave: str, base: int, size: int, kind: str
) -> None:
    table = module.find("MEMORYMAP")
    assert table is not None
    SubElement(
        table,
        "MEMRANGE",
        ADDRESSBLOCK="reg0",
        BASENAME="C_BASEADDR",
        BASEVALUE=f"{base:#010X}".replace("X", "x"),
        HIGHNAME="C_HIGHADDR",
        HIGHVALUE=f"{base + size - 1:#010X}".replace("X", "x"),
        INSTANCE=cell,
        IS_DATA="TRUE",
        IS_INSTRUCTION="TRUE",
        MASTERBUSINTERFACE=master,
        MEMTYPE=kind,
        SLAVEBUSINTERFACE=slave,
    )


def _ps_port(name: str) -> str:
    """Return S_AXI_HP2_FPD for hp2."""
    return f"S_AXI_{name.upper()}_FPD"


def _processor(modules: Element, facts: Facts) -> None:
    parameters: dict[str, object] = {}
    for clock in range(4):
        prefix = f"PSU__CRL_APB__PL{clock}_REF_CTRL"
        mhz = facts.clock_mhz if clock == 0 else 100
        parameters |= {
            f"PSU__FPGA_PL{clock}_ENABLE": int(clock == 0),
            f"{prefix}__DIVISOR0": round(1500 / mhz),
            f"{prefix}__DIVISOR1": 1,
            f"{prefix}__SRCSEL": "IOPLL",
            f"{prefix}__FREQMHZ": f"{mhz:g}",
            f"{prefix}__ACT_FREQMHZ": f"{1499.985 / round(1500 / mhz):.6f}",
        }
    ps = _module(modules, "ps", "xilinx.com:ip:zynq_ultra_ps_e:3.4", parameters)
    hz = facts.clock_mhz * 1e6
    _port(ps, "pl_clk0", "O", "clk", f"{facts.cell}/ap_clk interrupts/s_axi_aclk", hz)
    _port(ps, "pl_resetn0", "O", "rst", "reset/ext_reset_in")
    _port(ps, "pl_ps_irq0", "I", "INTERRUPT", "interrupts/irq")
    _bus(ps, "M_AXI_HPM0_FPD", "MASTER", "ps_M_AXI_HPM0_FPD", 32)
    for gmem, port in board.MEMORY.items():
        _bus(ps, _ps_port(port), "SLAVE", f"smartconnect_{gmem}_M00_AXI", 128)
    _range(
        ps, "M_AXI_HPM0_FPD", facts.cell, "s_axi_control", facts.control,
        board.CONTROL_BYTES, "REGISTER",
    )  # fmt: skip
    _range(
        ps, "M_AXI_HPM0_FPD", "interrupts", "s_axi", facts.interrupts,
        board.INTERRUPTS_BYTES, "REGISTER",
    )  # fmt: skip


def _accelerator(modules: Element, facts: Facts) -> None:
    cell = _module(modules, facts.cell, f"xilinx.com:module_ref:{facts.module}:1.0", {})
    if facts.registers:
        blocks = SubElement(cell, "ADDRESSBLOCKS")
        block = SubElement(
            blocks, "ADDRESSBLOCK", INTERFACE="s_axi_control", NAME="reg0", USAGE="register"
        )
        table = SubElement(block, "REGISTERS")
        for name, offset in facts.registers.items():
            register = SubElement(table, "REGISTER", NAME=name)
            SubElement(register, "PROPERTY", NAME="ADDRESS_OFFSET", VALUE=f"{offset:#x}")
            SubElement(register, "PROPERTY", NAME="SIZE", VALUE="32")
            SubElement(register, "FIELDS")
    _port(cell, "ap_clk", "I", "clk", "ps/pl_clk0", facts.clock_mhz * 1e6)
    _port(cell, "ap_rst_n", "I", "rst", "reset/peripheral_aresetn")
    _port(cell, "interrupt", "O", "INTERRUPT", "interrupts/intr")
    _bus(cell, "s_axi_control", "SLAVE", "smartconnect_control_M00_AXI", 32)
    for gmem, port in board.MEMORY.items():
        _bus(cell, f"m_axi_{gmem}", "MASTER", f"{facts.cell}_m_axi_{gmem}", facts.gmem_bits)
        _range(cell, f"m_axi_{gmem}", "ps", _ps_port(port), 0, 1 << 31, "MEMORY")


def _controller(modules: Element, facts: Facts) -> None:
    cell = _module(modules, "interrupts", "xilinx.com:ip:axi_intc:4.1", {"C_NUM_INTR_INPUTS": 1})
    _port(cell, "s_axi_aclk", "I", "clk", "ps/pl_clk0", facts.clock_mhz * 1e6)
    _port(cell, "intr", "I", "INTERRUPT", f"{facts.cell}/interrupt")
    _port(cell, "irq", "O", "INTERRUPT", "ps/pl_ps_irq0")
    _bus(cell, "s_axi", "SLAVE", "smartconnect_control_M01_AXI", 32)


def _block(modules: Element, name: str, facts: Facts) -> None:
    cell = _module(modules, name, f"trivit:hls:trivit_{name}:{KERNEL_VERSION}.0", {})
    _port(cell, "ap_clk", "I", "clk", "", facts.clock_mhz * 1e6)
    _port(cell, "ap_rst_n", "I", "rst")


def _reset(modules: Element, facts: Facts) -> None:
    cell = _module(modules, "reset", "xilinx.com:ip:proc_sys_reset:5.0", {})
    _port(cell, "slowest_sync_clk", "I", "clk", "", facts.clock_mhz * 1e6)
    _port(cell, "ext_reset_in", "I", "rst", "ps/pl_resetn0")
    _port(cell, "peripheral_aresetn", "O", "rst", f"{facts.cell}/ap_rst_n")


def _interconnects(modules: Element, facts: Facts) -> None:
    control = _module(modules, "smartconnect_control", "xilinx.com:ip:smartconnect:1.0", {})
    _bus(control, "S00_AXI", "SLAVE", "ps_M_AXI_HPM0_FPD", 32)
    for place in range(2):
        _bus(control, f"M0{place}_AXI", "MASTER", f"smartconnect_control_M0{place}_AXI", 32)
    for gmem in board.MEMORY:
        cell = _module(modules, f"smartconnect_{gmem}", "xilinx.com:ip:smartconnect:1.0", {})
        _bus(cell, "S00_AXI", "SLAVE", f"{facts.cell}_m_axi_{gmem}", facts.gmem_bits)
        _bus(cell, "M00_AXI", "MASTER", f"smartconnect_{gmem}_M00_AXI", 128)
