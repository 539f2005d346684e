"""``csynth.xml`` of Vitis HLS: clock, loops and resources that synthesis of a block expects."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.vivado.tables import number, read_report


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A pipelined loop: the module that holds it, clocks between iterations, clocks of one."""

    module: str
    name: str
    interval: int
    depth: int


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """A block. ``latency`` is fewest and most clocks of a call, None where data decide.

    ``ports`` has the bits of TDATA of each stream.
    """

    top: str
    release: str
    target_ns: float
    estimated_ns: float
    latency: tuple[int | None, int | None]
    interval: tuple[int | None, int | None]
    loops: tuple[Loop, ...]
    resources: Resources
    ports: dict[str, int]


def read_csynth(path: Path) -> Synthesis:
    """Read the report of a block.

    Raises:
        ToolsError: it is no XML, or an entry is missing.
    """
    try:
        root = ET.fromstring(read_report(path))
    except ET.ParseError as error:
        raise ToolsError(f"{path} is no XML: {error}") from error

    def text(entry: str) -> str:
        found = root.findtext(entry)
        if found is None:
            raise ToolsError(f"{path} has no {entry}: it is another report")
        return found.strip()

    def clocks(entry: str) -> int | None:
        found = text(f"PerformanceEstimates/SummaryOfOverallLatency/{entry}")
        return int(found) if found.isdigit() else None

    area = {name: number(text(f"AreaEstimates/Resources/{name}"), path) for name in _AREA}
    return Synthesis(
        top=text("UserAssignments/TopModelName"),
        release=text("ReportVersion/Version"),
        target_ns=number(text("UserAssignments/TargetClockPeriod"), path),
        estimated_ns=number(
            text("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"), path
        ),
        latency=(clocks("Best-caseLatency"), clocks("Worst-caseLatency")),
        interval=(clocks("Interval-min"), clocks("Interval-max")),
        loops=_loops(root),
        resources=Resources(
            bram36=area["BRAM_18K"] / 2,
            dsp=int(area["DSP"]),
            ff=int(area["FF"]),
            lut=int(area["LUT"]),
        ),
        ports=_ports(root),
    )


_AREA = ("BRAM_18K", "DSP", "FF", "LUT")


def _ports(root: ET.Element) -> dict[str, int]:
    found = {}
    for port in root.iterfind("InterfaceSummary/RtlPorts"):
        name = port.findtext("name", "")
        if name.endswith("_TDATA"):
            found[name.removesuffix("_TDATA")] = int(port.findtext("Bits", "0"))
    return found


def _loops(root: ET.Element) -> tuple[Loop, ...]:
    """Return the pipelined loops of all modules; where there are no modules, those of the top."""
    top = root.findtext("UserAssignments/TopModelName", "")
    parts = root.findall("ModuleInformation/Module")
    modules = [(part.findtext("Name", ""), part) for part in parts]
    found = {}
    for name, module in modules or [(top, root)]:
        for loop in module.iterfind("PerformanceEstimates/SummaryOfLoopLatency/*"):
            interval, depth = (loop.findtext(tag, "") for tag in ("PipelineII", "PipelineDepth"))
            if interval.isdigit() and depth.isdigit():
                loop_name = loop.findtext("Name", loop.tag)
                found[name, loop_name] = Loop(
                    module=name, name=loop_name, interval=int(interval), depth=int(depth)
                )
    return tuple(found.values())
