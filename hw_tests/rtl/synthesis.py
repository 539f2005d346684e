"""Yosys (pyosys, extra `rtl`) on the RTL: 7-series primitives, each module mapped once.

Hierarchy stays: a module that the engine holds 256 times is mapped once and counted 256 times, and
no logic is shared across its border. Nothing is placed or timed.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rtl.designs import RTL

FAMILY = "xc7"

# `synth_xilinx` until its stage map_luts. That stage runs ABC9, which takes many minutes at full
# geometry; ABC with the same costs of a LUT takes seconds. No retiming.
_STAGES = (
    *("begin", "prepare", "map_dsp", "coarse", "map_memory", "map_ffram", "fine"),
    *("map_cells", "map_ffs", "map_luts"),
)
_MAP_LUTS = (
    "opt_expr -mux_undef -noclkinv",
    "abc -luts 2:2,3,6:5,10,20",
    "clean",
    "xilinx_srl -fixed -minlen 3",
    "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
    "xilinx_dffopt",
    "opt_lut_ins -tech xilinx",
    "clean",
    "hierarchy -check",
)
SYNTH = f"synth_xilinx -family {FAMILY} -noiopad -noclkbuf"
FLOW = (f"{SYNTH} -run begin:map_luts", *_MAP_LUTS)


def synthesize(
    top: str,
    parameters: Mapping[str, int] | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Map `top` and what it uses; return the modules of Yosys' JSON netlist by name.

    `progress` is told each pass when it ends, and the seconds since the start.
    """
    stages = [f"{SYNTH} -top {top} -run {a}:{b}" for a, b in pairwise(_STAGES)]
    remove_library = "delete =A:whitebox =A:blackbox"
    return _netlist((*_read(top, parameters, RTL), *stages, *_MAP_LUTS, remove_library), progress)


def inferred_latches(
    top: str, parameters: Mapping[str, int] | None = None, sources: Sequence[Path] = RTL
) -> int:
    """Latches that the source of `top` and of what it uses describes; nothing is mapped."""
    commands = (*_read(top, parameters, sources), f"hierarchy -check -top {top}", "proc")
    modules = _netlist(commands).values()
    kinds = [cell["type"] for module in modules for cell in module["cells"].values()]
    return sum("latch" in kind for kind in kinds)


def _read(
    top: str, parameters: Mapping[str, int] | None, sources: Sequence[Path]
) -> tuple[str, ...]:
    set_parameters = "".join(f" -set {name} {value}" for name, value in (parameters or {}).items())
    return (
        f"read_verilog -sv -DSYNTHESIS {' '.join(map(str, sources))}",
        *([f"chparam{set_parameters} {top}"] if parameters else []),
    )


def _netlist(
    commands: Sequence[str], progress: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    from pyosys import libyosys

    design = libyosys.Design()
    start = time.monotonic()
    for command in commands:
        libyosys.Pass.call(design, f"tee -q {command}")
        words = command.split()
        stage = words[-1] if "-run" in words else ""
        progress(f"{time.monotonic() - start:6.1f} s  {words[0]} {stage}".rstrip())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "netlist.json"
        libyosys.Pass.call(design, f"tee -q write_json {file}")
        modules: dict[str, Any] = json.loads(file.read_text())["modules"]
    return modules


def name_of(module: str) -> str:
    r"""The name in the source of a module that Yosys named after its parameters.

    `$paramod\name\WIDTH=...`, `$paramod$hash\name`, or the name alone.
    """
    parts = module.split("\\")
    return parts[1] if len(parts) > 1 else module


def top_of(modules: Mapping[str, Any], name: str) -> str:
    """The module that has this name in the source; ValueError if there is not exactly one."""
    (found,) = (module for module in modules if name_of(module) == name)
    return found
