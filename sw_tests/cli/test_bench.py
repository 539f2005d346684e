"""`trivit bench emulator` on the smallest model: what it reports, not how fast it is."""

import json
import os
import statistics
from pathlib import Path

import pytest
import torch

from trivit.tools.cli import main


def test_bench_reports_both_speeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "AVX2")
    out = tmp_path / "new" / "bench.json"
    cores = os.sched_getaffinity(0)
    arguments = ["bench", "emulator", "micro_28", "--keep", "0.7", "--attention-keep", "0.5"]
    assert main([*arguments, "--repeats", "3", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert len(printed["emulator_ms_all"]) == len(printed["pytorch_float32_ms_all"]) == 3
    median = statistics.median(printed["emulator_ms_all"])
    assert printed["emulator_ms"] == pytest.approx(median, abs=0.01)
    assert printed["ratio"] == pytest.approx(
        printed["emulator_ms"] / printed["pytorch_float32_ms"], rel=1e-6
    )
    assert printed["emulator"].endswith("(-march=native)")
    assert printed["pytorch"] == torch.backends.cpu.get_cpu_capability()
    assert printed["pytorch_limits"] == {"MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    assert {"machine", "versions", "when", "load_average_before"} <= printed.keys()
    assert os.sched_getaffinity(0) == cores


def test_bench_compiles_for_the_processor_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "emulator", "micro_28", "--march", "z80"]) == 2
    assert "z80" in capsys.readouterr().err


def test_bench_refuses_an_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "emulator", "deit_huge"]) == 2
    assert "unknown model 'deit_huge'" in capsys.readouterr().err
