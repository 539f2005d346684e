"""Whole DeiT models, a random image: every tensor, and the cycles that the README states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle

from trivit.host.backends.simulator_run import SimulationSettings
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "keep", "most"),
    [
        ("deit_tiny", 1.0, 4.6),
        ("deit_tiny", 0.7, 3.2),
        ("deit_small", 1.0, 16.5),
        ("deit_small", 0.7, 11.3),
    ],
)
def test_deit(name: str, keep: float, most: float, simulator: Path) -> None:
    """``most`` milliseconds at 150 MHz."""
    config = model_config(name, token_keep_ratio=keep)
    expected, simulated = run_bundle(
        simulator, untrained_program(config, name, seed=1), SimulationSettings()
    )
    assert_tensors(expected, simulated)
    assert len(np.unique(simulated.outputs)) > 100
    assert int(simulated.cycles[0]) / 150e3 <= most
