"""Several programs over one state: what they share, what a switch carries over, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from exported_model import build
from training_models import PRUNED

from trivit.host.errors import HostError
from trivit.host.training import checkpoint
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.exponents import Move
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.tools.errors import ToolsError
from trivit.tools.training.compile import training_bundle

from .level_runs import CONNECTIONS, bundle_of, squares


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TrainingBundle:
    return bundle_of(tmp_path_factory.mktemp("bundle"))


def session_of(bundle: TrainingBundle, backend: TrainingBackend | None = None) -> TrainingSession:
    return TrainingSession(
        bundle.program,
        bundle.masters,
        backend or EmulatorTraining(),
        UpdateSettings(weight_decay=1e-3),
        seed=3,
        others=bundle.programs[1:],
    )


def take(session: TrainingSession, bundle: TrainingBundle, names: list[str], until: int) -> None:
    """Take steps to ``until``, step n with the program ``names[n]``."""
    images = squares(bundle, 20, seed=0)
    if session.steps == 0:
        session.find_exponents(images.images[0], target_row(int(images.labels[0]), 5))
    for number in range(session.steps, until):
        session.use(names[number])
        place = number % len(images)
        session.step(images.images[place], target_row(int(images.labels[place]), 5), 0.02)


@pytest.mark.parametrize("sizes", [{}, CONNECTIONS], ids=["tokens", "and connections"])
def test_oracle_and_emulator_agree_across_switches(sizes: dict[str, Any], tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, **sizes)
    images = squares(bundle, 6, seed=0)
    sessions = [session_of(bundle, b) for b in (ReferenceTraining(), EmulatorTraining())]
    for session in sessions:
        session.find_exponents(images.images[0], target_row(1, 5))
    seen = set()
    for number, image in enumerate(images.images):
        for session in sessions:
            session.use(bundle.programs[number // 2 % 2].name)
        if number == 3:  # with the program that is not in use
            for session in sessions:
                session.logits(image, bundle.programs[0].name)
        results = [s.step(image, target_row(number % 5, 5), 0.01) for s in sessions]
        assert np.array_equal(sessions[0].state.memory, sessions[1].state.memory)
        assert sessions[0].state.formats == sessions[1].state.formats
        assert results[0].class_attention == results[1].class_attention
        assert results[0].class_attention is not None
        seen.add(results[0].class_attention.tokens)
    assert len(seen) == 2, "the last block sees another number of tokens with each program"


def test_a_switch_changes_nothing_but_the_ops(bundle: TrainingBundle) -> None:
    """A step with a program is that of a session that has this program alone."""
    dense, pruned = bundle.programs
    several, alone = session_of(bundle), session_of(replace(bundle, programs=(pruned,)))
    images = squares(bundle, 3, seed=0)
    several.find_exponents(images.images[0], target_row(1, 5))
    several.use(pruned.name)
    alone.resume(pruned.name, several.state.formats, 0, 0.0)
    state = alone.state.arena.state_elements
    alone.state.memory[:state] = several.state.memory[:state]
    for number in range(3):
        for session in (several, alone):
            session.step(images.images[number], target_row(number, 5), 0.01)
        assert np.array_equal(several.state.memory[:state], alone.state.memory[:state])
        assert several.state.formats == alone.state.formats
    before = several.state.memory[:state].copy()
    logits = [several.logits(images.images[0], name) for name in (dense.name, pruned.name)]
    assert several.program is pruned and not np.array_equal(*logits)
    assert np.array_equal(before, several.state.memory[:state]), "evaluation changes no weight"


def test_exponents_carry_over(bundle: TrainingBundle) -> None:
    session = session_of(bundle)
    images = squares(bundle, 1, seed=0)
    session.find_exponents(images.images[0], target_row(1, 5))
    weight, gradient = "blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc1.weight.grad"
    moves = [Move(weight, -2), Move(gradient, -3), Move("blocks.0.attn.proj.grad", -1)]
    assert session.state.apply(moves) == moves
    dense = dict(session.state.formats)
    session.use("keep_0.7")
    pruned = session.state.formats
    shared = dense.keys() & pruned.keys()
    assert {weight, gradient} < shared
    assert all(pruned[name] == dense[name] for name in shared)
    # The kept rows' gradient is there in the pruned program alone; what follows it was before.
    own = "blocks.0.selector.tokens.grad"
    assert own not in dense and pruned[own] == dense["blocks.0.attn.proj.grad"]
    formats = session.state.formats
    session.use("dense")
    session.use("keep_0.7")
    assert session.state.formats is formats, "a switch without a move resolves nothing"


def test_a_resume_between_programs_is_exact(bundle: TrainingBundle, tmp_path: Path) -> None:
    names = [bundle.programs[(n // 3) % 2].name for n in range(24)]
    whole = session_of(bundle)
    take(whole, bundle, names, 24)
    path = tmp_path / "checkpoint.npz"
    for half in (10, 12):
        first, again = session_of(bundle), session_of(bundle)
        take(first, bundle, names, half)
        path.write_bytes(checkpoint.to_bytes(first, {}, {"seen": np.arange(3)}))
        more = checkpoint.restore(path, again, {})
        assert more["seen"].tolist() == [0, 1, 2]
        take(again, bundle, names, 24)
        assert checkpoint.to_bytes(again, {}) == checkpoint.to_bytes(whole, {})


def test_moments_are_those_of_the_probabilities(bundle: TrainingBundle) -> None:
    session = session_of(bundle)
    images = squares(bundle, 1, seed=0)
    session.find_exponents(images.images[0], target_row(1, 5))
    session.use("keep_0.7")
    result = session.step(images.images[0], target_row(1, 5), 0.01)
    operation = next(o for o in session.program.operations if o.opcode == "cls_moments")
    name = operation.operands["probs"].tensor
    assert name.startswith("blocks.1.")
    tokens = session.program.by_name[name].columns
    probs = session.state.real(name).reshape(2, tokens, tokens)
    row = probs[:, 0, 1:].mean(axis=0)
    assert result.class_attention is not None
    assert result.class_attention.variance() == pytest.approx(row.var(), rel=1e-12)
    assert result.class_attention.variance(1) == pytest.approx(row.var(ddof=1), rel=1e-12)
    assert replace(result.class_attention, tokens=1, total=7, squares=49).variance(1) == 0


def test_a_bundle_keeps_its_programs(bundle: TrainingBundle, tmp_path: Path) -> None:
    path = tmp_path / "training.trivit"
    path.write_bytes(bundle.to_bytes())
    again = TrainingBundle.load(path)
    assert again.programs == bundle.programs and again.to_bytes() == bundle.to_bytes()
    assert [p.token_keep_ratio for p in again.programs] == [1.0, 0.7]
    assert again.choose().name == "dense" and again.choose(0.7).name == "keep_0.7"
    with pytest.raises(HostError, match=r"no program with keep ratio 0.6 \(it has 1, 0.7\)"):
        again.choose(0.6)
    with pytest.raises(HostError, match=r"no training program 'keep_0.6': use dense, keep_0.7"):
        session_of(bundle).use("keep_0.6")


def test_programs_of_another_model_are_refused(bundle: TrainingBundle, tmp_path: Path) -> None:
    exported = build(**PRUNED)
    graph = onnx.ModelProto.FromString(exported.onnx.SerializeToString())
    bias = next(i for i in graph.graph.initializer if i.name == "head.bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.zeros(5, np.float32), "head.bias"))
    onnx.save_model(graph, str(tmp_path / "other.qonnx"))
    paths = {"sparse": exported.save(tmp_path, "sparse.qonnx"), "other": tmp_path / "other.qonnx"}
    with pytest.raises(ToolsError, match=r"'head.bias' of .*other.qonnx is not that of .*sparse"):
        training_bundle(paths)
    with pytest.raises(HostError, match="two training programs are called 'dense'"):
        replace(bundle, programs=(bundle.program, bundle.program))
    moved = tuple(
        replace(t, frac=t.frac - 1) if t.name == "head.weight" else t
        for t in bundle.programs[1].tensors
    )
    with pytest.raises(HostError, match=r"'dense' and 'keep_0.7' differ in 'head.weight'"):
        replace(bundle, programs=(bundle.program, replace(bundle.programs[1], tensors=moved)))
