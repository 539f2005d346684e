"""``trivit-board latency`` on the simulation: the report that a board would give, without times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from networks import random_network

from trivit.host.backends.session import CycleSource
from trivit.host.cli.main import main
from trivit.host.measure.report import read_report
from trivit.tools.backends import register_simulation
from trivit.tools.schedule import with_commands


def test_report_of_a_simulation(
    simulator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two programs, two images, the first one twice; the same cycles as the log's last report."""
    register_simulation()
    bundle = with_commands(random_network(3))
    dense = replace(bundle.first, name="dense")
    sparse = replace(bundle.first, name="sparse", token_keep_ratio=0.7)
    path = tmp_path / "program.trivit"
    path.write_bytes(replace(bundle, programs=(dense, sparse)).to_bytes())
    words = ["--backend", "simulation", "--random", "2", "--repetitions", "2", "--power"]
    assert main(["latency", str(path), *words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "cycles simulated" in said.out and "Power is left out" in said.out
    assert "1 of 1 jobs" in said.err and "sparse: repetition 2 of 2" in said.err
    report = read_report(tmp_path / "out" / "latency.json")
    assert (report.backend, report.latency.source) == ("simulation", CycleSource.simulated)
    assert (report.latency.clock_mhz, report.bitstream) == (150.0, None)
    for program in report.latency.programs:
        assert program.check.against == "the oracle"
        assert (program.check.repeats, program.check.cycle_spread) == (1, 0)
        assert min(program.cycle_samples) > 500
        assert program.stream is None and program.power is None
    first, second = report.latency.programs
    assert first.cycle_samples == second.cycle_samples
