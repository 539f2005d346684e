"""Gradients summed over images: the oracle's sums, and float64 within the bound."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_models import (
    DENSE,
    PRUNED,
    TrainingModel,
    chosen_rows,
    cosine,
    float_gradients,
    training_model,
)

from trivit.host.errors import HostError
from trivit.host.training import checkpoint
from trivit.host.training.accumulation import MAX_IMAGES
from trivit.host.training.backends import ReferenceTraining
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.exponents import Move
from trivit.host.training.session import TrainingSession, target_row

TARGETS = [target_row(number, 5, 0.1) for number in range(4)]


def started(m: TrainingModel, accumulate: int, **settings: Any) -> TrainingSession:
    session = m.session(EmulatorTraining(), seed=3, accumulate=accumulate, **settings)
    session.find_exponents(m.image(0), TARGETS[0])
    return session


def values(session: TrainingSession, role: str, formats: dict[str, int]) -> dict[str, Any]:
    """What an op of this role reads of each parameter, in the formats of the time."""
    found = {}
    for o in session.program.operations:
        if o.opcode == role:
            place = session.state.arena.place(o.operands["gradient"])
            rows = session.state.memory[place.offset : place.offset + place.rows * place.stride]
            integers = rows.reshape(place.rows, place.stride)[:, : place.columns]
            key = o.operands["total" if role == "accumulate" else "high"].tensor
            frac = formats[o.operands["gradient"].tensor]
            found[key.removesuffix(".total")] = integers * 2.0**-frac
    return found


@pytest.mark.parametrize("images", [2, 3, 5])
def test_a_mean_is_that_of_the_images_gradients(images: int) -> None:
    """Rounded once where it is released, and each image's gradients are float64's."""
    m = training_model(**PRUNED)
    session = started(m, images)
    parameters = {t.name: session.state.real(t.name) for t in session.program.parameters}
    frac = m.derived.program.by_name["image"].frac
    wanted: dict[str, Any] = {}
    exact: dict[str, Any] = {}
    for step in range(images):
        image, target = m.image(step % 4), TARGETS[step % 4]
        formats = dict(session.state.formats)
        session.step(image, target, 0.0)
        chosen = chosen_rows(session)
        gradients = float_gradients(
            m.model, parameters, image * 2.0**-frac, target * 2.0**-14, chosen
        )[1]
        for name, gradient in values(session, "accumulate", formats).items():
            wanted[name] = wanted.get(name, 0) + gradients[name] / images
            exact[name] = exact.get(name, 0) + gradient
    scale = images / 2 ** (images.bit_length() - 1)
    for name, mean in values(session, "update_sgd", formats).items():
        step = 2.0 ** -formats[f"{name}.mean"]
        released = exact[name] * scale / images
        assert np.abs(mean - released).max() <= step / 2, name
        assert cosine(mean, wanted[name]) > 0.999, name
        ratio = np.linalg.norm(mean) / scale / np.linalg.norm(wanted[name])
        assert abs(ratio - 1) < 0.02, name


def test_the_same_image_twice_is_one_image() -> None:
    """A mean of equal gradients is the gradient: the update is equal to the bit."""
    m = training_model(**DENSE)
    once, twice = started(m, 1, stochastic=False), started(m, 2, stochastic=False)
    start = once.state.memory[: once.state.arena.sections["parameter"] // 2].copy()
    once.step(m.image(0), TARGETS[0], 0.01)
    for _ in range(2):
        twice.step(m.image(0), TARGETS[0], 0.01)
    assert (once.state.memory[: len(start)] != start).mean() > 0.5
    for name in (t.name for t in once.program.parameters):
        assert np.array_equal(once.state.master(name), twice.state.master(name)), name


def test_accumulators_are_empty_after_an_update_and_exact_before() -> None:
    m = training_model(**DENSE)
    session = started(m, 4)
    totals = [t.name for t in session.program.tensors if t.role == "accumulator"]
    assert len(totals) == len(session.program.parameters)
    before = session.state.memory[: session.state.arena.state_elements].copy()
    for number in range(3):
        session.step(m.image(number), TARGETS[number], 0.01)
        assert all(session.state.master(name).any() for name in totals)
    for tensor in session.program.parameters:
        view = session.state.arena.view(before, tensor.name)
        assert np.array_equal(view, session.state.arena.view(session.state.memory, tensor.name))
    session.step(m.image(3), TARGETS[3], 0.01)
    assert not any(session.state.master(name).any() for name in totals)


def test_a_sum_keeps_its_value_when_a_gradient_loses_bits_in_the_middle() -> None:
    m = training_model(**DENSE)
    session = started(m, 4)
    session.step(m.image(0), TARGETS[0], 0.01)
    parameter = "blocks.0.mlp.fc1.weight"
    gradient, total = f"{parameter}.grad", f"{parameter}.total"
    frac, before = session.state.formats[total], session.state.master(total)
    assert frac - session.state.formats[gradient] == 13
    assert session.state.apply([Move(gradient, -5)])
    formats = dict(session.state.formats)
    assert formats[total] == frac
    session.step(m.image(1), TARGETS[1], 0.01)
    assert session.state.formats[total] == frac - 5
    added = values(session, "accumulate", formats)[parameter]
    sums = session.state.master(total) * 2.0 ** -(frac - 5)
    assert np.abs(sums - before * 2.0**-frac - added).max() <= 2.0 ** -(frac - 5 + 1)


def test_a_gradient_that_gains_bits_is_added_exactly(tmp_path: Path) -> None:
    m = training_model(**DENSE)
    session = started(m, 4)
    session.step(m.image(0), TARGETS[0], 0.01)
    parameter = "head.weight"
    gradient, total = f"{parameter}.grad", f"{parameter}.total"
    frac, before = session.state.formats[total], session.state.master(total)
    assert session.state.apply([Move(gradient, 2)])
    # As the ops are after a move.
    (tmp_path / "state").write_bytes(checkpoint.to_bytes(session, {}))
    checkpoint.restore(tmp_path / "state", session, {})
    formats = dict(session.state.formats)
    session.step(m.image(1), TARGETS[1], 0.0)
    assert formats[total] == frac and formats[total] - formats[gradient] == 11
    added = values(session, "accumulate", formats)[parameter]
    moved = frac - session.state.formats[total]
    sums = session.state.master(total) * 2.0 ** (moved - frac) - before * 2.0**-frac
    assert np.abs(sums - added).max() <= (2.0 ** (moved - frac - 1) if moved else 0)


@pytest.mark.parametrize("images", [0, MAX_IMAGES + 1])
def test_numbers_of_images_that_do_not_fit_are_refused(images: int) -> None:
    with pytest.raises(HostError, match=f"over {images} images: use 1 to {MAX_IMAGES}"):
        training_model(**DENSE).session(ReferenceTraining(), accumulate=images)
