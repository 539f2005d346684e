"""The example level on the device: what is counted, what an update removes, what is written."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from trivit.host.training.session import StepResult
from trivit.host.training.variant import ClassAttention
from trivit.models.methods.examples.method import parse_examples
from trivit.tools.training.presentations import Presentations
from trivit.tools.training.records import Records

COUNT = 20
LABELS = np.arange(COUNT, dtype=np.int64) % 4


def presentations(folder: Path, compat: str = "paper", **settings: object) -> Presentations:
    values = {"keep_ratio": 0.7, "update_ratio": 0.2, "period_epochs": 2, **settings}
    return Presentations(
        3,
        LABELS,
        parse_examples(values, "sparsity.examples"),
        "code" if compat == "code" else "paper",
        by_variance=True,
        records=Records(folder / "examples.jsonl"),
    )


def outcome(correct: bool, label: int, spread: int) -> StepResult:
    logits = np.zeros(4)
    logits[label if correct else (label + 1) % 4] = 1.0
    moments = ClassAttention(tokens=2, heads=1, frac=4, total=20, squares=200 + 2 * spread**2)
    return StepResult(
        logits=logits, loss=0.0, gradient_norm=1.0, saturated=0, moves=(), class_attention=moments
    )


def walk(order: Presentations, first: int, steps: int) -> list[tuple[int, bool, int]]:
    """Take steps whose outcomes follow from the example and the step; return them."""
    seen = []
    for step in range(first, first + steps):
        example = order[step]
        correct, spread = (example * 7 + step // 14 * (example % 3)) % 3 > 0, example % 5
        order.record(example, int(LABELS[example]), outcome(correct, int(LABELS[example]), spread))
        seen.append((example, correct, spread))
    return seen


def informative(seen: list[tuple[int, bool, int]], example: int) -> tuple[float, float, int]:
    """Rank as the paper says it: forgetting events (never learned: most), variance, number."""
    flags = [correct for number, correct, _ in seen if number == example]
    spreads = [spread for number, _, spread in seen if number == example]
    events = sum(before and not after for before, after in pairwise(flags))
    return (
        events if any(flags) else float("inf"),
        sum(s**2 for s in spreads) / len(spreads) / 16 / 16,
        example,
    )


def test_an_update_removes_the_least_informative(tmp_path: Path) -> None:
    order = presentations(tmp_path, compat="code", shuffle_restored=False)
    seen = walk(order, 0, 28)
    present = {example for example, _, _ in seen}
    assert len(present) == 14 and order.in_play == 14, "30 % are out from the start"
    assert not (tmp_path / "examples.jsonl").exists()
    lowest = sorted(present, key=lambda example: informative(seen, example))[:4]
    again = {example for example, _, _ in walk(order, 28, 14)}
    line = json.loads((tmp_path / "examples.jsonl").read_text())
    assert line["removed_examples"] == sorted(lowest) and not again & set(lowest)
    assert line["restored_examples"] == sorted(again - present)
    assert {n: line[n] for n in ("step", "epoch", "update", "in_play", "removed", "restored")} == {
        "step": 29, "epoch": 2, "update": 1, "in_play": 14, "removed": 4, "restored": 4,
    }  # fmt: skip


@pytest.mark.parametrize("compat", ["paper", "code"])
@pytest.mark.parametrize("method", ["online", "random", "fixed", "two_phase", "active_bias"])
def test_a_resume_at_any_step_is_exact(tmp_path: Path, method: str, compat: str) -> None:
    settings = {"method": method} | ({"update_ratio": 0.1} if method == "online" else {})
    whole = presentations(tmp_path, compat, **settings)
    steps = whole.epochs.steps(7)
    states, seen = [], []
    for step in range(steps):
        states.append(whole.state())
        states[-1] = {name: array.copy() for name, array in states[-1].items()}
        seen += walk(whole, step, 1)
    for step in range(0, steps, 5):
        again = presentations(tmp_path, compat, **settings)
        again.restore(states[step])
        assert walk(again, step, steps - step) == seen[step:], step
    shown = {example for example, _, _ in seen}
    assert (len(shown) == 14) == (method == "fixed")


def test_without_the_level_the_order_is_a_permutation_of_all() -> None:
    order = Presentations(3, LABELS)
    epochs = [[order[step] for step in range(n * COUNT, (n + 1) * COUNT)] for n in range(2)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs) and epochs[0] != epochs[1]
    first = np.random.default_rng([3, 0]).permutation(COUNT)
    assert epochs[0] == first.tolist() and order.state() == {} and order.in_play == COUNT


def test_variance_is_unbiased_in_code_mode(tmp_path: Path) -> None:
    for compat, factor in (("paper", 1), ("code", 2)):
        order = presentations(tmp_path, compat)
        order.record(order[0], 0, outcome(True, 0, 3))
        assert order.state()["variance_sum"].sum() == factor * 9 / 16 / 16
