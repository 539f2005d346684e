"""The vendor's IPs of the block design: parameters with what each may be, and the ports they give.

Written down from the vendor's product guides (PG082 PS, PG099 interrupt controller, PG164 resets,
PG085 stream FIFOs, PG247 SmartConnect), as far as the design uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

AXI = "xilinx.com:interface:aximm_rtl:1.0"
AXIS = "xilinx.com:interface:axis_rtl:1.0"


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A bus of a cell; ``width`` in bits of data, None where it follows the other end."""

    mode: str  # master or slave
    type: str = AXI
    width: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A pin beside the buses; one that is not ``required`` may stay open."""

    output: bool = False
    type: str = "data"  # clk, rst, intr
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What a slave offers an address space; ``base`` where the slave fixes it."""

    interface: str
    range: int | None = None
    base: int | None = None


@dataclass(kw_only=True)
class Ports:
    """All that a cell shows."""

    interfaces: dict[str, Interface] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)
    spaces: dict[str, str] = field(default_factory=dict)  # address space: its master
    segments: dict[str, Segment] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ip:
    """Parameters: default and allowed values (None: computed, nobody sets it)."""

    parameters: Mapping[str, tuple[str, Iterable[str] | None]]
    ports: Callable[[Mapping[str, str]], Ports]


def _numbers(values: Iterable[int]) -> list[str]:
    return [str(value) for value in values]


_SWITCH = ("0", "1")
_PS_SLAVES = ("HPC0", "HPC1", "HP0", "HP1", "HP2", "HP3")
_LOW, _HIGH = 0x8000_0000, 0x8_0000_0000


def _ps(parameters: Mapping[str, str]) -> Ports:
    ports = Ports()
    ports.pins["pl_clk0"] = Pin(output=True, type="clk", required=False)
    ports.pins["pl_resetn0"] = Pin(output=True, type="rst", required=False)
    if parameters["PSU__USE__IRQ0"] == "1":
        ports.pins["pl_ps_irq0"] = Pin(type="intr", required=False)
    ports.spaces["Data"] = "M_AXI_HPM0_FPD"
    for number, name in enumerate(("HPM0_FPD", "HPM1_FPD", "HPM0_LPD")):
        if parameters[f"PSU__USE__M_AXI_GP{number}"] == "1":
            width = int(parameters[f"PSU__MAXIGP{number}__DATA_WIDTH"])
            ports.interfaces[f"M_AXI_{name}"] = Interface(mode="master", width=width)
            ports.pins[f"maxi{name.lower()}_aclk"] = Pin(type="clk")
    for number, name in enumerate(_PS_SLAVES):
        if parameters[f"PSU__USE__S_AXI_GP{number}"] != "1":
            continue
        interface = f"S_AXI_{name}_FPD"
        width = int(parameters[f"PSU__SAXIGP{number}__DATA_WIDTH"])
        ports.interfaces[interface] = Interface(mode="slave", width=width)
        ports.pins[f"saxi{name.lower()}_fpd_aclk"] = Pin(type="clk")
        for memory, base, size in (
            *(("DDR_LOW", 0, _LOW), ("DDR_HIGH", _HIGH, _HIGH)),
            *(("QSPI", 0xC000_0000, 1 << 29), ("LPS_OCM", 0xFF00_0000, 1 << 24)),
        ):
            segment = Segment(interface=interface, range=size, base=base)
            ports.segments[f"SAXIGP{number}/{name}_{memory}"] = segment
    return ports


_PS_PARAMETERS: dict[str, tuple[str, Iterable[str] | None]] = {
    "PSU__USE__IRQ0": ("0", _SWITCH),
    "PSU__USE__IRQ1": ("0", _SWITCH),
    "PSU__FPGA_PL0_ENABLE": ("1", _SWITCH),
    "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": ("100", _numbers(range(1, 534))),
    "PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ": ("", None),
    **{f"PSU__USE__M_AXI_GP{n}": ("0", _SWITCH) for n in range(3)},
    **{f"PSU__MAXIGP{n}__DATA_WIDTH": ("128", ("32", "64", "128")) for n in range(3)},
    **{f"PSU__USE__S_AXI_GP{n}": ("0", _SWITCH) for n in range(7)},
    **{f"PSU__SAXIGP{n}__DATA_WIDTH": ("128", ("32", "64", "128")) for n in range(7)},
}

#: What the board's preset sets of the PS beside DDR and peripherals.
PS_PRESET = {"PSU__USE__M_AXI_GP0": "1", "PSU__USE__M_AXI_GP1": "1", "PSU__USE__IRQ0": "1"}


