"""Several keep ratios through the command line: quantize, compile, run one, sweep over all."""

import json
from pathlib import Path

import pytest

from .conftest import Trivit, few_images, files_in


def test_from_a_run_to_a_sweep(trivit: Trivit, run_copy: Path, tmp_path: Path) -> None:
    assert trivit("quantize", run_copy, "--keep", "1.0,0.9,0.6", *few_images()).status == 0
    assert (run_copy / "quantized" / "model_keep_0.9.qonnx").is_file()
    assert trivit("compile", run_copy).status == 0
    picture = tmp_path / "sweep.png"
    sweep = ("run", run_copy / "program.trivit", "--images", "synthetic", "--count", 8, "--sweep")
    outcome = trivit(*sweep, "--json", "--picture", picture)
    assert outcome.status == 0, outcome.err
    points = json.loads(outcome.out)["programs"]
    ratios = [point["token_keep_ratio"] for point in points]
    assert ratios == sorted(ratios, reverse=True) and {1.0, 0.9, 0.6} <= set(ratios)
    assert all(0 <= point["top1"] <= 100 for point in points)
    macs = [point["macs"] for point in points]
    assert macs == sorted(macs, reverse=True)
    assert picture.read_bytes()[:4] == b"\x89PNG"

    assert trivit("compile", run_copy, "--keep", "0.6,1").status == 0
    outcome = trivit(*sweep[:-1], "--json")
    assert json.loads(outcome.out)["program"] == "keep_0.6"


@pytest.mark.parametrize("keep", ["0.9,x", "1.5", "0", "", "nan"])
@pytest.mark.parametrize("command", ["quantize", "compile"])
def test_impossible_ratios_are_refused(
    trivit: Trivit, run_copy: Path, command: str, keep: str
) -> None:
    before = files_in(run_copy)
    trivit(command, run_copy, "--keep", keep).refused("--keep", "write it as 1.0,0.9,0.8")
    assert files_in(run_copy) == before


def test_a_ratio_that_was_not_exported_is_refused(trivit: Trivit, run_copy: Path) -> None:
    before = files_in(run_copy)
    trivit("compile", run_copy, "--keep", "0.3").refused("0.3", "trivit quantize")
    assert files_in(run_copy) == before
