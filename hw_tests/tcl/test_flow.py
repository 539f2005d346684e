"""Scripts of hls/tcl from the first command to the last, also where something fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tcl.design import BLOCKS, HLS, ROOT, run_bitstream, run_hls
from tcl.recorder import read_list, run_script
from tcl.vivado import Outcome, Vivado

from trivit.tools.kernel import load_description

KERNEL = load_description(HLS / "kernel.yaml")


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_simulated_synthesised_and_exported(block: str, tmp_path: Path) -> None:
    result = run_hls(block, tmp_path)
    tool = result.tool
    assert result.run.status == 0, result.run.output
    assert tool.done == ["csim_design", "csynth_design", "export_design"]
    assert tool.part == KERNEL.board.part
    assert tool.period_ns == pytest.approx(1000 / KERNEL.timing["clock_mhz"], abs=5e-4)
    assert [path for path, _ in tool.sources] == [HLS / "src" / f"{block}.cpp"]
    others = ["softmax", "select"] if block == "connections" else []
    assert [path for path, _ in tool.benches] == [
        ROOT / f"hw_tests/blocks/bench_{block}.cpp",
        *(HLS / "src" / f"{other}.cpp" for other in others),
    ]


def test_every_header_is_where_the_script_says(tmp_path: Path) -> None:
    """hw_tests/blocks compiles the benches; here their folders are those that Vitis HLS is told."""
    vendor = ROOT / "hw_tests/blocks/vendor"
    types = Path(sys.prefix) / "hls4ml/hls4ml/templates/vivado/ap_types"
    files = run_hls("connections", tmp_path).tool
    for path, flags in (*files.sources, *files.benches):
        command = ["g++", "-M", *flags, f"-I{vendor}", "-isystem", types, path]
        result = subprocess.run([*map(str, command)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[:2000]


def test_blocks_are_those_that_have_channels() -> None:
    streams = [stream for stream in KERNEL.streams if not stream.training]
    ends = {end for stream in streams for end in (stream.source, stream.sink)}
    assert {end.partition(".")[0] for end in ends} - {"rtl"} == set(BLOCKS)


@pytest.mark.parametrize("step", ["csim_design", "csynth_design", "export_design"])
def test_a_step_of_a_block_that_fails_ends_it_with_a_line(step: str, tmp_path: Path) -> None:
    result = run_hls("gelu", tmp_path, fails=step)
    assert result.run.status == 1
    assert result.run.output == f"trivit: ERROR: {step} failed\n"
    assert step not in result.tool.done
    assert not [*tmp_path.rglob("component.xml")]


def test_a_block_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    result = run_hls("gelo", tmp_path)
    assert result.run.status == 1
    assert result.run.output.startswith("trivit: no block gelo; there are sequencer gelu")


def test_the_first_strategy_that_meets_timing_makes_the_bitstream(tmp_path: Path) -> None:
    slow = [Outcome(setup=-0.2), Outcome(failed="place_design ERROR"), Outcome(hold=-0.01)]
    result = run_bitstream(tmp_path, outcomes=[*slow, Outcome(setup=0.12, hold=0.3)])
    assert result.run.status == 0, result.run.output
    assert len(result.tool.tried) == len(set(result.tool.tried)) == 4
    last = result.tool.tried[-1]
    assert f"trivit-result: slack_ns 0.12 strategy {last}\n" in result.run.output
    assert {path.name for path in result.out.iterdir()} == {
        *("trivit.bit", "trivit.hwh", "trivit.xsa", "reports"),
    }


def test_without_timing_there_is_no_bitstream_but_reports_and_a_line(tmp_path: Path) -> None:
    slacks = (-0.2, -0.3, -0.25, -0.4)
    result = run_bitstream(tmp_path, outcomes=[Outcome(setup=slack) for slack in slacks])
    assert result.run.status == 1
    message = result.run.output.splitlines()[-1]
    assert message.startswith("trivit: no bitstream, because timing fails at 150 MHz with every")
    for strategy, slack in zip(result.tool.tried, slacks, strict=True):
        assert f"{strategy}: {slack} ns" in message
    assert [path.name for path in result.out.iterdir()] == ["reports"]


def test_a_failed_synthesis_ends_with_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Vivado.do_wait_on_run

    def fails(self: Vivado, arguments: object) -> None:
        wait(self, arguments)  # type: ignore[arg-type]
        self.runs["synth_1"].progress, self.runs["synth_1"].status = "0%", "synth_design ERROR"

    monkeypatch.setattr(Vivado, "do_wait_on_run", fails)
    result = run_bitstream(tmp_path)
    assert result.run.status == 1
    assert "trivit: synth_1 ended with 'synth_design ERROR'" in result.run.output
    assert not result.tool.tried


def test_a_vivado_without_the_boards_files_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vivado, "do_get_board_parts", lambda self, arguments: "")
    result = run_bitstream(tmp_path)
    assert result.run.status == 1
    assert re.search(r"^trivit: .* no files for the board xilinx.com:zcu102", result.run.output)
    assert len(result.run.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("create_bd_sell -type ip x", "invalid command name"),
        ("create_project -forced p f", "unknown option -forced"),
        ("create_project p", "1 arguments"),
        ("lmap x {1 2} {expr {$x}}", "invalid command name"),
    ],
)
def test_stand_ins_know_no_other_command_and_no_other_argument(
    call: str, error: str, tmp_path: Path
) -> None:
    (tmp_path / "call.tcl").write_text(call + "\n")
    run = run_script(tmp_path / "call.tcl", Vivado(HLS, "2022.2"), {})
    assert run.status != 0
    assert error in run.output


def test_without_tclsh_and_without_root_a_line_names_the_package(tmp_path: Path) -> None:
    result = subprocess.run(
        ["/bin/sh", ROOT / "tools/bootstrap.sh", "tcl"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("trivit: these system packages are missing: tcl; install them")


def test_lists_of_tcl_are_read() -> None:
    assert read_list('a {b c} {} "d e" {f {g h}}') == ["a", "b c", "", "d e", "f {g h}"]
