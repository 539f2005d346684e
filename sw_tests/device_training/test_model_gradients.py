"""Gradients of whole models on the oracle against float64 autograd of the same weights."""

import json
from typing import Any

import numpy as np
import pytest
from exported_model import metadata
from training_models import (
    CONNECTIONS,
    DENSE,
    PRUNED,
    PSS,
    TrainingModel,
    chosen_rows,
    cosine,
    device_gradients,
    float_gradients,
    training_model,
)

from trivit.host.backends import open_backend
from trivit.host.errors import HostError
from trivit.host.training.backends import ReferenceTraining
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import target_row
from trivit.tools.compiler.graph import Metadata
from trivit.tools.compiler.program import Source, assemble
from trivit.tools.errors import ToolsError

LEAST_COSINE = 0.999
#: Sizes of configs/fashion_mnist_micro.yaml.
MICRO = {
    "image_size": 28,
    "patch_size": 4,
    "embed_dim": 64,
    "depth": 6,
    "num_heads": 2,
    "mlp_ratio": 4.0,
    "num_classes": 10,
}
CASES = {
    "dense": DENSE,
    "pruned": PRUNED,
    "connections": CONNECTIONS,
    "connections alone": {**CONNECTIONS, "token_keep_ratio": 1.0},
    "connections twice": {**CONNECTIONS, "depth": 3, "selector_blocks": (0, 1)},
    "pss": PSS,
    "pss, heads of 32": {**PSS, "num_heads": 1},
    "without biases of qkv": {**DENSE, "qkv_bias": False, "in_channels": 3},
    "micro dense": {**MICRO, **DENSE},
    "micro connections": {**MICRO, **CONNECTIONS, "selector_blocks": (1, 3)},
}

FORWARD = {
    "dense": DENSE,
    "pss": PSS,
    "pruned": PRUNED,
    "connections": CASES["connections twice"],
}


@pytest.mark.parametrize("sizes", CASES.values(), ids=CASES)
def test_gradients_of_a_model(sizes: dict[str, Any]) -> None:
    m = training_model(**sizes)
    # The larger models on the emulator, whose integers are the oracle's (hw_tests/training).
    large = m.exported.config.image_size == MICRO["image_size"]
    session = m.session(EmulatorTraining() if large else ReferenceTraining())
    classes = m.exported.config.num_classes
    target = target_row(3, classes, smoothing=0.1)
    session.find_exponents(m.image(0), target)
    parameters = {t.name: session.state.real(t.name) for t in session.program.parameters}
    session.step(m.image(0), target, learning_rate=0.0)
    chosen = chosen_rows(session)
    kinds = 1 + (sizes["attention_keep_ratio"] < 1)
    assert len(chosen) == len(sizes["selector_blocks"]) * kinds
    logits, wanted = float_gradients(
        m.model, parameters, session.state.real("image").reshape(m.image(0).shape),
        target / 2.0**14, chosen,
    )  # fmt: skip
    assert np.abs(session.state.real("head")[0] - logits).max() < 0.02 * np.abs(logits).max()
    got = device_gradients(session)
    assert got.keys() == wanted.keys()
    cosines = {name: cosine(got[name], wanted[name]) for name in wanted}
    assert min(cosines.values()) >= LEAST_COSINE, sorted(cosines.items(), key=lambda c: c[1])[:5]
    sizes_of = {n: np.linalg.norm(got[n]) / np.linalg.norm(wanted[n]) for n in wanted}
    assert max(abs(np.log(list(sizes_of.values())))) < 0.02, (
        "lengths agree too, not only directions"
    )


@pytest.mark.parametrize("sizes", FORWARD.values(), ids=FORWARD)
def test_forward_gives_the_integers_of_inference(sizes: dict[str, Any]) -> None:
    m = training_model(vector_frac=24, **sizes)
    session = m.session(ReferenceTraining())
    bundle = assemble([Source("model", m.model, metadata_of(m))])
    result = open_backend("emulator").run(bundle, m.exported.pixels)
    for number, logits in enumerate(result.logits):
        got = session.logits(m.image(number))
        assert np.array_equal(got, logits * 2.0**-result.logits_frac)


def metadata_of(m: TrainingModel) -> Metadata:
    details = metadata(m.exported.config)
    return Metadata(
        model="test",
        image_shape=tuple(details["image"].values()),
        mean=tuple(details["mean"]),
        std=tuple(details["std"]),
        class_names=tuple(details["class_names"]),
        details=details,
    )


@pytest.mark.parametrize(
    ("sizes", "words"),
    [({**PSS, "window": 2}, "relative_position_bias_table' closes pairs")],
)
def test_what_training_does_not_have_is_refused_by_name(sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolsError, match=words) as error:
        training_model(**sizes)
    assert "\n" not in str(error.value) and "export a model whose" in str(error.value)


def test_updates_come_after_the_last_reader_of_the_weight() -> None:
    program = training_model(**PRUNED).derived.program
    for index, operation in enumerate(program.operations):
        if operation.opcode == "update_sgd":
            weight = operation.operands["high"].tensor
            later = program.operations[index + 1 :]
            assert all(o.tensor != weight for other in later for o in other.operands.values())


def test_every_parameter_is_updated_once_and_matrices_alone_decay() -> None:
    program = training_model(**DENSE).derived.program
    updates = [o for o in program.operations if o.opcode == "update_sgd"]
    names = [o.operands["high"].tensor for o in updates]
    assert sorted(names) == sorted(t.name for t in program.parameters)
    assert sorted(int(o.attributes["number"]) for o in updates) == list(range(len(updates)))
    decaying = {n for n, o in zip(names, updates, strict=True) if o.attributes["decays"]}
    linear = {n for n in names if n.endswith(".weight") and "norm" not in n}
    assert decaying == linear


def test_a_program_survives_json() -> None:
    program = training_model(**PRUNED).derived.program
    again = TrainingProgram.from_json(json.loads(json.dumps(program.to_json())))
    assert again == program


@pytest.mark.parametrize("change", ["opcode", "operand", "order"])
def test_a_wrong_program_is_refused(change: str) -> None:
    values = json.loads(json.dumps(training_model(**DENSE).derived.program.to_json()))
    if change == "opcode":
        values["operations"][3]["opcode"] = "divide"
    elif change == "operand":
        values["operations"][3]["operands"].pop("dst")
    else:
        values["operations"].reverse()
    with pytest.raises(HostError, match="of the training program"):
        TrainingProgram.from_json(values)
