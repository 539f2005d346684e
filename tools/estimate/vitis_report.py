"""Resources and clock from a Vitis HLS synthesis report (csynth.xml).

The layout is that of reports in public repositories (2019.1 to 2023.2); no report of this kernel
has been seen yet. Elements read: ``UserAssignments/{Part,TopModelName,TargetClockPeriod}``,
``PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod``,
``AreaEstimates/Resources/{BRAM_18K,DSP or DSP48E,FF,LUT}``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.resources import ResourceEstimate, Resources

#: Where `hls/scripts/synthesize.tcl` leaves the report of the whole kernel, below ``hls``.
REPORT = Path("build/trivit_kernel/zcu102/syn/report/csynth.xml")

_DSP_NAMES = ("DSP", "DSP48E")  # the second until 2020.1


@dataclass(frozen=True, kw_only=True)
class VitisReport:
    """What Vitis HLS says about a synthesised kernel; periods in nanoseconds."""

    part: str
    top: str
    target_period: float
    estimated_period: float
    resources: Resources

    @property
    def estimated_mhz(self) -> float:
        """Clock frequency that the estimated period allows."""
        return 1000.0 / self.estimated_period


def read_report(path: Path) -> VitisReport:
    """Read a csynth.xml file.

    Raises:
        ToolsError: not such a report, or one of its figures is missing.
        OSError: the file cannot be read.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise ToolsError(f"{path} is not a Vitis HLS report: {error}") from error
    area = "AreaEstimates/Resources"
    dsp_name = next((n for n in _DSP_NAMES if root.find(f"{area}/{n}") is not None), _DSP_NAMES[0])
    return VitisReport(
        part=_text(root, "UserAssignments/Part", path),
        top=_text(root, "UserAssignments/TopModelName", path),
        target_period=_number(root, "UserAssignments/TargetClockPeriod", path),
        estimated_period=_number(
            root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod", path
        ),
        resources=Resources(
            dsp=int(_number(root, f"{area}/{dsp_name}", path)),
            bram36=_number(root, f"{area}/BRAM_18K", path) / 2,
            lut=int(_number(root, f"{area}/LUT", path)),
            ff=int(_number(root, f"{area}/FF", path)),
        ),
    )


def report_estimate(path: Path) -> ResourceEstimate:
    """Return a report's figures in the place of the model's: one unit, the whole kernel.

    Raises:
        ToolsError: see `read_report`.
    """
    report = read_report(path)
    return ResourceEstimate({report.top: report.resources}, source=str(path))


def _text(root: ElementTree.Element, place: str, path: Path) -> str:
    text = (root.findtext(place) or "").strip()
    if not text:
        raise ToolsError(f"{path} has no {place}: give the csynth.xml of a finished synthesis")
    return text


def _number(root: ElementTree.Element, place: str, path: Path) -> float:
    text = _text(root, place, path)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ToolsError(f"{path}: {place} is {text!r}, not an amount: synthesise again")
    return value
