"""Reports in the formats of the vendor's tools, with figures of our own.

Written after the documented formats (UG906, UG907, UG1399) and public reports of several releases;
no tool has written one for this design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

_RULE = "-" * 96


def _head(command: str, release: str) -> str:
    return "\n".join(
        [
            "Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.",
            _RULE,
            f"| Tool Version : Vivado v.{release} (lin64) Build 3671981",
            "| Date         : Sat Nov 28 12:00:00 2026",
            f"| Command      : {command}",
            "| Design       : system_wrapper",
            "| Device       : xczu9eg-ffvb1156",
            _RULE,
            "",
        ]
    )


def timing(setup: str = "0.123", hold: str = "0.010", release: str = "2022.2") -> str:
    """Return a timing summary with these slacks in ns; ``NA`` where there are none."""
    failing = sum(slack.startswith("-") for slack in (setup, hold))
    met = "Timing constraints are not met." if failing else "All user specified timing constraints"
    return (
        _head("report_timing_summary -file timing.rpt", release)
        + f"""
Timing Summary Report

{_RULE}
| Timer Settings
| --------------
{_RULE}

  Enable Multi Corner Analysis               :  Yes

{_RULE}
| Design Timing Summary
| ---------------------
{_RULE}

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  \
THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  \
TPWS Total Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  \
---------------------  -------------------     --------     --------  ----------------------  \
--------------------
{setup:>11}  {"0.000":>11}  {int(setup.startswith("-")) * 7:>21}  {"401234":>19}  {hold:>11}  \
{"0.000":>11}  {int(hold.startswith("-")) * 3:>21}  {"401234":>19}  {"1.833":>11}  {"0.000":>11}  \
{"0":>22}  {"180321":>20}


{met}


{_RULE}
| Clock Summary
| -------------
{_RULE}

Clock     Waveform(ns)       Period(ns)      Frequency(MHz)
-----     ------------       ----------      --------------
clk_pl_0  {{0.000 3.333}}        6.667           149.999


{_RULE}
| Intra Clock Table
| -----------------
{_RULE}

