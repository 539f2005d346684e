"""The loop: it learns, resumes to the bit, and refuses what it cannot use."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported_model import build
from training_models import (
    CONNECTIONS,
    DENSE,
    PRUNED,
    chosen_rows,
    cosine,
    float_gradients,
    real_master,
    training_model,
)

from trivit.host.errors import HostError
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.exponents import Exponents, Move
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.state import TrainingState
from trivit.tools.errors import ToolsError
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.loop import LoopSettings, accuracy, run

from .level_runs import squares

SETTINGS = LoopSettings(steps=300, learning_rate=0.004, warmup_steps=20)


def bundle_in(folder: Path, **sizes: Any) -> TrainingBundle:
    return training_bundle(build(**sizes).save(folder))


def session_of(bundle: TrainingBundle, accumulate: int = 1, **settings: Any) -> TrainingSession:
    update = UpdateSettings(**settings)
    return TrainingSession(
        bundle.program, bundle.masters, EmulatorTraining(), update, accumulate=accumulate
    )


@pytest.mark.parametrize("sizes", [DENSE, CONNECTIONS], ids=["dense", "connections"])
def test_a_model_learns(tmp_path: Path, sizes: dict[str, Any]) -> None:
    bundle = bundle_in(tmp_path, **sizes)
    session, test = session_of(bundle), squares(bundle, 200, seed=1)
    before = accuracy(session, test)
    training = squares(bundle, 1000, seed=0)
    summary = run(session, bundle, training, SETTINGS, "squares", tmp_path / "out")
    after = accuracy(session, test)
    assert summary["last_loss"] < 0.6 * summary["first_loss"]
    assert before < 50 and after > 85
    lines = [json.loads(line) for line in (tmp_path / "out/metrics.jsonl").open()]
    assert [line["step"] for line in lines] == [100, 200, 300]


@pytest.mark.parametrize("accumulate", [1, 8])
def test_a_resumed_run_is_the_run_itself(tmp_path: Path, accumulate: int) -> None:
    """Also from a checkpoint in the middle of an accumulation."""
    bundle = bundle_in(tmp_path, **PRUNED)
    training = squares(bundle, 60, seed=0)
    settings = replace(
        SETTINGS, steps=160, checkpoint_every=100, clip_norm=1.0, accumulate=accumulate
    )
    whole = session_of(bundle, accumulate)
    run(whole, bundle, training, settings, "squares", tmp_path / "whole")

    killed = session_of(bundle, accumulate)
    step = killed.step

    def until_130(*arguments: Any) -> Any:
        if killed.steps == 130:
            raise KeyboardInterrupt
        return step(*arguments)

    killed.step = until_130  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(killed, bundle, training, settings, "squares", tmp_path / "part")
    again = session_of(bundle, accumulate)
    run(again, bundle, training, settings, "squares", tmp_path / "part", resume=True)
    assert np.array_equal(again.state.memory, whole.state.memory)
    assert again.state.formats == whole.state.formats
    for name in ("checkpoint.npz", "metrics.jsonl"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    with pytest.raises(ToolsError, match="holds a run"):
        run(session_of(bundle), bundle, training, settings, "squares", tmp_path / "whole")
    with pytest.raises(HostError, match=r"of a run with learning_rate 0.004, not 0.1"):
        other = replace(settings, learning_rate=0.1)
        run(session_of(bundle), bundle, training, other, "squares", tmp_path / "part", resume=True)
    with pytest.raises(ToolsError, match="has no checkpoint"):
        run(session_of(bundle), bundle, training, settings, "squares", tmp_path, resume=True)
    (tmp_path / "part/checkpoint.npz").write_bytes(b"PK damaged")
    with pytest.raises(HostError, match="is damaged"):
        run(
            session_of(bundle),
            bundle,
            training,
            settings,
            "squares",
            tmp_path / "part",
            resume=True,
        )


def test_a_label_that_is_no_class_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    bundle = bundle_in(tmp_path, **DENSE)
    training = squares(bundle, 10, seed=0)
    training.labels[7] = 5
    with pytest.raises(HostError, match="label 5: the model has classes 0 to 4"):
        run(session_of(bundle), bundle, training, SETTINGS, "squares", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_survives_its_file_and_damage_is_named(tmp_path: Path) -> None:
    bundle = bundle_in(tmp_path, **PRUNED)
    path, data = tmp_path / "training.trivit", bundle.to_bytes()
    path.write_bytes(data)
    again = TrainingBundle.load(path)
    assert again.program == bundle.program and again.to_bytes() == data
    assert all(np.array_equal(again.masters[name], bundle.masters[name]) for name in bundle.masters)
    damaged = bytearray(data)
    damaged[data.index(b"masters.bin") + 200] ^= 1
    for wrong, words in (
        (bytes(damaged), "damaged"),
        (data[:100], "no training bundle or is damaged"),
        (data.replace(b'"format": 2', b'"format": 9'), "damaged|has training format 9"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(HostError, match=words):
            TrainingBundle.load(path)


def test_targets_add_up_to_one_exactly() -> None:
    for classes in (2, 10, 1000):
        for smoothing in (0.0, 0.05, 0.1):
            row = target_row(1, classes, smoothing)
            assert row.astype(int).sum() == 1 << 14 and row.argmax() == 1


def figures_of(program: Any, tensor: str, saturated: int, largest: int) -> np.ndarray:
    figures = np.zeros((len(program.operations), 3, 3), np.int64)
    for index, operation in enumerate(program.operations):
        if operation.operands.get("dst") and operation.operands["dst"].tensor == tensor:
            figures[index, 0, :2] = saturated, largest
    return figures


def test_exponents_move_as_the_policy_says(tmp_path: Path) -> None:
    program = bundle_in(tmp_path, **PRUNED).program
    gradient, activation = "blocks.0.mlp.fc1.weight.grad", "blocks.0.mlp.fc1"
    exponents = Exponents(program)
    assert exponents.moves(figures_of(program, gradient, 1, 32767)) == [Move(gradient, -1)]
    assert exponents.moves(figures_of(program, gradient, 1000, 32767)) == [Move(gradient, -4)]
    assert exponents.moves(figures_of(program, activation, 1, 32767)) == [Move(activation, -1)]
    exponents = Exponents(program)
    small = figures_of(program, gradient, 0, 5000)
    moves = [exponents.moves(small) for _ in range(64)]
    assert moves[:-1] == [[]] * 63 and moves[-1] == [Move(gradient, 1)]
    quiet = Exponents(program)
    nothing = figures_of(program, gradient, 0, 0)
    assert not any(quiet.moves(nothing) for _ in range(200)), "no gradient, no move"
    idle = figures_of(program, activation, 0, 5)
    assert not any(quiet.moves(idle) for _ in range(200)), "activations fall only"


def test_a_move_keeps_values_and_the_rows_that_are_copied(tmp_path: Path) -> None:
    bundle = bundle_in(tmp_path, **PRUNED)
    state = TrainingState(bundle.program, bundle.masters, UpdateSettings())
    weight = "blocks.0.attn.qkv.weight"
    before = real_master(state, weight)
    frac = state.formats[weight]
    assert state.apply([Move(weight, -1)]) and state.formats[weight] == frac - 1
    assert np.abs(real_master(state, weight) - before).max() <= 2.0 ** -(frac + 16)
    moved = state.apply([Move("blocks.0.attn.proj", -1)])
    assert (
        moved and state.formats["blocks.0.selector.tokens"] == state.formats["blocks.0.attn.proj"]
    )
    # GELU reads 15 fraction bits at most: a move that would break this is not made.
    hidden = "blocks.0.mlp.fc1"
    assert state.apply([Move(hidden, 15 - state.formats[hidden])]) is not None
    assert not state.apply([Move(hidden, 1)]) and state.formats[hidden] == 15


def test_gradients_that_are_all_zero_stop_the_run(tmp_path: Path) -> None:
    """A model that is sure and right: no gradient, no exponent to find, nothing to learn."""
    bundle = bundle_in(tmp_path, **DENSE)
    coarse = tuple(
        replace(tensor, frac=8) if tensor.name in ("head", "head.bias") else tensor
        for tensor in bundle.program.tensors
    )
    bias = np.full((1, 5), -(30 << 8 << 16), np.int64)
    bias[0, 2] *= -1
    bundle = replace(
        bundle,
        programs=(replace(bundle.program, tensors=coarse),),
        masters={**bundle.masters, "head.bias": bias},
    )
    training, session = squares(bundle, 10, seed=0), session_of(bundle)
    training.labels[:] = 2
    before = session.state.memory[: session.state.arena.state_elements].copy()
    with pytest.raises(ToolsError, match=r"all gradients are zero in steps 1 to 100.*check images"):
        run(session, bundle, training, SETTINGS, "squares", tmp_path / "out")
    assert np.array_equal(session.state.memory[: len(before)], before)
    assert (tmp_path / "out/checkpoint.npz").is_file()


def test_steps_follow_torch_in_float64(tmp_path: Path) -> None:
    """Twenty steps of SGD: every tensor moves where float64 moves it."""
    m = training_model(**PRUNED)
    settings = {"momentum": 0.9, "weight_decay": 1e-3}
    session, rate, steps = m.session(EmulatorTraining(), **settings), 0.003, 20
    targets = [target_row(number % 5, 5, 0.1) for number in range(4)]
    images = [m.image(number) for number in range(4)]
    session.find_exponents(images[0], targets[0])
    start = {t.name: real_master(session.state, t.name) for t in session.program.parameters}
    weights = {name: torch.from_numpy(value.copy()) for name, value in start.items()}
    decaying = {
        o.operands["high"].tensor
        for o in session.program.operations
        if o.opcode == "update_sgd" and o.attributes["decays"]
    }
    groups = [
        {"params": [w for n, w in weights.items() if n in decaying], "weight_decay": 1e-3},
        {"params": [w for n, w in weights.items() if n not in decaying], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9)
    frac = m.derived.program.by_name["image"].frac
    for step in range(steps):
        image, target = images[step % 4], targets[step % 4]
        session.step(image, target, rate)
        values = {name: weight.numpy() for name, weight in weights.items()}
        _, gradients = float_gradients(
            m.model, values, image * 2.0**-frac, target * 2.0**-14, chosen_rows(session)
        )
        for name, weight in weights.items():
            weight.grad = torch.from_numpy(gradients[name])
        optimizer.step()
    for name, before in start.items():
        moved, wanted = real_master(session.state, name) - before, weights[name].numpy() - before
        assert cosine(moved, wanted) > 0.995, name
        assert abs(np.linalg.norm(moved) / np.linalg.norm(wanted) - 1) < 0.05, name
