"""The training emulator against the oracle over whole steps: every integer of the arena."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_models import CONNECTIONS, DENSE, PRUNED, PSS, training_model

from trivit.host.fixed_point import Int16
from trivit.host.training import checkpoint
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import TrainingSession, target_row

STEPS = 4
TWO_IMAGES = {"accumulate": 2, "clip_fused": False}
CONNECTIONS_TWICE = {**CONNECTIONS, "depth": 3, "selector_blocks": (0, 1)}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "dense": (DENSE, {"weight_decay": 1e-2}, None),
    "pruned, clipped": (PRUNED, {}, 0.5),
    "connections": (CONNECTIONS_TWICE, {}, None),
    "pss": (PSS, {}, 0.5),
    "16-bit masters": ({**PRUNED, "masters": 16}, {"weight_decay": 1e-2}, None),
    "nearest": (DENSE, {"stochastic": False, "momentum": 0.0}, None),
    "adamw": ({**PRUNED, "optimizer": "adamw"}, {"weight_decay": 1e-2}, 0.5),
    "adamw, nearest": ({**DENSE, "optimizer": "adamw"}, {"stochastic": False}, None),
    "unfused clip": (PRUNED, {"clip_fused": False}, 0.5),
    "three images": (DENSE, {"accumulate": 3, "weight_decay": 1e-2}, 0.5),
    "two images of adamw": ({**PRUNED, "optimizer": "adamw", "masters": 16}, TWO_IMAGES, 0.5),
    "three channels": ({**DENSE, "in_channels": 3, "qkv_bias": False}, {}, None),
}


@pytest.fixture(scope="module")
def emulator() -> EmulatorTraining:
    return EmulatorTraining()


@pytest.mark.parametrize("case", CASES)
def test_whole_steps(case: str, emulator: EmulatorTraining) -> None:
    sizes, settings, clip = CASES[case]
    m = training_model(**sizes)
    sessions = []
    for backend in (ReferenceTraining(), emulator):
        session = m.session(backend, seed=5, clip_norm=clip, **settings)
        session.find_exponents(m.image(0), target_row(1, 5))
        sessions.append(session)
    state = sessions[0].state
    before = state.memory.copy()
    for number in range(STEPS):
        results = [s.step(m.image(number), target_row(number, 5, 0.1), 0.01) for s in sessions]
        assert results[0].moves == results[1].moves and results[0].loss == results[1].loss
        assert sessions[0].state.formats == sessions[1].state.formats
        assert_equal_memories(*sessions)
    roles = ("parameter", "momentum", "second")  # accumulators are zero again behind an update
    names = [t.name for t in sessions[0].program.tensors if t.role in roles]
    changed = [state.arena.view(before, n) != state.arena.view(state.memory, n) for n in names]
    assert np.concatenate([c.ravel() for c in changed]).mean() > 0.5, "steps change the weights"


@pytest.mark.parametrize("case", ["dense", "pruned, clipped", "adamw", "two images of adamw"])
@pytest.mark.parametrize("steps", [6, pytest.param(50, marks=pytest.mark.full)])
def test_steps_after_a_resume(
    case: str, steps: int, emulator: EmulatorTraining, tmp_path: Path
) -> None:
    """Both backends write one checkpoint at half of the steps; each goes on from the other's."""
    sizes, settings, clip = CASES[case]
    m = training_model(**sizes)
    backends = (ReferenceTraining(), emulator)

    def fresh(backend: TrainingBackend) -> TrainingSession:
        return m.session(backend, seed=5, clip_norm=clip, **settings)

    def take(session: TrainingSession, until: int) -> None:
        while session.steps < until:
            number = session.steps % 4
            session.step(m.image(number), target_row(number, 5, 0.1), 0.002)

    saved = []
    for backend in backends:
        session = fresh(backend)
        session.find_exponents(m.image(0), target_row(1, 5))
        take(session, steps // 2)
        saved.append(checkpoint.to_bytes(session, {}))
    assert saved[0] == saved[1]
    resumed = []
    for backend, data in zip(backends, reversed(saved), strict=True):
        path = tmp_path / "checkpoint.npz"
        path.write_bytes(data)
        session = fresh(backend)
        checkpoint.restore(path, session, {})
        take(session, steps)
        resumed.append(session)
    assert_equal_memories(*resumed)
    assert checkpoint.to_bytes(resumed[0], {}) == checkpoint.to_bytes(resumed[1], {})


def assert_equal_memories(a: TrainingSession, b: TrainingSession) -> None:
    if not np.array_equal(a.state.memory, b.state.memory):
        differ = [
            t.name
            for t in a.program.tensors
            if not np.array_equal(
                a.state.arena.view(a.state.memory, t.name),
                b.state.arena.view(b.state.memory, t.name),
            )
        ]
        raise AssertionError(f"tensors differ: {', '.join(differ)}")


def test_the_seed_decides_and_nothing_else(emulator: EmulatorTraining) -> None:
    m = training_model(**DENSE)

    def weights(seed: int) -> Int16:
        session = m.session(emulator, seed=seed)
        session.find_exponents(m.image(0), target_row(1, 5))
        for number in range(2):
            session.step(m.image(number), target_row(number, 5), 0.01)
        return session.state.memory[: session.state.arena.state_elements].copy()

    first = weights(1)
    assert np.array_equal(first, weights(1)) and not np.array_equal(first, weights(2))