Clock             WNS(ns)      TNS(ns)
-----             -------      -------
clk_pl_0          {setup}        0.000
"""
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as Vivado draws them, the first as heads."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [
        "|" + "|".join(f" {cell:<{width}} " for cell, width in zip(row, widths, strict=True)) + "|"
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


#: Level, instance, module, LUTs, flip-flops, RAMB36, RAMB18, DSP blocks.
INSTANCES: list[tuple[int, str, str, int, int, int, int, int]] = [
    (0, "system_wrapper", "(top)", 131000, 171000, 660, 6, 2250),
    (1, "system_i", "system", 131000, 171000, 660, 6, 2250),
    (2, "fifo_gelu_rows", "system_fifo_gelu_rows_0", 400, 1100, 0, 0, 0),
    (2, "fifo_jobs", "system_fifo_jobs_0", 200, 600, 0, 0, 0),
    (2, "gelu", "system_gelu_0", 9000, 11000, 16, 0, 32),
    (3, "inst", "system_gelu_0_trivit_gelu", 9000, 11000, 16, 0, 32),
    (2, "ps", "system_ps_0", 300, 0, 0, 0, 0),
    (2, "smartconnect_gmem0", "system_smartconnect_gmem0_0", 900, 1500, 0, 0, 0),
    (2, "trivit", "system_trivit_0", 70000, 90000, 600, 6, 2083),
    (3, "inst", "trivit_top", 70000, 90000, 600, 6, 2083),
    (4, "accelerator", "accelerator", 69000, 89000, 600, 6, 2083),
    (5, "engine", "matrix_engine", 41000, 70000, 600, 6, 2083),
    (6, "banks", "activation_banks", 2100, 2000, 480, 0, 0),
    (7, "bank[0].bank", "activation_bank__parameterized0_1", 1100, 1000, 240, 0, 0),
    (7, "bank[1].bank", "activation_bank_2", 1000, 1000, 240, 0, 0),
    (6, "lane[0].memory", "weight_memory", 10, 500, 120, 6, 0),
    (5, "port[0].mover", "mover_port", 2000, 1800, 0, 0, 0),
    (5, "port[1].mover", "mover_port__xdcDup__1", 2100, 1900, 0, 0, 0),
    (4, "registers", "job_registers", 900, 1000, 0, 0, 0),
]


def utilisation(
    release: str = "2022.2", instances: Sequence[tuple[int, str, str, int, int, int, int, int]] = ()
) -> str:
    """Return a report by hierarchy: columns as that release has them, percentages in new ones."""
    new = release >= "2024"
    heads = ["Instance", "Module", "Total LUTs", "Logic LUTs", "LUTRAMs", "SRLs", "FFs"]
    heads += ["RAMB36", "RAMB18", *(["URAM"] if new else []), "DSP Blocks"]
    rows = [heads]
    for level, name, module, lut, ff, ramb36, ramb18, dsp in instances or INSTANCES:
        share = f"({100 * lut / 274080:.2f}%)" if new else ""
        cells = [f"{'  ' * level}{name}", module, f"{lut}{share}", str(lut), "0", "0", str(ff)]
        cells += [str(ramb36), str(ramb18), *(["0"] if new else []), str(dsp)]
        rows.append(cells)
        if name in ("accelerator", "engine"):
            own = [f"{'  ' * (level + 1)}({name})", module, "1", "1", "0", "0", "1", "0", "0"]
            rows.append([*own, *(["0"] if new else []), "0"])
    title = "Utilization by Hierarchy"
    return (
        _head("report_utilization -hierarchical -file utilisation.rpt", release)
        + f"\nUtilization Design Information\n\nTable of Contents\n-----------------\n1. {title}\n"
        + f"\n1. {title}\n---------------------------\n\n{table(rows)}\n\n"
        + "* Note: The sum of lower-level cells may be larger than their parent cells total, "
        + "due to cross-hierarchy LUT combining\n"
    )


def power(total: str = "9.412", release: str = "2022.2") -> str:
    """Return a power report."""
    summary = [
        ["Total On-Chip Power (W)", total],
        ["Design Power Budget (W)", "Unspecified*"],
        ["Power Budget Margin (W)", "NA"],
        ["Dynamic (W)", "8.601"],
        ["Device Static (W)", "0.811"],
        ["Effective TJA (C/W)", "0.8"],
        ["Junction Temperature (C)", "32.9"],
        ["Confidence Level", "Medium"],
    ]
    parts = [
        ["On-Chip", "Power (W)", "Used", "Available", "Utilization (%)"],
        ["Clocks", "0.911", "3", "---", "---"],
        ["CLB Logic", "1.204", "310000", "---", "---"],
        ["  LUT as Logic", "1.100", "120000", "274080", "43.78"],
        ["  BUFG", "<0.001", "1", "32", "3.13"],
        ["DSPs", "1.502", "2250", "2520", "89.29"],
        ["PS8", "2.730", "1", "---", "---"],
        ["Static Power", "0.811", "", "", ""],
        ["Total", total, "", "", ""],
    ]
    contents = (
        "Table of Contents\n-----------------\n1. Summary\n1.1 On-Chip Components\n2. Settings\n"
    )
    boxes = table([["Summary", ""], *summary]).splitlines()
    return (
        _head("report_power -file power.rpt", release)
        + f"\nPower Report\n\n{contents}\n1. Summary\n----------\n\n"
        + "\n".join([boxes[0], *boxes[3:]])
        + "\n* Specify Design Power Budget using, set_operating_conditions\n\n\n"
        + f"1.1 On-Chip Components\n----------------------\n\n{table(parts)}\n\n\n"
        + "2. Settings\n-----------\n"
    )


def csynth(
    top: str,
    loops: Mapping[str, tuple[int, int]],
    release: str = "2022.2",
    period: str = "4.800",
    ports: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """Return csynth.xml of a block: intervals and depths by function, bits by stream."""
    signals = "".join(
        f"<RtlPorts><name>{name}_{signal}</name><Object>{name}</Object><IOProtocol>axis"
        f"</IOProtocol><Bits>{bits}</Bits></RtlPorts>"
        for name, width in ports.items()
        for signal, bits in (("TDATA", width), ("TVALID", 1), ("TREADY", 1))
    )
    modules = []
    for function, (interval, depth) in loops.items():
        loop = (
            "<VITIS_LOOP_9_1><Name>VITIS_LOOP_9_1</Name><TripCount>undef</TripCount>"
            f"<Latency>undef</Latency><PipelineII>{interval}</PipelineII>"
            f"<PipelineDepth>{depth}</PipelineDepth></VITIS_LOOP_9_1>"
        )
        # Newer releases give a pipelined loop a module of its own.
        name = function if release < "2022" else f"{function}_Pipeline_VITIS_LOOP_9_1"
        modules.append(
            f"<Module><Name>{name}</Name><PerformanceEstimates><SummaryOfLoopLatency>{loop}"
            "</SummaryOfLoopLatency></PerformanceEstimates></Module>"
        )
        if name != function:
            modules.append(f"<Module><Name>{function}</Name></Module>")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<profile>
  <ReportVersion><Version>{release}</Version></ReportVersion>
  <UserAssignments>
    <unit>ns</unit><ProductFamily>zynquplus</ProductFamily><Part>xczu9eg-ffvb1156-2-e</Part>
    <TopModelName>{top}</TopModelName><TargetClockPeriod>6.667</TargetClockPeriod>
    <ClockUncertainty>1.80</ClockUncertainty><FlowTarget>vivado</FlowTarget>
  </UserAssignments>
  <PerformanceEstimates>
    <PipelineType>none</PipelineType>
    <SummaryOfTimingAnalysis>
      <unit>ns</unit><EstimatedClockPeriod>{period}</EstimatedClockPeriod>
    </SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency>
      <unit>clock cycles</unit><Best-caseLatency>undef</Best-caseLatency>
      <Average-caseLatency>undef</Average-caseLatency>
      <Worst-caseLatency>undef</Worst-caseLatency>
      <Interval-min>12</Interval-min><Interval-max>-1</Interval-max>
    </SummaryOfOverallLatency>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources>
      <BRAM_18K>33</BRAM_18K><DSP>32</DSP><FF>12000</FF><LUT>15000</LUT><URAM>0</URAM>
    </Resources>
    <AvailableResources>
      <BRAM_18K>1824</BRAM_18K><DSP>2520</DSP><FF>548160</FF><LUT>274080</LUT><URAM>0</URAM>
    </AvailableResources>
  </AreaEstimates>
  <InterfaceSummary>{signals}</InterfaceSummary>
  <ModuleInformation>{"".join(modules)}</ModuleInformation>
</profile>
"""
