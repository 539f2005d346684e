"""Training steps as commands of the accelerator, interpreted, against the oracle's ops."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from training_models import DENSE, MICRO, PRUNED, TrainingModel, training_model

from trivit.host.fixed_point import Int16, Int64
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import StepResult, TrainingSession, target_row
from trivit.host.training.state import Check
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule import lower, on_accelerator, values

#: 10 tokens, no multiple of 4 or 8, and the loss's 5 classes.
TINY = {**DENSE, "patch_size": 4, "depth": 1}
#: Of patches, which the host cuts, of indices and of copied rows nothing comes back, nor is used.
NOT_COUNTED = ("patchify", "select_tokens", "gather")
PRUNED_TINY = {**PRUNED, "patch_size": 4}
CASES = {
    "tokens pruned": PRUNED_TINY,
    "tiny": TINY,
    "masters of 16 bits": {**TINY, "masters": 16},
    "two blocks of 17 tokens": {
        **TINY,
        "depth": 2,
        "image_size": 16,
        "qkv_bias": False,
        "in_channels": 3,
    },
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


def steps(model: TrainingModel, count: int, **settings: Any) -> list[StepResult]:
    """Take steps on the interpreter and the oracle; everything that both know is equal."""
    program = model.derived.program
    commands = on_accelerator(program)
    classes = model.exported.config.num_classes
    target = target_row(1, classes, smoothing=0.1)
    backends = [Recorded(EmulatorTraining(), commands) for _ in range(2)]
    got, wanted = sessions = [model.session(b, seed=5, **settings) for b in backends]
    for session, backend, slow in zip(
        sessions, backends, (commands, ReferenceTraining()), strict=True
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
                pair = [b.figures[index, :, :2] for b in backends]
                assert np.array_equal(*pair), (number, index, operation.opcode)
        results.append(both[0])
    return results


@pytest.mark.parametrize("sizes", CASES.values(), ids=CASES)
def test_an_interpreted_step_is_the_oracles(sizes: dict[str, Any]) -> None:
    steps(training_model(**sizes), 1, weight_decay=0.01)


def test_exponents_move_between_steps() -> None:
    results = steps(training_model(**TINY), 3, weight_decay=0.01, stochastic=False)
    assert any(result.moves for result in results)


@pytest.mark.full
@pytest.mark.parametrize("kept", [DENSE, {**PRUNED, "selector_blocks": (1, 3)}], ids=["all", "0.7"])
def test_steps_of_the_small_model(kept: dict[str, Any]) -> None:
    results = steps(training_model(**{**MICRO, **kept}), 3, weight_decay=0.01)
    assert any(result.moves for result in results)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"selector_blocks": (0,)}, "does not have the op select_connections yet"),
        (DENSE, "has 9 columns, no multiple of 8"),
        (DENSE | {"optimizer": "adamw"}, "does not have the op update_adamw yet"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolsError, match=words) as error:
        lower(training_model(**sizes).derived.program)
    assert "\n" not in str(error.value) and "train " in str(error.value)


def test_narrow_heads_and_small_banks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    program = training_model(**TINY).derived.program
    narrow = [
        replace(o, attributes={**o.attributes, "heads": 8}) if "heads" in o.attributes else o
        for o in program.operations
    ]
    with pytest.raises(ToolsError, match="heads whose width is no multiple of 8"):
        lower(replace(program, operations=tuple(narrow)))
    monkeypatch.setattr(values, "ACTIVATION_DEPTH", 100)
    with pytest.raises(ToolsError, match=r"needs (\d+) words a bank, \d+ more than .* 100"):
        lower(program)


def test_weights_are_updated_with_their_biases() -> None:
    program = training_model(**TINY).derived.program
    without = [
        o
        for o in program.operations
        if o.phase != "update" or o.operands["high"].tensor != "head.bias"
    ]
    with pytest.raises(ToolsError, match=r"'head\.weight' is updated and 'head\.bias' is not"):
        lower(replace(program, operations=tuple(without)))
