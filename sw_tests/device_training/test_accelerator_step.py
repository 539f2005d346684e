"""Training steps as commands of the accelerator, interpreted, against the oracle's ops."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from training_models import DENSE, PRUNED, TrainingModel, training_model

from trivit.host.fixed_point import Int64
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import StepResult, TrainingSession, target_row
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule import interpreter, lower, values

#: 10 tokens, no multiple of 4 or 8, and the loss's 5 classes.
TINY = {**DENSE, "patch_size": 4, "depth": 1}
CASES = {
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
MICRO = {
    **DENSE,
    "image_size": 28,
    "patch_size": 4,
    "embed_dim": 64,
    "depth": 6,
    "num_heads": 2,
    "mlp_ratio": 4.0,
    "num_classes": 10,
}


class Recorded(TrainingBackend):
    """A backend whose figures of the last run can be looked at."""

    def __init__(self, backend: TrainingBackend, check: TrainingBackend) -> None:
        self.name, self._backend, self.check = backend.name, backend, check.check  # type: ignore[method-assign]

    def run(self, *arguments: Any) -> Int64:
        """Run on the backend."""
        self.figures = self._backend.run(*arguments)
        return self.figures


def kept(session: TrainingSession) -> dict[str, Any]:
    """Return what a step leaves: parameters, momenta, logits."""
    program, state = session.program, session.state
    names = [t.name for t in program.tensors if t.role in ("parameter", "low", "momentum")]
    return {name: state.arena.view(state.memory, name) for name in (*names, program.logits)}


def steps(model: TrainingModel, count: int, **settings: Any) -> list[StepResult]:
    """Take steps on the interpreter and the oracle; everything that both know is equal."""
    program = model.derived.program
    commands = interpreter(program)
    classes = model.exported.config.num_classes
    target = target_row(1, classes, smoothing=0.1)
    sessions = []
    for backend in (commands, ReferenceTraining()):
        session = model.session(EmulatorTraining(), seed=5, **settings)
        session.backend = Recorded(backend, commands)
        session.state._check = commands.check
        sessions.append(session)
    got, wanted = sessions
    for session in sessions:
        recorded, session.backend = session.backend, EmulatorTraining()
        session.find_exponents(model.image(0), target)
        session.backend = recorded
    assert np.array_equal(got.logits(model.image(1)), wanted.logits(model.image(1)))
    results = []
    for number in range(count):
        both = [s.step(model.image(number % 4), target, 0.02) for s in sessions]
        assert both[0].moves == both[1].moves and both[0].gradient_norm == both[1].gradient_norm
        for name, tensor in kept(got).items():
            assert np.array_equal(tensor, kept(wanted)[name]), (number, name)
        for index, operation in enumerate(program.operations):
            if operation.opcode != "patchify":  # patches come from the host
                pair = [s.backend.figures[index, :, :2] for s in sessions]  # type: ignore[attr-defined]
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
def test_steps_of_the_small_model() -> None:
    results = steps(training_model(**MICRO), 3, weight_decay=0.01)
    assert any(result.moves for result in results)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (PRUNED, "does not have the op select_tokens yet"),
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
    monkeypatch.setattr(values, "ACTIVATION_DEPTH", 500)
    with pytest.raises(ToolsError, match=r"needs \d+ words a bank, the accelerator has 500"):
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
