"""`make hls`, `make bitstream` and `make reports`, with stand-ins for the programs in the PATH."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from tcl.design import BLOCKS, HLS, ROOT
from tcl.program import Programs, write_program

from trivit.host.commands import layout_digest
from trivit.tools.kernel import load_description
from trivit.tools.vivado import run
from trivit.tools.vivado.__main__ import main

KERNEL = load_description(HLS / "kernel.yaml")


class Work:
    """A folder of results, a PATH, and what stands behind its programs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.build, self.programs = folder / "build", folder / "programs"
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")

    def has(self, release: str = "2022.2", hls: str = "vitis_hls") -> Programs:
        write_program(self.programs, hls, release)
        write_program(self.programs, "vivado", release)
        programs = Programs(release)
        names = {**vars(subprocess), "run": programs.run}
        self.monkeypatch.setattr(run, "subprocess", SimpleNamespace(**names))
        return programs

    def run(self, *arguments: str) -> int:
        return main(["--build", str(self.build), *arguments])


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(tmp_path, monkeypatch)


@pytest.mark.parametrize(("command", "what"), [("hls", "Vitis HLS"), ("bitstream", "Vivado")])
def test_without_the_tool_a_line_says_what_works(
    command: str, what: str, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work.run(command) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.startswith(f"trivit: no {what} in the PATH")
    assert "2021.1 to 2025.1" in line and "trivit run --backend simulation" in line
    assert not work.build.exists()


def test_an_older_release_is_refused_and_a_newer_one_named(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    work.has("2020.2")
    assert work.run("hls") == 2
    line = capsys.readouterr().err
    assert line.endswith("is Vitis HLS 2020.2; the scripts are for 2021.1 to 2025.1\n")
    work.has("2026.1", hls="vitis_hls")
    assert work.run("hls", "gelu") == 0
    line = capsys.readouterr().err
    assert line == "trivit: Vitis HLS 2026.1 is newer than the scripts (2021.1 to 2025.1)\n"


@pytest.mark.parametrize("release", ["2021.1", "2025.1"])
def test_from_sources_to_manifest_and_reports(
    release: str, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    new = release == "2025.1"
    programs = work.has(release, hls="vitis-run" if new else "vitis_hls")
    assert work.run("hls") == 0
    started = ["vitis-run", "--mode", "hls", "--tcl"] if new else ["vitis_hls", "-f"]
    assert programs.commands == [started] * len(BLOCKS)
    programs.slacks = (-0.3, 0.25)
    assert work.run("bitstream", "--jobs", "2") == 0, capsys.readouterr().err
    folder = work.build / "bitstream"
    names = ["trivit.bit", "trivit.hwh", "trivit.json", "trivit.xsa"]
    assert sorted(path.name for path in folder.iterdir()) == names
    manifest = json.loads((folder / "trivit.json").read_text())
    assert manifest.pop("built")[:3] == "202"
    assert len(manifest.pop("git_commit").removesuffix("-dirty")) in (0, 40)
    assert manifest == {
        "format": 1,
        "kernel_version": KERNEL.version,
        "layout": layout_digest(),
        "clock_mhz": float(KERNEL.timing["clock_mhz"]),
        "part": KERNEL.board.part,
        "board": KERNEL.board.name,
        "tools": {"vitis": release, "vivado": release},
        "slack_ns": 0.02,  # of hold
        "utilisation": {"lut": 131000, "ff": 171000, "bram36": 663.0, "dsp": 2250},
        "variant": "inference",
        "strategy": "Performance_ExtraTimingOpt",
    }
    assert work.run("reports") == 0
    figures = json.loads((work.build / "reports.json").read_text())
    assert {*figures["blocks"]} == {*BLOCKS}
    assert figures["timing"]["slack_ns"] == 0.02
    assert not [*work.build.glob("*.part")]


def test_negative_slack_leaves_the_bitstream_of_before_and_is_an_error_of_reports(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = work.has()
    assert work.run("hls") == work.run("bitstream") == 0
    before = (work.build / "bitstream/trivit.json").read_text()
    programs.slacks = (-0.3, -0.2, -0.4, -0.15)
    capsys.readouterr()
    assert work.run("bitstream") == 2
    line = capsys.readouterr().err
    assert line.startswith("trivit: vivado: no bitstream, because timing fails at 150 MHz")
    assert line.count("\n") == 1
    assert (work.build / "bitstream/trivit.json").read_text() == before
    assert work.run("reports") == 2
    assert capsys.readouterr().err.startswith("trivit: timing is not met: slack -0.15 ns")


def test_blocks_that_fail_leave_what_was_there_and_are_named(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = work.has("2021.1")
    assert work.run("hls", "gelu") == 0
    made = work.build / "hls/gelu/made.json"
    before = made.stat().st_mtime_ns
    programs.fails = "export_design"
    capsys.readouterr()
    assert work.run("hls", "gelu") == 2
    line = capsys.readouterr().err
    assert line.startswith("trivit: gelu: vitis_hls: ERROR: export_design failed")
    assert line.endswith("exporting by 2021.1 needs AMD's patch AR 76960\n")
    assert made.stat().st_mtime_ns == before
    assert work.run("hls", "gelo") == 2
    assert "no HLS block gelo; there are sequencer, gelu" in capsys.readouterr().err


def test_the_bitstream_wants_every_block_from_these_sources(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    work.has()
    assert work.run("bitstream") == 2
    assert "no IP of the block sequencer" in capsys.readouterr().err
    assert work.run("hls") == 0
    made = work.build / "hls/softmax/made.json"
    made.write_text(json.dumps({**json.loads(made.read_text()), "sources": "others"}))
    assert work.run("bitstream") == 2
    assert "softmax was made from other sources: run `make hls`" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["hls", "bitstream"])
def test_make_has_the_targets(target: str) -> None:
    printed = subprocess.run(
        ["make", "-n", "-o", ".venv/stamp-quant", target],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
    )
    assert printed.returncode == 0, printed.stderr
    assert f"-m trivit.tools.vivado {target}" in printed.stdout
