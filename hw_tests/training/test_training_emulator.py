"""The training emulator against the oracle: every integer of the arena after each op and step."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_models import DENSE, PRUNED, training_model

from trivit.host.backends.compile_cache import KERNEL_FOLDER
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.training import checkpoint
from trivit.host.training.arena import Place
from trivit.host.training.backends import ReferenceTraining, TrainingBackend
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.operations import OPERATIONS
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import exponent, norm_constants

STEPS = 4
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "dense": (DENSE, {"weight_decay": 1e-2}, None),
    "pruned, clipped": (PRUNED, {}, 0.5),
    "16-bit masters": ({**PRUNED, "masters": 16}, {"weight_decay": 1e-2}, None),
    "nearest": (DENSE, {"stochastic": False, "momentum": 0.0}, None),
    "adamw": ({**PRUNED, "optimizer": "adamw"}, {"weight_decay": 1e-2}, 0.5),
    "adamw, nearest": ({**DENSE, "optimizer": "adamw"}, {"stochastic": False}, None),
    "three channels": ({**DENSE, "in_channels": 3, "qkv_bias": False}, {}, None),
}


@pytest.fixture(scope="module")
def emulator() -> EmulatorTraining:
    return EmulatorTraining()


@pytest.mark.parametrize("case", CASES)
def test_whole_steps(case: str, emulator: EmulatorTraining) -> None:
    sizes, settings, clip = CASES[case]
    m = training_model(**sizes)
    sessions = []
    for backend in (ReferenceTraining(), emulator):
        session = m.session(backend, seed=5, clip_norm=clip, **settings)
        session.find_exponents(m.image(0), target_row(1, 5))
        sessions.append(session)
    before = sessions[0].state.memory[: sessions[0].state.arena.state_elements].copy()
    for number in range(STEPS):
        results = [s.step(m.image(number), target_row(number, 5, 0.1), 0.01) for s in sessions]
        assert results[0].moves == results[1].moves and results[0].loss == results[1].loss
        assert sessions[0].state.formats == sessions[1].state.formats
        assert_equal_memories(*sessions)
    after = sessions[0].state.memory[: len(before)]
    assert (before != after).mean() > 0.5, "steps change the weights"


@pytest.mark.parametrize("case", ["dense", "pruned, clipped", "adamw"])
@pytest.mark.parametrize("steps", [6, pytest.param(50, marks=pytest.mark.full)])
def test_steps_after_a_resume(
    case: str, steps: int, emulator: EmulatorTraining, tmp_path: Path
) -> None:
    """Both backends write one checkpoint at half of the steps; each goes on from the other's."""
    sizes, settings, clip = CASES[case]
    m = training_model(**sizes)
    backends = (ReferenceTraining(), emulator)

    def fresh(backend: TrainingBackend) -> TrainingSession:
        return m.session(backend, seed=5, clip_norm=clip, **settings)

    def take(session: TrainingSession, until: int) -> None:
        while session.steps < until:
            number = session.steps % 4
            session.step(m.image(number), target_row(number, 5, 0.1), 0.002)

    saved = []
    for backend in backends:
        session = fresh(backend)
        session.find_exponents(m.image(0), target_row(1, 5))
        take(session, steps // 2)
        saved.append(checkpoint.to_bytes(session, {}))
    assert saved[0] == saved[1]
    resumed = []
    for backend, data in zip(backends, reversed(saved), strict=True):
        path = tmp_path / "checkpoint.npz"
        path.write_bytes(data)
        session = fresh(backend)
        checkpoint.restore(path, session, {})
        take(session, steps)
        resumed.append(session)
    assert_equal_memories(*resumed)
    assert checkpoint.to_bytes(resumed[0], {}) == checkpoint.to_bytes(resumed[1], {})


def assert_equal_memories(a: TrainingSession, b: TrainingSession) -> None:
    if not np.array_equal(a.state.memory, b.state.memory):
        differ = [
            t.name
            for t in a.program.tensors
            if not np.array_equal(
                a.state.arena.view(a.state.memory, t.name),
                b.state.arena.view(b.state.memory, t.name),
            )
        ]
        raise AssertionError(f"tensors differ: {', '.join(differ)}")


def test_the_seed_decides_and_nothing_else(emulator: EmulatorTraining) -> None:
    m = training_model(**DENSE)

    def weights(seed: int) -> Int16:
        session = m.session(emulator, seed=seed)
        session.find_exponents(m.image(0), target_row(1, 5))
        for number in range(2):
            session.step(m.image(number), target_row(number, 5), 0.01)
        return session.state.memory[: session.state.arena.state_elements].copy()

    first = weights(1)
    assert np.array_equal(first, weights(1)) and not np.array_equal(first, weights(2))


class Draw:
    """Random ops on a small arena, at the ends of ranges as often as within them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = 0

    def place(self, rows: int, columns: int) -> Place:
        stride = -(-columns // 8) * 8
        place = Place(self.size, rows, columns, stride)
        self.size += rows * stride
        return place

    def number(self, low: int, high: int) -> int:
        return int(self.rng.choice([low, high, *self.rng.integers(low, high + 1, 4)]))

    def memory(self) -> Int16:
        spread = self.rng.choice([1, 100, 20000])
        values = np.clip(np.rint(self.rng.normal(0, spread, self.size)), -32768, 32767)
        ends = self.rng.random(self.size) < 0.05
        values[ends] = self.rng.choice([-32768, 32767, 0], int(ends.sum()))
        return values.astype(np.int16)

    def operation(self, opcode: str) -> tuple[Resolved, Int16]:
        """Return an op and a memory for it."""
        places, fields, flags = getattr(self, f"_{opcode}")()
        memory = self.memory()
        for name in ("index", "target"):
            if name in places:
                place: Place = places[name]
                row = memory[place.offset : place.offset + place.columns]
                if name == "target":
                    row[:] = np.abs(row) >> 1
                else:
                    source = places["x"] if opcode == "gather" else places["dst"]
                    row[:] = np.sort(self.rng.permutation(source.rows)[: place.columns])
        spec = OPERATIONS[opcode]
        ordered = {name: int(fields[name]) for name in spec.fields}
        return Resolved(
            opcode=opcode, spec=spec, places=places, flags=frozenset(flags), fields=ordered
        ), memory

    def _patchify(self) -> Any:
        patch, down, across, channels = (int(v) for v in self.rng.integers(1, 5, 4))
        height, width = patch * down, patch * across
        places = {
            "dst": self.place(1 + down * across, channels * patch * patch),
            "image": self.place(channels * height, width),
        }
        fields = {"channels": channels, "height": height, "width": width, "patch": patch}
        return places, fields, ()

    def _product(self) -> Any:
        m, k, n = (int(v) for v in self.rng.integers(1, 75, 3))
        flags = [f for f in ("transpose_a", "transpose_b") if self.rng.random() < 0.5]
        places = {
            "dst": self.place(m, n),
            "a": self.place(*((k, m) if "transpose_a" in flags else (m, k))),
            "b": self.place(*((n, k) if "transpose_b" in flags else (k, n))),
        }
        if self.rng.random() < 0.5:
            places["bias"] = self.place(1, n)
        if self.rng.random() < 0.5:
            places["addend"] = self.place(m, n)
        fields = {
            "shift": self.number(-16, 62),
            "bias_shift": self.number(0, 30),
            "addend_shift": self.number(-30, 30),
        }
        return places, fields, flags

    def _cls_row(self) -> Any:
        width = 8 * int(self.rng.integers(1, 6))
        places = {name: self.place(1, width) for name in ("dst", "cls", "position")}
        fields = {name: self.number(0, 30) for name in ("cls_shift", "position_shift")}
        return places, {**fields, "shift": self.number(-16, 62)}, ()

    def _norm(self, backward: bool) -> Any:
        rows, width = int(self.rng.integers(1, 6)), 8 * int(self.rng.choice([1, 3, 24, 96]))
        more = rows + int(self.rng.integers(0, 3))
        names = ("dst", "dy", "x") if backward else ("dst", "x")
        sizes = {"dst": more if backward else rows, "dy": rows, "x": more}
        places = {name: self.place(sizes[name], width) for name in names}
        fields = norm_constants(width, self.number(0, 20), 1e-6)
        return places, fields, width

    def _normalise(self) -> Any:
        places, fields, width = self._norm(False)
        places |= {"gamma": self.place(1, width), "beta": self.place(1, width)}
        return (
            places,
            {**fields, "beta_shift": self.number(0, 30), "norm_shift": self.number(-16, 62)},
            (),
        )

    def _normalise_backward(self) -> Any:
        places, fields, width = self._norm(True)
        places["gamma"] = self.place(1, width)
        if self.rng.random() < 0.6:
            places["addend"] = self.place(places["dst"].rows, width)
        return (
            places,
            {**fields, "shift": self.number(-60, 70), "addend_shift": self.number(-40, 30)},
            (),
        )

    def _normalise_gamma(self) -> Any:
        places, fields, width = self._norm(True)
        places["dst"] = self.place(1, width)
        return places, {**fields, "shift": self.number(-16, 62)}, ()

    def _gelu(self) -> Any:
        size = int(self.rng.integers(1, 9)), int(self.rng.integers(1, 90))
        fields = {"in_frac": self.number(0, 15), "out_frac": self.number(0, 24)}
        return {"dst": self.place(*size), "x": self.place(*size)}, fields, ()

    def _gelu_backward(self) -> Any:
        size = int(self.rng.integers(1, 9)), int(self.rng.integers(1, 90))
        fields = {"in_frac": self.number(0, 15), "shift": self.number(-16, 62)}
        return {name: self.place(*size) for name in ("dst", "dy", "x")}, fields, ()

    def _heads(self) -> tuple[int, int, int]:
        return (
            int(self.rng.integers(1, 4)),
            int(self.rng.integers(2, 40)),
            8 * int(self.rng.integers(1, 5)),
        )

    def _attention(self) -> Any:
        heads, tokens, width = self._heads()
        multiplier, shift = exponent(float(self.rng.uniform(0.1, 1)), self.number(0, 12))
        places = {
            "scores": self.place(heads * tokens, tokens),
            "probs": self.place(heads * tokens, tokens),
            "dst": self.place(tokens, heads * width),
            "qkv": self.place(tokens, 3 * heads * width),
        }
        fields = {
            "heads": heads,
            "score_shift": self.number(-16, 40),
            "exp_multiplier": multiplier,
            "exp_shift": shift,
            "prob_frac": self.number(0, 15),
            "out_shift": self.number(-16, 40),
        }
        return places, fields, ()

    def _attention_backward(self) -> Any:
        heads, tokens, width = self._heads()
        places = {
            "d_probs": self.place(heads * tokens, tokens),
            "d_scores": self.place(heads * tokens, tokens),
            "dst": self.place(tokens, 3 * heads * width),
            "dy": self.place(tokens, heads * width),
            "qkv": self.place(tokens, 3 * heads * width),
            "probs": self.place(heads * tokens, tokens),
        }
        # Probabilities of real rows add up to 1; these do not, so their factor is smaller.
        fields = {"heads": heads, "prob_frac": self.number(0, 10), "scale": self.number(1, 1 << 9)}
        shifts = ("probs_shift", "scores_shift", "query_shift", "value_shift")
        return places, {**fields, **{name: self.number(-16, 62) for name in shifts}}, ()

    def _select_tokens(self) -> Any:
        heads, tokens, _ = self._heads()
        keep = self.number(1, tokens - 1)
        places = {"dst": self.place(1, 1 + keep), "probs": self.place(heads * tokens, tokens)}
        return places, {"heads": heads, "keep": keep}, ()

    def _cls_moments(self) -> Any:
        heads, tokens, _ = self._heads()
        return {"probs": self.place(heads * tokens, tokens)}, {"heads": heads}, ()

    def _gather(self) -> Any:
        rows, width = int(self.rng.integers(2, 30)), int(self.rng.integers(1, 40))
        kept = int(self.rng.integers(1, rows))
        places = {"dst": self.place(kept, width), "x": self.place(rows, width)}
        return {**places, "index": self.place(1, kept)}, {}, ()

    def _scatter(self) -> Any:
        places, fields, flags = self._gather()
        return {"dst": places["x"], "dy": places["dst"], "index": places["index"]}, fields, flags

    def _cross_entropy(self) -> Any:
        classes = int(self.rng.choice([2, 10, 1000]))
        multiplier, shift = exponent(1.0, self.number(0, 12))
        places = {name: self.place(1, classes) for name in ("dst", "logits", "target")}
        return (
            places,
            {"exp_multiplier": multiplier, "exp_shift": shift, "frac": self.number(0, 46)},
            (),
        )

    def _column_sums(self) -> Any:
        rows, width = int(self.rng.integers(1, 60)), int(self.rng.integers(1, 60))
        places = {"dst": self.place(1, width), "dy": self.place(rows, width)}
        return places, {"shift": self.number(-16, 62)}, ()

    def _add(self) -> Any:
        size = int(self.rng.integers(1, 9)), int(self.rng.integers(1, 40))
        fields = {
            "a_shift": self.number(0, 30),
            "b_shift": self.number(0, 30),
            "shift": self.number(-16, 62),
        }
        return {name: self.place(*size) for name in ("dst", "a", "b")}, fields, ()

    def _update_sgd(self) -> Any:
        size = int(self.rng.integers(1, 9)), int(self.rng.integers(1, 40))
        names = ["high", "velocity", "gradient"] + ["low"] * (self.rng.random() < 0.5)
        fields = {
            "number": self.number(0, 300),
            "momentum": self.number(0, 65536),
            "gradient_shift": self.number(-24, 62),
            "decay": self.number(0, 65535),
            "decay_shift": self.number(-8, 62),
            "rate_shift": self.number(-45, 30),
            "stochastic": self.number(0, 1),
        }
        return {name: self.place(*size) for name in names}, fields, ()

    def _update_adamw(self) -> Any:
        size = int(self.rng.integers(1, 9)), int(self.rng.integers(1, 40))
        fields = {
            "number": self.number(0, 300),
            "beta1": self.number(0, 65536),
            "mean_shift": self.number(-24, 62),
            "alpha2": self.number(1, 1 << 23),
            "square_shift": 2 * self.number(-46, 46),
            "epsilon": self.number(0, 65535),
            "epsilon_shift": self.number(-100, 100),
            "direction_shift": self.number(-42, 50),
            "decay": self.number(0, 65535),
            "decay_shift": self.number(12, 62),
            "rate_shift": self.number(-20, 4),
            "stochastic": self.number(0, 1),
        }
        names = ("high", "velocity", "second", "gradient", "low", "second_low")
        return {name: self.place(*size) for name in names}, fields, ()


@pytest.mark.parametrize("opcode", OPERATIONS)
def test_random_ops(opcode: str, emulator: EmulatorTraining) -> None:
    reference = ReferenceTraining()
    for seed in range(30):
        draw = Draw(seed)
        operation, memory = draw.operation(opcode)
        if opcode == "update_adamw":
            second = operation.places["second"]
            view = memory[second.offset : second.offset + second.rows * second.stride]
            np.clip(view, 1, 32766, out=view)  # no second moment is negative
        if opcode.startswith("update"):
            high = operation.places["high"]
            view = memory[high.offset : high.offset + high.rows * high.stride]
            np.maximum(view, -32767, out=view)  # narrow range
        step = StepConstants(
            rate=draw.number(0, (1 << 24) - 1),
            rate_exponent=draw.number(30, 50),
            key=draw.number(0, (1 << 32) - 1),
            clip=draw.number(0, 65536),
            bias=draw.number(0, 65535),
            bias_exponent=draw.number(10, 24),
            second=draw.number(0, 65535),
            second_exponent=draw.number(16, 40),
        )
        assert_same(reference, emulator, operation, memory, step)


def assert_same(
    reference: TrainingBackend,
    emulator: TrainingBackend,
    operation: Resolved,
    memory: Int16,
    step: StepConstants,
) -> None:
    memories = memory.copy(), memory.copy()
    figures = [
        b.run(m, [operation], step) for b, m in zip((reference, emulator), memories, strict=True)
    ]
    assert np.array_equal(*memories), operation
    assert np.array_equal(*figures), (operation, figures)


def test_codes_are_those_of_the_cpp() -> None:
    text = (KERNEL_FOLDER / "include/trivit/training/operations.hpp").read_text()
    found = dict(re.findall(r"^    (\w+) = (\d+),$", text, re.MULTILINE))
    assert {name: int(code) for name, code in found.items()} == {
        name: spec.code for name, spec in OPERATIONS.items()
    }


def test_an_op_that_does_not_exist_is_refused(emulator: EmulatorTraining) -> None:
    operation, memory = Draw(0).operation("add")
    foreign = replace(operation, opcode="divide", spec=replace(operation.spec, code=99))
    with pytest.raises(HostError, match="no op divide"):
        emulator.run(memory, [foreign], StepConstants(rate=0, rate_exponent=0, key=0))


def test_a_memory_of_another_kind_is_refused(emulator: EmulatorTraining) -> None:
    operation, memory = Draw(0).operation("add")
    with pytest.raises(HostError, match="contiguous int16"):
        emulator.run(memory[::2], [operation], StepConstants(rate=0, rate_exponent=0, key=0))
