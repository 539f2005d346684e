"""Programs that choose attention connections, on the simulated accelerator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle
from programs import Shape, random_bundle

from trivit.host.generated.commands import COMMANDS
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.simulation.simulator_run import SimulationSettings

CONNECTIONS = COMMANDS["connections"].number


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        (Shape(), SimulationSettings()),
        (Shape(grid=6, heads=3, keep=33, connections=9), SimulationSettings()),
        (Shape(grid=4, heads=1, keep=9, connections=9), SimulationSettings(pauses=100, seed=1)),
    ],
    ids=["two row groups", "two tiles of keys", "pauses"],
)
def test_programs_over_every_opcode(
    shape: Shape, settings: SimulationSettings, simulator: Path
) -> None:
    """Two choices, each the mask of a later attention, the second one by a masked attention."""
    bundle = random_bundle(3, shape)[0]
    expected, simulated = run_bundle(simulator, bundle, settings)
    assert_tensors(expected, simulated)
    log = simulated.logs[0]
    assert not log["failed"].any()
    tags = [t.instruction for t in bundle.tensors if t.name in ("mask", "mask2")]
    masked = [t.instruction for t in bundle.tensors if t.name in ("context2", "context3")]
    reported = log["tag"][log["unit"] == CONNECTIONS].tolist()
    assert reported == [tags[0], masked[0], tags[1], masked[1]]


@pytest.mark.full
def test_deit_with_connections_takes_no_longer(simulator: Path) -> None:
    """Every tensor; and the array never waits for a choice of connections."""
    cycles = []
    for attention_keep in (0.2, 1.0):
        config = model_config(
            "deit_tiny", token_keep_ratio=0.7, attention_keep_ratio=attention_keep
        )
        expected, simulated = run_bundle(
            simulator, untrained_program(config, "deit_tiny", seed=1), SimulationSettings()
        )
        assert_tensors(expected, simulated)
        cycles.append(int(simulated.cycles[0]))
    assert abs(cycles[0] - cycles[1]) < 0.001 * np.mean(cycles)
