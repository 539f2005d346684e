"""Steps by commands of the accelerator, interpreted or simulated, beside those of the oracle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from training_models import DENSE, PRUNED, TrainingModel

from trivit.host.fixed_point import Int16, Int64
from trivit.host.oracle.commands import interpret_memory
from trivit.host.training.accelerator.backend import Device
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import StepResult, TrainingSession, target_row
from trivit.host.training.state import Check
from trivit.tools.training.schedule import on_accelerator

#: 10 tokens, no multiple of 4 or 8, and the loss's 5 classes.
TINY = {**DENSE, "patch_size": 4, "depth": 1}
#: Of patches, which the host cuts, of indices and of copied rows nothing comes back, nor is used.
NOT_COUNTED = ("patchify", "select_tokens", "gather")
PRUNED_TINY = {**PRUNED, "patch_size": 4}
DEIT_T_BLOCK = {
    **DENSE,
    "image_size": 224,
    "patch_size": 16,
    "in_channels": 3,
    "num_classes": 1000,
    "embed_dim": 192,
    "num_heads": 3,
    "mlp_ratio": 4.0,
    "depth": 1,
}


class Recorded(TrainingBackend):
    """A backend whose figures can be looked at, with the room that the accelerator has."""

    def __init__(self, backend: TrainingBackend, accelerator: TrainingBackend) -> None:
        self.name, self.backend, self._accelerator = backend.name, backend, accelerator
        self.figures = np.zeros(0, np.int64)

    def checker(self, program: TrainingProgram) -> Check:
        """Refuse what the accelerator refuses."""
        return self._accelerator.checker(program)

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Run on the backend."""
        self.figures = self.backend.run(memory, operations, step)
        return self.figures


def kept(session: TrainingSession) -> dict[str, Any]:
    """Return what a step leaves: parameters, momenta, logits."""
    program, state = session.program, session.state
    names = [t.name for t in program.tensors if t.role in ("parameter", "low", "momentum")]
    return {name: state.arena.view(state.memory, name) for name in (*names, program.logits)}


def steps(
    model: TrainingModel,
    count: int,
    device: Device = interpret_memory,
    oracle: TrainingBackend | None = None,
    **settings: Any,
) -> list[StepResult]:
    """Take steps on a device and on an oracle (numpy's); everything that both know is equal."""
    program = model.derived.program
    commands = on_accelerator(program, device)
    classes = model.exported.config.num_classes
    target = target_row(1, classes, smoothing=0.1)
    backends = [Recorded(EmulatorTraining(), commands) for _ in range(2)]
    got, wanted = sessions = [model.session(b, seed=5, **settings) for b in backends]
    for session, backend, slow in zip(
        sessions, backends, (commands, oracle or ReferenceTraining()), strict=True
    ):
        session.find_exponents(model.image(0), target)
        backend.backend = slow
    assert np.array_equal(got.logits(model.image(1)), wanted.logits(model.image(1)))
    results = []
    for number in range(count):
        both = [s.step(model.image(number % 4), target, 0.02) for s in sessions]
        assert both[0].moves == both[1].moves and both[0].gradient_norm == both[1].gradient_norm
        for name, tensor in kept(got).items():
            assert np.array_equal(tensor, kept(wanted)[name]), (number, name)
        for index, operation in enumerate(program.operations):
            if operation.opcode not in NOT_COUNTED:
                one, other = (b.figures[index, :, :2] for b in backends)
                assert np.array_equal(one, other), (number, index, operation.opcode)
        results.append(both[0])
    return results
