"""Runs a file of checks under Triton's interpreter, which must be asked for before Triton loads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def needs_interpreter() -> None:
    """Skip a test where Triton is missing, or one whose interpreter fails with numpy 2.4."""
    pytest.importorskip("triton", minversion="3.7")


def report_of(script: str) -> dict[str, Any]:
    """Return what the script beside this file prints: a JSON object."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(script))],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)
