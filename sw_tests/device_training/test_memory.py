"""Memory does not grow with the number of steps."""

import os
from pathlib import Path

import pytest
from training_models import DENSE, training_model

from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import target_row

#: Steps before the first look: exponents settle, and the allocator has what it needs.
WARM_UP = 150


def resident_bytes() -> int:
    """The resident size of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells resident sizes")
@pytest.mark.parametrize(
    ("steps", "most"), [(400, 1 << 19), pytest.param(10_000, 1 << 20, marks=pytest.mark.full)]
)
def test_memory_does_not_grow(steps: int, most: int) -> None:
    m = training_model(optimizer="adamw", **DENSE)
    session = m.session(EmulatorTraining(), accumulate=2, clip_norm=1.0, clip_fused=False)
    targets = [target_row(number, 5, 0.1) for number in range(4)]
    images = [m.image(number) for number in range(4)]
    session.find_exponents(images[0], targets[0])
    moves = 0
    for _ in range(WARM_UP):
        session.step(images[session.steps % 4], targets[session.steps % 4], 0.001)
    before = resident_bytes()
    for _ in range(steps):
        number = session.steps % 4
        moves += len(session.step(images[number], targets[number], 0.001).moves)
    grown = resident_bytes() - before
    print(f"{steps} steps with {moves} moves of exponents: {grown / 1024:.0f} KiB more")
    assert moves, "exponents moved, so ops were resolved again"
    assert grown < most
