"""Readers of the vendor's reports, on samples in the formats of several releases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tcl import samples

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.vivado.assumed import assumed_depths, process_of
from trivit.tools.vivado.blocks import check_ports
from trivit.tools.vivado.compare import gather, placed_units
from trivit.tools.vivado.csynth import Loop, Synthesis, read_csynth
from trivit.tools.vivado.power import read_power
from trivit.tools.vivado.show import print_figures, slow_loops
from trivit.tools.vivado.timing import read_timing
from trivit.tools.vivado.utilisation import read_utilisation

RELEASES = ("2021.1", "2022.2", "2024.1", "2025.1")


def written(folder: Path, text: str, name: str = "report.rpt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("setup", "hold", "slack", "failing"),
    [("0.123", "0.010", 0.010, 0), ("-0.250", "0.010", -0.25, 7), ("0.1", "-0.004", -0.004, 3)],
)
def test_slack_is_the_worst_of_set_up_hold_and_pulses(
    setup: str, hold: str, slack: float, failing: int, tmp_path: Path
) -> None:
    timing = read_timing(written(tmp_path, samples.timing(setup, hold)))
    assert (timing.slack_ns, timing.failing_paths) == (slack, failing)
    assert (timing.setup_ns, timing.hold_ns) == (float(setup), float(hold))
    assert timing.pulse_width_ns == 1.833
    assert timing.clocks_mhz == {"clk_pl_0": 149.999}
    if slack < 0:
        with pytest.raises(ToolsError, match=f"slack {slack:g} ns, {failing} paths fail"):
            timing.check()
    else:
        timing.check()


def test_a_design_without_a_clock_has_no_slack(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"no WNS\(ns\): nothing there has a clock"):
        read_timing(written(tmp_path, samples.timing(setup="NA")))


@pytest.mark.parametrize("release", RELEASES)
def test_instances_are_a_tree_with_their_own_part(release: str, tmp_path: Path) -> None:
    top = read_utilisation(written(tmp_path, samples.utilisation(release)))
    assert top.resources == Resources(lut=131000, ff=171000, bram36=663, dsp=2250)
    assert [i.name for i in top.below[0].below][:3] == ["fifo_gelu_rows", "fifo_jobs", "gelu"]
    engine = top.find("matrix_engine")
    assert engine is not None and engine.name == "engine"
    assert [i.module for i in engine.walk()].count("activation_bank") == 2
    assert engine.own == Resources(lut=38890, ff=67500, bram36=0, dsp=2083)


def test_units_add_up_to_those_of_the_estimate(tmp_path: Path) -> None:
    units = placed_units(read_utilisation(written(tmp_path, samples.utilisation())))
    assert units["activation banks"] == Resources(lut=2100, ff=2000, bram36=480)
    assert units["weight ring"] == Resources(lut=10, ff=500, bram36=123)
    assert units["engine"] == Resources(lut=38890, ff=67500, bram36=0, dsp=2083)
    assert units["movers"] == Resources(lut=4100, ff=3700)
    assert units["queues of the top level"] == Resources(lut=23900, ff=15300)
    assert units["gelu"] == Resources(lut=9000, ff=11000, bram36=16, dsp=32)
    assert units["FIFOs of channels"] == Resources(lut=600, ff=1700)
    assert units["SmartConnects"] == Resources(lut=900, ff=1500)
    inside = [name for name in units if name not in ("all", "gelu")]
    inside = [name for name in inside if not name.startswith(("FIFOs", "Smart"))]
    assert sum((units[name] for name in inside), Resources()) == Resources(
        lut=69900, ff=90000, bram36=603, dsp=2083
    )


def test_power_and_its_parts_are_read(tmp_path: Path) -> None:
    power = read_power(written(tmp_path, samples.power("9.412 (Junction temp exceeded!)")))
    assert (power.total_w, power.dynamic_w, power.static_w) == (9.412, 8.601, 0.811)
    assert (power.junction_c, power.confidence) == (32.9, "Medium")
    assert {"Clocks", "CLB Logic", "DSPs", "PS8", "Static Power", "Total"} == {*power.on_chip_w}


@pytest.mark.parametrize("release", RELEASES)
def test_loops_of_a_block_lie_beside_what_the_simulation_assumes(
    release: str, tmp_path: Path
) -> None:
    wanted = {"softmax_peaks": (1, 9), "softmax_exponentials": (2, 20)}
    path = written(tmp_path, samples.csynth("trivit_softmax", wanted, release), "csynth.xml")
    block = read_csynth(path)
    depths = assumed_depths("softmax")
    found = {process_of(loop, depths): (loop.interval, loop.depth) for loop in block.loops}
    assert found == wanted
    assert (block.release, block.target_ns, block.estimated_ns) == (release, 6.667, 4.8)
    assert (block.latency, block.interval) == ((None, None), (12, None))
    assert block.resources == Resources(bram36=16.5, dsp=32, ff=12000, lut=15000)


def test_streams_that_were_made_are_those_of_the_channels(tmp_path: Path) -> None:
    streams = {"commands": 256, "rows": 512, "results": 512, "reports": 64}

    def made(ports: dict[str, int]) -> Synthesis:
        text = samples.csynth("trivit_gelu", {}, ports=ports)
        return read_csynth(written(tmp_path, text, "csynth.xml"))

    assert made(streams).ports == streams
    check_ports("gelu", made(streams))
    with pytest.raises(ToolsError, match=r"made 520 bits for the stream rows, .* has 512"):
        check_ports("gelu", made({**streams, "rows": 520}))
    with pytest.raises(ToolsError, match=r"made 8 bits for the stream open, .* has none"):
        check_ports("gelu", made({**streams, "open": 8}))
    del streams["reports"]
    with pytest.raises(ToolsError, match=r"made no bits for the stream reports, .* has 64"):
        check_ports("gelu", made(streams))


def test_every_process_of_the_blocks_has_an_assumed_depth() -> None:
    assert assumed_depths("softmax") == {
        "softmax_peaks": 8,
        "softmax_exponentials": 20,
        "softmax_probabilities": 24,
    }
    assert assumed_depths("gelu") == {"trivit_gelu": 20}
    with pytest.raises(ToolsError, match="gelu_lane: no process of the block; there are"):
        process_of(Loop(module="gelu_lane", name="l", interval=1, depth=1), {"trivit_gelu": 20})


READERS: list[tuple[Callable[[Path], object], str]] = [
    (read_timing, "no Design Timing Summary"),
    (read_utilisation, "no section 'Utilization by Hierarchy'"),
    (read_power, "no section 'Summary'"),
    (read_csynth, "is no XML"),
]


@pytest.mark.parametrize(("reader", "message"), READERS)
def test_another_report_and_a_missing_one_are_named(
    reader: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ToolsError, match=message):
        reader(written(tmp_path, "something else\n"))
    with pytest.raises(ToolsError, match="No such file or directory"):
        reader(tmp_path / "none.rpt")


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (samples.utilisation(), "DSP Blocks", "Multipliers", "no column of dsp"),
        (samples.utilisation(), "| 131000 ", "| many   ", "'many' is no number"),
        (samples.power(), "Dynamic (W)", "Dynamic (J)", r"no 'Dynamic \(W\)'"),
        (samples.timing(), "  0.123", "", "columns of slacks and"),
        (samples.csynth("trivit_gelu", {}), "<DSP>32</DSP>", "", "no AreaEstimates/Resources/DSP"),
    ],
)
def test_a_report_that_lacks_something_is_refused(
    text: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    readers = {"Utilization by": read_utilisation, "Power R": read_power, "Timing S": read_timing}
    reader = next((r for word, r in readers.items() if word in text), read_csynth)
    assert old in text
    with pytest.raises(ToolsError, match=message):
        reader(written(tmp_path, text.replace(old, new)))


def test_figures_set_all_side_by_side_and_name_slow_loops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "hls/gelu/trivit_gelu/zcu102/syn/report"
    written(report, samples.csynth("trivit_gelu", {"trivit_gelu": (2, 50)}), "csynth.xml")
    for name, text in (
        *(("timing", samples.timing()), ("power", samples.power())),
        ("utilisation", samples.utilisation()),
    ):
        written(tmp_path / "reports", text, f"{name}.rpt")
    figures = gather(tmp_path)
    gelu = figures["resources"]["gelu"]
    assert gelu["source"] == "modelled" and gelu["project"]["dsp"] == 32
    assert (gelu["vitis"]["lut"], gelu["vivado"]["lut"]) == (15000, 9000)
    assert figures["resources"]["movers"]["source"] == "Yosys"
    image = next(iter(figures["images"].values()))
    assert image["latency_ms"] == pytest.approx(image["cycles"] / 149999)
    assert image["energy_mj"] == pytest.approx(9.412 * image["latency_ms"])
    assert slow_loops(figures) == ["trivit_gelu_Pipeline_VITIS_LOOP_9_1 (II 2)"]
    print_figures(figures)
    printed = capsys.readouterr().out
    assert "slack +0.010 ns" in printed and "slower" in printed
    assert "2,083 / 0 / 38,890 / 67,500" in printed


@pytest.mark.parametrize(
    ("loop", "period", "remark"),
    [
        ((1, 20), "4.800", ""),
        ((1, 41), "4.800", "deeper than simulated"),
        ((1, 20), "6.900", "clock too slow"),
        ((3, 20), "4.800", "slower than simulated"),
    ],
)
def test_a_loop_that_is_not_as_simulated_has_a_remark(
    loop: tuple[int, int],
    period: str,
    remark: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "hls/gelu/trivit_gelu/zcu102/syn/report"
    text = samples.csynth("trivit_gelu", {"trivit_gelu": loop}, period=period)
    written(report, text, "csynth.xml")
    print_figures(gather(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "trivit_gelu_Pipeline" in line)
    assert row.endswith(remark or "(20)")


def test_blocks_alone_have_figures_before_there_is_a_bitstream(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="run `make hls` and `make bitstream`"):
        gather(tmp_path)
    report = tmp_path / "hls/gelu/trivit_gelu/zcu102/syn/report"
    written(report, samples.csynth("trivit_gelu", {"trivit_gelu": (1, 20)}), "csynth.xml")
    assert {*gather(tmp_path)} == {"blocks", "resources"}
