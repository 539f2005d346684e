"""The simulator, built once (the cache keeps it until its sources change)."""

from pathlib import Path

import pytest

from trivit.tools.simulation.simulator_build import build_simulator


@pytest.fixture(scope="session")
def simulator() -> Path:
    return build_simulator()
