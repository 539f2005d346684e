"""Every group of tests has a share of the time, and a run says who took more."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import time_shares

ROOT = Path(__file__).parents[2]
# 13 minutes of two workers, which groups never fill both to the end. What belongs to the
# accelerator alone has 15 minutes of its own, over both workers: it is built four times, with its
# engine in SystemVerilog, with the blocks of training, in C++, and as a system for co-simulation.
# With installation and lint, four minutes, CI stays far below its 25.
ACCELERATOR = {"hw_tests/accelerator", "hw_tests/blocks", "hw_tests/cosim", "hw_tests/rtl"}
MOST_SECONDS = 2 * 780 * 0.95
MOST_SECONDS_OF_ACCELERATOR = 900


def test_every_group_has_a_share_and_they_fit() -> None:
    shares = time_shares.read_shares(ROOT / "pyproject.toml")
    files = [*ROOT.glob("sw_tests/**/test_*.py"), *ROOT.glob("hw_tests/**/test_*.py")]
    groups = {"/".join(path.relative_to(ROOT).parts[:2]) for path in files}
    assert set(shares) == groups
    present = {group: share for group, share in shares.items() if group not in ACCELERATOR}
    assert sum(present.values()) <= MOST_SECONDS
    assert sum(shares[group] for group in ACCELERATOR) <= MOST_SECONDS_OF_ACCELERATOR


def test_a_run_names_the_groups_over_their_share_and_passes(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.trivit.test-seconds]\n'sw_tests/quick' = 60\n'sw_tests/slow' = 0.1\n"
        "[tool.pytest.ini_options]\ntestpaths = ['sw_tests']\npythonpath = ['hw_tests']\n"
        "addopts = '--import-mode=importlib'\nmarkers = ['full: long']\n"
    )
    for path in ("hw_tests/time_shares.py", "sw_tests/conftest.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    tests = {
        "quick": "import time, pytest\ndef test_a(): pass\ndef test_b(): pass\n"
        "@pytest.mark.full\ndef test_e(): time.sleep(0.2)\n",
        "slow": "import time, pytest\n@pytest.fixture\ndef f(): time.sleep(0.2)\n"
        "def test_c(f): pass\n",
        "new": "def test_d(): pass\n",
    }
    for group, text in tests.items():
        (tmp_path / "sw_tests" / group).mkdir()
        (tmp_path / "sw_tests" / group / f"test_{group}.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:hypothesispytest"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**environment, "CI": "true"},
    )
    assert result.returncode == 0, result.stdout
    rows = {
        line.split()[0]: line.split()[1:]
        for line in result.stdout.splitlines()
        if line.startswith("sw_tests/") and "::" not in line
    }
    assert rows["sw_tests/quick"][0] == "2" and rows["sw_tests/quick"][2:] == ["60"]
    assert rows["sw_tests/slow"][0] == "1" and float(rows["sw_tests/slow"][1]) >= 0.2
    assert rows["sw_tests/slow"][3:] == ["OVER"]
    assert rows["sw_tests/new"][3:] == ["NO", "SHARE"]
    assert "OVER ITS SHARE OF THE TIME: sw_tests/slow, sw_tests/new." in result.stdout
