"""What no step changes, the weights of a mean and the index of a table: in bundles and states."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_models import PSS, training_model

from trivit.host.errors import HostError
from trivit.host.training.backends import ReferenceTraining
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.state import TrainingState
from trivit.models.layers.relative_position import relative_position_index
from trivit.tools.compiler.ir import Attention, Model
from trivit.tools.errors import ToolsError
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.derive import derive


def test_a_bundle_brings_them(tmp_path: Path) -> None:
    bundle = training_bundle(training_model(**PSS).exported.save(tmp_path))
    path = tmp_path / "training.trivit"
    path.write_bytes(bundle.to_bytes())
    again = TrainingBundle.load(path)
    assert again.masters.keys() == bundle.masters.keys()
    assert all(np.array_equal(again.masters[n], bundle.masters[n]) for n in bundle.masters)
    constants = {
        t.name: again.masters[t.name] for t in again.program.tensors if t.role == "constant"
    }
    assert constants.keys() == {"pool.weights", "relative_position_index"}, (
        "one index for all blocks"
    )
    assert constants["pool.weights"].tolist() == [[0, *[round(2**15 / 16)] * 16]]
    index = relative_position_index(4).numpy()
    assert np.array_equal(constants["relative_position_index"], index)


def test_no_step_changes_them() -> None:
    m = training_model(**PSS)
    session = m.session(ReferenceTraining())
    session.find_exponents(m.image(0), target_row(1, 5))
    session.step(m.image(0), target_row(1, 5), 0.01)
    for tensor in session.program.tensors:
        if tensor.role == "constant":
            here = session.state.arena.view(session.state.memory, tensor.name)
            assert np.array_equal(here, m.derived.masters[tensor.name])


def test_a_state_without_one_is_refused() -> None:
    derived = training_model(**PSS).derived
    masters = {n: v for n, v in derived.masters.items() if n != "pool.weights"}
    with pytest.raises(HostError, match=r"values of pool\.weights are missing"):
        TrainingState(derived.program, masters, UpdateSettings())


def test_a_bias_without_a_table_is_refused() -> None:
    model = training_model(**PSS).model
    operations = tuple(
        replace(o, bias=replace(o.bias, lookup=None)) if isinstance(o, Attention) and o.bias else o
        for o in model.operations
    )
    with pytest.raises(ToolsError, match="gathered from no table with a column for each head"):
        derive(Model(operations, model.logits))
