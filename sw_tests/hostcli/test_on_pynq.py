"""Check and notebooks on the backend `board` itself: PYNQ's own code over a simulated board."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from board.test_pynq import VERSIONS, python_of

import trivit.host.notebooks
from trivit.host.check.self_test import BUNDLE
from trivit.tools.kernel import ROOT

NOTEBOOKS = Path(trivit.host.notebooks.__path__[0])
FIRST, LATENCY = NOTEBOOKS / "1_first_run.ipynb", NOTEBOOKS / "2_latency_and_power.ipynb"


def sections(output: str) -> dict[str, str]:
    """Return what was printed, by the headings of on_pynq.py."""
    parts = output.split("== ")[1:]
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


@pytest.mark.parametrize(
    "notebooks", [(FIRST,), pytest.param((FIRST, LATENCY), marks=pytest.mark.full)], ids=len
)
@pytest.mark.parametrize("version", VERSIONS)
def test_notebooks_and_checks(version: str, notebooks: tuple[Path, ...], tmp_path: Path) -> None:
    python = python_of(version)
    (tmp_path / "trivit").symlink_to(ROOT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/model.trivit").symlink_to(BUNDLE)
    words = [str(python), "-m", "sw_tests.hostcli.on_pynq", str(tmp_path), *map(str, notebooks)]
    path = ":".join(map(str, (tmp_path, ROOT / "hw_tests", ROOT)))
    done = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found = sections(done.stdout)

    first = found[FIRST.name].splitlines()
    states = [line.split()[0] for line in first[:11]]
    assert states == ["ok"] * 5 + ["warning"] + ["ok"] * 5  # 2 of the board's 18 rails are there
    assert f"PYNQ {version}" in first[0]
    assert "equal the oracle's on board" in first[10] and " cycles an image" in first[10]
    assert first[11] == "30 logits and 2 tensors equal the oracle's"

    if LATENCY in notebooks:
        report = json.loads((tmp_path / "latency/latency.json").read_text())
        assert report["backend"] == "board" and report["bitstream"]["variant"] == "inference"

    used = found["in use"].splitlines()
    assert used[-1] == "status 2"
    failed = [line for line in used if line.startswith("failed")]
    assert [line.split()[1] for line in failed] == ["lock", "self"]
    assert all("the board is in use by process" in line for line in failed)

    other = found["another bitstream"].splitlines()
    assert other[-1] == "status 2"
    failed = [line for line in other if line.startswith("failed")]
    assert [line.split()[1] for line in failed] == ["handoff", "self"]
