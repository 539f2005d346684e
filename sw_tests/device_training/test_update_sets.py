"""Programs that update some parameters: what is left of backward, and that it is the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported_model import build
from training_models import CONNECTIONS, DENSE, PRUNED, PSS, real_master

from trivit.host.backends import open_backend
from trivit.host.errors import HostError
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.new_head import new_head
from trivit.host.training.program import TrainingProgram, writes
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.snapshot import snapshot, transplanted
from trivit.host.training.update_sets import UPDATE_SETS, UpdateSet, update_set, updating
from trivit.tools.compiler import compile_model
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.cost import kept_activations, step_cost
from trivit.tools.training.export import weights
from trivit.tools.training.inference import inference_bundle

SIZES = pytest.mark.parametrize("sizes", [DENSE, PRUNED], ids=["dense", "pruned"])
SOME: tuple[UpdateSet, ...] = ("last-block", "biases")


def bundle_of(folder: Path, which: UpdateSet = "all", **sizes: Any) -> TrainingBundle:
    optimizer = sizes.pop("optimizer", "sgd")
    path = build(**sizes).save(folder)
    return update_set(training_bundle(path, optimizer=optimizer), which)


def session_of(bundle: TrainingBundle) -> TrainingSession:
    return TrainingSession(bundle.program, bundle.masters, EmulatorTraining(), UpdateSettings())


def trained(bundle: TrainingBundle, steps: int, **sizes: Any) -> TrainingSession:
    session, images = session_of(bundle), bundle.images(build(**sizes).pixels)
    classes = len(bundle.class_names)
    session.find_exponents(images[0], target_row(1, classes))
    for number in range(steps):
        session.step(images[number % 4], target_row(number % 4 % classes, classes), 0.01)
    return session


def updated(program: TrainingProgram) -> set[str]:
    return {o.operands["high"].tensor for o in program.operations if o.phase == "update"}


def gradients(program: TrainingProgram) -> set[str]:
    return {t.name.partition(".grad")[0] for t in program.tensors if t.role == "gradient"}


@SIZES
def test_last_block_has_no_gradient_below_it(tmp_path: Path, sizes: dict[str, Any]) -> None:
    program = bundle_of(tmp_path, "last-block", **sizes).program
    names = {t.name for t in program.parameters}
    assert updated(program) == {n for n in names if n.startswith(("blocks.1.", "norm.", "head."))}
    below = [
        n for n in gradients(program) if n.startswith(("blocks.0", "patch_embed", "pos_", "x"))
    ]
    assert not below
    assert not any(o.opcode == "scatter" for o in program.operations)
    # Its first normalisation passes nothing on: only the second and the last one do.
    passing = [o for o in program.operations if o.opcode == "normalise_backward"]
    assert len(passing) == 2


@SIZES
def test_biases_have_no_products_of_weights_and_gradients_all_the_way_down(
    tmp_path: Path, sizes: dict[str, Any]
) -> None:
    full, program = (bundle_of(tmp_path, s, **sizes).program for s in ("all", "biases"))
    names = {t.name for t in program.parameters}
    assert updated(program) == {n for n in names if n.endswith("bias")} | {"head.weight"}
    weights_of = [
        o.operands["dst"].tensor for o in program.operations if o.attributes.get("transpose_a")
    ]
    assert weights_of == ["head.weight.grad"]
    assert not any(o.opcode == "normalise_gamma" for o in program.operations)
    assert updated(full) - updated(program) and "patch_embed.proj.bias" in updated(program)

    def passed_on(p: TrainingProgram) -> list[str]:
        ops = ("product", "normalise_backward", "attention_backward", "gelu_backward", "scatter")
        return [
            o.operands["dst"].tensor
            for o in p.operations
            if o.phase == "backward" and o.opcode in ops and not o.attributes.get("transpose_a")
        ]

    assert passed_on(program) == passed_on(full)


@pytest.mark.parametrize(
    "sizes", [DENSE, PRUNED, CONNECTIONS, PSS], ids=["dense", "pruned", "connections", "pss"]
)
@pytest.mark.parametrize("which", SOME)
def test_every_op_that_is_left_is_needed(
    tmp_path: Path, which: UpdateSet, sizes: dict[str, Any]
) -> None:
    program = bundle_of(tmp_path, which, **sizes).program
    read = {program.logits}
    for operation in reversed(program.operations):
        results = {operation.operands[n].tensor for n in writes(operation)}
        assert operation.phase == "update" or results & read or not results, operation
        read |= {operand.tensor for operand in operation.operands.values()}
    assert {t.name for t in program.tensors} - read == set()


@SIZES
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("which", SOME)
def test_a_step_has_the_integers_of_the_full_program(
    tmp_path: Path, which: UpdateSet, optimizer: str, sizes: dict[str, Any]
) -> None:
    """Exponents, gradients and updated weights of the first step; the others stay as they were."""
    full, part = (bundle_of(tmp_path, s, optimizer=optimizer, **sizes) for s in ("all", which))
    whole, some = (trained(b, 1, **sizes) for b in (full, part))
    assert len(some.program.operations) < len(whole.program.operations)
    moving = updated(part.program)
    for tensor in part.program.tensors:
        if tensor.role == "parameter" and tensor.name not in moving:
            assert np.array_equal(some.state.master(tensor.name), part.masters[tensor.name])
            continue
        ours, wanted = (s.state.arena.view(s.state.memory, tensor.name) for s in (some, whole))
        assert some.state.formats[tensor.name] == whole.state.formats[tensor.name], tensor.name
        assert np.array_equal(ours, wanted), tensor.name
    assert any(t.role == "gradient" for t in part.program.tensors)


def test_a_parameter_that_is_not_updated_has_no_state(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, "biases", **DENSE)
    of = {t.of for t in bundle.program.tensors if t.role in ("low", "momentum")}
    assert of == updated(bundle.program)
    session = trained(bundle, 30, **DENSE)
    exported = weights(session)
    assert exported.keys() == weights(session_of(bundle_of(tmp_path, **DENSE))).keys()
    assert exported["head.bias"].shape == (5,) and exported["norm.weight"].shape == (32,)


def test_sets_that_do_not_exist_are_named(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, **DENSE)
    with pytest.raises(HostError, match="no set of parameters 'head': use one of all, last-block"):
        update_set(bundle, "head")  # type: ignore[arg-type]


@SIZES
def test_costs_are_those_of_the_ops(tmp_path: Path, sizes: dict[str, Any]) -> None:
    cost = {s: step_cost(bundle_of(tmp_path, s, **sizes).program) for s in UPDATE_SETS}
    compiled = compile_model(build(**sizes).save(tmp_path))
    assert {c.macs_forward for c in cost.values()} == {compiled.first.info["macs"]}
    full, biases = cost["all"], cost["biases"]
    # dW of a linear layer is as much work as its forward; of attention's products none is saved.
    config = build(**sizes).config
    program = bundle_of(tmp_path, **sizes).program
    rows = {t.name: t.rows for t in program.tensors}
    products = sum(
        (rows[o.operands["dst"].tensor] - o.operands["dst"].first)
        * rows[o.operands["b"].tensor]
        * program.by_name[o.operands["b"].tensor].columns
        for o in program.operations
        if o.phase == "forward" and o.opcode == "product"
    )
    head = config.num_classes * config.embed_dim
    assert full.macs_backward - biases.macs_backward == products - head
    assert full.state_bytes == 2 * full.parameter_bytes  # a low plane and a momentum
    assert cost["last-block"].activation_bytes < biases.activation_bytes < full.activation_bytes
    assert cost["last-block"].macs_backward < full.macs_backward


def test_activations_that_backward_computes_again_are_not_kept(tmp_path: Path) -> None:
    kept = {s: kept_activations(bundle_of(tmp_path, s, **DENSE).program) for s in UPDATE_SETS}
    assert "blocks.0.mlp.act" not in kept["all"] and "blocks.0.mlp.fc1" in kept["all"]
    assert not any(
        name.startswith("blocks.0") for name in kept["last-block"] - {"blocks.0.mlp.fc2"}
    )
    # What only products of weights read: the input of the projection.
    assert kept["biases"] < kept["all"]


@pytest.mark.parametrize(
    ("which", "sizes"),
    [
        ("all", DENSE),
        ("all", PSS),
        ("last-block", PRUNED),
        ("last-block", PSS),
        ("biases", CONNECTIONS),
    ],
    ids=["all, dense", "all, pss", "last block, pruned", "last block, pss", "biases, connections"],
)
def test_the_bundle_for_inference_has_the_integers_of_the_session(
    tmp_path: Path, which: UpdateSet, sizes: dict[str, Any]
) -> None:
    path, exported = build(**sizes).save(tmp_path), build(**sizes)
    bundle = bundle_of(tmp_path, which, **sizes)
    session = trained(bundle, 60, **sizes)
    compiled = inference_bundle(path, bundle, session)
    images = bundle.images(exported.pixels)
    device = np.stack([session.logits(image) for image in images])
    result = open_backend("emulator").run(compiled, exported.pixels)
    assert np.array_equal(np.ldexp(result.logits.astype(float), -result.logits_frac), device)
    before = open_backend("emulator").run(compile_model(path), exported.pixels)
    assert np.abs(np.ldexp(before.logits.astype(float), -before.logits_frac) - device).max() > 0.1
    assert session.state.formats != session.program.formats(), "formats have moved"
    # The same weights in another session, whichever parameters it updates.
    for other in (snapshot(bundle, session), transplanted(bundle_of(tmp_path, **sizes), session)):
        again = session_of(other)
        assert np.array_equal(np.stack([again.logits(image) for image in images]), device)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_new_head_learns_other_classes(tmp_path: Path, optimizer: str) -> None:
    old = bundle_of(tmp_path, optimizer=optimizer, **DENSE)
    names = ("round", "square", "long")
    bundle = update_set(new_head(old, names, seed=3), "biases")
    start = session_of(bundle)
    head = real_master(start.state, "head.weight")
    assert head.shape == (3, 32) and 0.01 < head.std() < 0.03 and np.abs(head).max() <= 0.0401
    assert not start.state.master("head.bias").any()
    assert not np.array_equal(
        head, real_master(session_of(new_head(old, names, 4)).state, "head.weight")
    )
    session, images = trained(bundle, 150, **DENSE), bundle.images(build(**DENSE).pixels)
    assert [int(session.logits(image).argmax()) for image in images[:3]] == [0, 1, 2]
    compiled = inference_bundle(build(**DENSE).save(tmp_path), bundle, session)
    result = open_backend("emulator").run(compiled, build(**DENSE).pixels[:3])
    assert result.logits.argmax(1).tolist() == [0, 1, 2] and compiled.class_names == names
    # The old classes, seen by what the new ones have made of the rest.
    kept = transplanted(old, session, but=("head.weight", "head.bias", old.program.logits))
    assert kept.program.operations == updating(old, ()).program.operations
    assert np.array_equal(
        session_of(kept).state.real("head.weight"), session_of(old).state.real("head.weight")
    )
    with pytest.raises(HostError, match="1 classes: a classifier needs 2"):
        new_head(old, ("one",))