def pl_clock_mhz(wanted: float) -> float:
    """Return the PL clock that the PS makes: its I/O PLL's 1,499.985 MHz by two divisors."""
    pll = 1499.985
    divisors = {a * b for a in range(1, 64) for b in range(1, 64)}
    return min((pll / d for d in divisors), key=lambda made: abs(made - wanted))


def _smartconnect(parameters: Mapping[str, str]) -> Ports:
    ports = Ports()
    for count, mode in (("NUM_SI", "slave"), ("NUM_MI", "master")):
        for number in range(int(parameters[count])):
            name = f"{'S' if mode == 'slave' else 'M'}{number:02}_AXI"
            ports.interfaces[name] = Interface(mode=mode)
    ports.pins = {"aclk": Pin(type="clk"), "aresetn": Pin(type="rst")}
    return ports


def _fifo(parameters: Mapping[str, str]) -> Ports:
    width = 8 * int(parameters["TDATA_NUM_BYTES"])
    return Ports(
        interfaces={
            "S_AXIS": Interface(mode="slave", type=AXIS, width=width),
            "M_AXIS": Interface(mode="master", type=AXIS, width=width),
        },
        pins={"s_axis_aclk": Pin(type="clk"), "s_axis_aresetn": Pin(type="rst")},
    )


def _interrupts(parameters: Mapping[str, str]) -> Ports:
    ports = Ports(
        interfaces={"s_axi": Interface(mode="slave", width=32)},
        pins={
            "s_axi_aclk": Pin(type="clk"),
            "s_axi_aresetn": Pin(type="rst"),
            "intr": Pin(type="intr"),
        },
        segments={"S_AXI/Reg": Segment(interface="s_axi")},
    )
    if parameters["C_IRQ_CONNECTION"] == "1":
        ports.pins["irq"] = Pin(output=True, type="intr")
    else:
        bus = Interface(mode="master", type="xilinx.com:interface:mbinterrupt_rtl:1.0")
        ports.interfaces["interrupt"] = bus
    return ports


def _reset(parameters: Mapping[str, str]) -> Ports:
    open_inputs = ("aux_reset_in", "mb_debug_sys_rst")
    outputs = ("mb_reset", "bus_struct_reset", "peripheral_reset")
    low = ("interconnect_aresetn", "peripheral_aresetn")
    return Ports(
        pins={
            "slowest_sync_clk": Pin(type="clk"),
            "ext_reset_in": Pin(type="rst"),
            "dcm_locked": Pin(required=False),
            **{name: Pin(type="rst", required=False) for name in open_inputs},
            **{name: Pin(type="rst", required=False, output=True) for name in (*outputs, *low)},
        }
    )


IPS = {
    "zynq_ultra_ps_e": Ip(parameters=_PS_PARAMETERS, ports=_ps),
    "smartconnect": Ip(
        parameters={
            "NUM_SI": ("1", _numbers(range(1, 17))),
            "NUM_MI": ("1", _numbers(range(1, 17))),
            "NUM_CLKS": ("1", ("1",)),
        },
        ports=_smartconnect,
    ),
    "axis_data_fifo": Ip(
        parameters={
            "TDATA_NUM_BYTES": ("1", _numbers(range(513))),
            "FIFO_DEPTH": ("512", _numbers(1 << n for n in range(4, 16))),
            "FIFO_MEMORY_TYPE": ("auto", ("auto", "block", "distributed", "ultra")),
            "HAS_TLAST": ("0", _SWITCH),
        },
        ports=_fifo,
    ),
    "axi_intc": Ip(
        parameters={"C_IRQ_CONNECTION": ("0", _SWITCH), "C_IRQ_IS_LEVEL": ("1", _SWITCH)},
        ports=_interrupts,
    ),
    "proc_sys_reset": Ip(
        parameters={"C_EXT_RST_WIDTH": ("4", _numbers(range(1, 17)))}, ports=_reset
    ),
}

#: Versions of each IP and of the board's files, in the releases that the tests stand in for.
RELEASES = {
    "2021.1": {"zynq_ultra_ps_e": ("3.3",), "board": ("3.3", "3.4")},
    "2022.2": {"zynq_ultra_ps_e": ("3.4",), "board": ("3.3", "3.4")},
    "2024.1": {"zynq_ultra_ps_e": ("3.4", "3.5"), "board": ("3.4",)},
    "2025.1": {"zynq_ultra_ps_e": ("3.5",), "board": ("3.4", "3.10")},
}
VERSIONS = {
    "smartconnect": ("1.0",),
    "axis_data_fifo": ("1.1", "2.0"),
    "axi_intc": ("4.1",),
    "proc_sys_reset": ("5.0",),
}
