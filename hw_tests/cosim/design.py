"""The complete accelerator as Verilator simulates it, its HLS blocks in C++ or from Vitis HLS."""

from __future__ import annotations

import os
from pathlib import Path

from simulator import ROOT, Design

from trivit.tools.kernel import load_description
from trivit.tools.kernel.system import block_ports
from trivit.tools.simulation.simulator_build import (
    OPTIMISE,
    VERILATOR,
    ap_types,
    rtl_sources,
)

FOLDER = Path(__file__).resolve().parent
#: Environment variable that names a folder with Verilog of the HLS blocks (`make cosim RTL=...`).
RTL_VARIABLE = "TRIVIT_COSIM_RTL"
BLOCKS = tuple(block_ports(load_description(ROOT / "hls" / "kernel.yaml"), training=False))
_SIMULATION = ROOT / "hls" / "simulation"


class RtlError(ValueError):
    """A folder of Verilog that cannot be used, in one line."""


def vendor_blocks(folder: Path) -> dict[str, Path]:
    """Return the Verilog tops of HLS blocks below ``folder``, by block.

    Raises:
        RtlError: there is no folder, none of the blocks in it, or one of them twice.
    """
    if not folder.is_dir():
        raise RtlError(f"{folder}: no such folder; RTL names one with trivit_<block>.v")
    found: dict[str, Path] = {}
    for block in BLOCKS:
        tops = [p for p in sorted(folder.rglob(f"trivit_{block}.*")) if p.suffix in (".v", ".sv")]
        if len(tops) > 1:
            raise RtlError(f"{tops[0]} and {tops[1]}: name a folder with one trivit_{block} alone")
        if tops:
            found[block] = tops[0]
    if not found:
        raise RtlError(f"{folder}: none of {', '.join(f'trivit_{b}.v' for b in BLOCKS)} is there")
    return found


def cosim_design(rtl: Path | None = None, name: str = "cosim") -> Design:
    """Return the design; blocks that ``rtl`` holds are made of the Verilog beside their tops.

    Raises:
        RtlError: ``rtl`` holds no block, or one twice.
        HostError: Xilinx's ap_int.h is missing.
    """
    vendor = vendor_blocks(rtl.resolve()) if rtl else {}
    folders = sorted({top.parent for top in vendor.values()})
    verilog = [p for f in folders for p in sorted(f.iterdir()) if p.suffix in (".v", ".sv")]
    generated = ROOT / "hls" / "generated"
    includes = [ROOT / "hls/include", _SIMULATION, _SIMULATION / "clocked"]
    return Design(
        top="cosim_top",
        name=name,
        sources=(
            *rtl_sources(),
            generated / "trivit_top.v",
            generated / "trivit_system.sv",
            *(generated / "dpi" / f"trivit_{b}.sv" for b in BLOCKS if b not in vendor),
            *verilog,
            *sorted((_SIMULATION / "dpi").glob("*.sv")),
            FOLDER / "rtl" / "axi_checker.sv",
            FOLDER / "rtl" / "cosim_top.sv",
        ),
        cpp_sources=(_SIMULATION / "ddr.cpp", *sorted((_SIMULATION / "dpi").glob("*.cpp"))),
        verilator_flags=(
            *VERILATOR,
            *("--no-public-flat-rw", "--public-depth", "1", str(FOLDER / "rtl" / "visible.vlt")),
            # Verilator suspects the name `interrupt` of a port.
            "-Wno-SYMRSVDWORD",
            *(["-Wno-fatal"] if vendor else []),
            # Python finds the functions of the memory in the running program.
            *("-LDFLAGS", "-rdynamic"),
        ),
        # -MP lets make build again when a header that an earlier build included is gone.
        cxx_flags=" ".join(
            [
                *("-std=c++17", "-MP", "-DTRIVIT_SIMULATION", "-Wno-unknown-pragmas"),
                *(f"-I{include}" for include in includes),
                *("-isystem", str(ap_types())),
            ]
        ),
        make_flags=(f"OPT_FAST={OPTIMISE}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"),
        data=tuple(p for f in folders for p in sorted(f.iterdir()) if p.suffix == ".dat"),
    )


def chosen_design() -> Design:
    """Return the design with the Verilog that ``make cosim RTL=...`` names, if it names any."""
    named = os.environ.get(RTL_VARIABLE)
    return cosim_design(Path(named), "cosim_vendor") if named else cosim_design()
