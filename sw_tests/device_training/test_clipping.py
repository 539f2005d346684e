"""Clipping by the global norm: of this update, as torch does it, or of the one before."""

from typing import Any

import numpy as np
import pytest
import torch
from training_models import PRUNED, device_gradients, training_model

from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import TrainingSession, target_row

TARGET = target_row(1, 5, 0.1)
LARGEST = 0.25


def stepped(accumulate: int = 1, **settings: Any) -> tuple[TrainingSession, dict[str, Any]]:
    """A session after its first update, without momentum; the gradients that the update read."""
    m = training_model(**PRUNED)
    session = m.session(EmulatorTraining(), accumulate=accumulate, momentum=0.0, **settings)
    session.find_exponents(m.image(0), TARGET)
    for number in range(accumulate):
        formats = session.state.formats
        session.step(m.image(number), TARGET, 0.01)
    after, session.state.formats = session.state.formats, formats
    gradients = device_gradients(session)
    velocities = {
        o.operands["high"].tensor: session.state.real(o.operands["velocity"].tensor)
        for o in session.program.operations
        if o.phase == "update"
    }
    session.state.formats = after
    steps = {n: 2.0 ** -formats[f"{n}.momentum"] for n in velocities}
    return session, {n: (gradients[n], velocities[n], steps[n]) for n in velocities}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_unfused_clipping_is_that_of_torch(accumulate: int) -> None:
    session, found = stepped(accumulate, clip_norm=LARGEST, clip_fused=False)
    rest = 1.5 if accumulate == 3 else 1.0
    tensors = []
    for gradient, _, _ in found.values():
        tensor = torch.zeros(gradient.shape, dtype=torch.float64, requires_grad=True)
        tensor.grad = torch.from_numpy(gradient / rest)
        tensors.append(tensor)
    norm = float(torch.nn.utils.clip_grad_norm_(tensors, LARGEST))
    assert norm > 4 * LARGEST, "it clips"
    assert session.gradient_norm == pytest.approx(norm, rel=1e-12)
    for tensor, (name, (gradient, velocity, step)) in zip(tensors, found.items(), strict=True):
        assert tensor.grad is not None
        error = np.abs(velocity - tensor.grad.numpy())
        # The factor has 16 bits behind the point; momenta are rounded by less than one step, after
        # the product has been rounded at 16 bits more.
        bound = np.abs(gradient) * 2.0**-17 + step * (1 + 2.0**-16)
        assert (error <= bound).all(), (name, (error / bound).max())


def test_fused_clipping_is_by_the_norm_before() -> None:
    fused, found = stepped(clip_norm=LARGEST)
    _, unclipped = stepped()
    for name, (_, velocity, _) in found.items():
        assert np.array_equal(velocity, unclipped[name][1]), "nothing came before the first step"
    m = training_model(**PRUNED)
    unfused, _ = stepped(clip_norm=LARGEST, clip_fused=False)
    assert fused.gradient_norm == unfused.gradient_norm
    first, factors = fused.gradient_norm, []
    for session in (fused, unfused):
        run, seen = session.backend.run, []

        def spied(*call: Any, run: Any = run, seen: list[int] = seen) -> Any:
            seen.append(call[2].clip)
            return run(*call)

        session.backend.run = spied  # type: ignore[method-assign]
        session.step(m.image(1), TARGET, 0.01)
        factors.append(seen[-1])
    assert unfused.gradient_norm != first
    assert factors == [round(65536 * LARGEST / norm) for norm in (first, unfused.gradient_norm)]
