"""The block design that hls/tcl makes, recorded.

``recorded_design()`` is for other tests too: a ``.hwh`` is written from what it returns
(`model.py` has its shape; `Design.as_json` gives the same as a tree).
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tcl.model import Design
from tcl.recorder import Run, run_script
from tcl.vitis import VitisHls
from tcl.vivado import Outcome, Vivado

ROOT = Path(__file__).resolve().parents[2]
HLS = ROOT / "hls"
BLOCKS = ("sequencer", "gelu", "softmax", "normalise", "select", "connections")


@dataclass(frozen=True)
class Hls:
    """What Vitis HLS was told of a block, and how the script ended."""

    tool: VitisHls
    run: Run


@dataclass(frozen=True)
class Bitstream:
    """What Vivado was told, how the script ended, and the folder of its results."""

    tool: Vivado
    run: Run
    out: Path


def run_hls(block: str, work: Path, hls: Path = HLS, fails: str = "") -> Hls:
    """Run hls.tcl for a block; the IP lies below ``work``."""
    tool = VitisHls(hls, work, fails)
    return Hls(tool, run_script(hls / "tcl" / "hls.tcl", tool, {"TRIVIT_BLOCK": block}))


@functools.cache
def _exported() -> tempfile.TemporaryDirectory[str]:
    """Return a folder, for as long as this process lives, into which every block was exported."""
    folder = tempfile.TemporaryDirectory()
    for block in BLOCKS:
        result = run_hls(block, Path(folder.name) / block)
        assert result.run.status == 0, result.run.output
    return folder


def run_bitstream(
    work: Path, hls: Path = HLS, release: str = "2022.2", outcomes: Sequence[Outcome] = ()
) -> Bitstream:
    """Run bitstream.tcl in the empty folder ``work`` with the IPs that hls.tcl exported."""
    ips = Path(_exported().name)
    out = work / "out"
    out.mkdir(parents=True)
    environment = {
        "TRIVIT_PROJECT": str(work / "project"),
        "TRIVIT_IPS": " ".join(str(path.parent) for path in ips.rglob("component.xml")),
        "TRIVIT_OUT": str(out),
        "TRIVIT_JOBS": "2",
    }
    vivado = Vivado(hls, release, outcomes)
    return Bitstream(vivado, run_script(hls / "tcl" / "bitstream.tcl", vivado, environment), out)


@functools.cache
def recorded_design(release: str = "2022.2") -> Design:
    """Return the block design as that release of Vivado is told to make it."""
    with tempfile.TemporaryDirectory() as work:
        result = run_bitstream(Path(work), release=release)
    assert result.run.status == 0, result.run.output
    return result.tool.design
