"""The example level against brute-force counting of forgetting events."""

import random
from itertools import pairwise
from typing import Literal

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.sparsity.config import ExampleConfig
from trivit.models.sparsity.examples import (
    ExampleSelector,
    ExampleStatistics,
    least_informative,
)

CPU = torch.device("cpu")
Presentation = tuple[bool, float]


def random_history(count: int, epochs: int, seed: int) -> list[list[Presentation]]:
    """Per example its presentations; some examples are never shown, many are alike."""
    source = random.Random(seed)
    histories: list[list[Presentation]] = []
    for _ in range(count):
        skill = source.choice([0.0, 0.5, 1.0])
        shown = 0 if source.random() < 0.2 else epochs
        histories.append(
            [(source.random() < skill, source.choice([0.25, 0.5, 0.75])) for _ in range(shown)]
        )
    return histories


def record(histories: list[list[Presentation]]) -> ExampleStatistics:
    statistics = ExampleStatistics.zeros(len(histories), CPU)
    for epoch in range(max(map(len, histories))):
        shown = [i for i, history in enumerate(histories) if epoch < len(history)]
        random.Random(epoch).shuffle(shown)
        for start in range(0, len(shown), 7):
            batch = shown[start : start + 7]
            statistics.record(
                torch.tensor(batch),
                torch.tensor([histories[i][epoch][0] for i in batch]),
                torch.tensor([histories[i][epoch][1] for i in batch]),
            )
    return statistics


def forgetting_events(history: list[Presentation]) -> int:
    return sum(a and not b for (a, _), (b, _) in pairwise(history))


@pytest.mark.parametrize("seed", range(5))
def test_statistics_equal_brute_force_counting(seed: int) -> None:
    histories = random_history(60, 9, seed)
    statistics = record(histories)
    assert statistics.presentations.tolist() == [len(h) for h in histories]
    assert statistics.forgotten.tolist() == [forgetting_events(h) for h in histories]
    assert statistics.learned.tolist() == [any(c for c, _ in h) for h in histories]
    assert statistics.variance_sum.tolist() == [sum(v for _, v in h) for h in histories]


@pytest.mark.parametrize("compat", ["paper", "code"])
@pytest.mark.parametrize("seed", range(5))
def test_ranking_equals_a_sorted_list(seed: int, compat: Literal["paper", "code"]) -> None:
    histories = random_history(60, 8, seed)
    in_play = torch.rand(60, generator=torch.Generator().manual_seed(seed)) < 0.8

    def key(i: int) -> tuple[float, float, int]:
        history = histories[i]
        never = 30 if compat == "code" else float("inf")
        events = forgetting_events(history) if any(c for c, _ in history) else never
        return events, sum(v for _, v in history) / len(history), i

    candidates = [i for i in range(60) if in_play[i] and histories[i]]
    expected = sorted(candidates, key=key)[:17]
    assert least_informative(record(histories), in_play, 17, compat).tolist() == expected


def test_never_learned_ranks_above_many_events_only_in_paper_mode() -> None:
    forgetful = [(i % 2 == 0, 0.5) for i in range(70)]  # 35 forgetting events
    hopeless = [(False, 0.5)] * 70
    statistics = record([forgetful, hopeless])
    in_play = torch.ones(2, dtype=torch.bool)
    assert least_informative(statistics, in_play, 1, "paper").tolist() == [0]
    assert least_informative(statistics, in_play, 1, "code").tolist() == [1]


def make_selector(keep: float = 0.8, count: int = 200) -> ExampleSelector:
    config = ExampleConfig(keep_ratio=keep, update_ratio=0.05, period_epochs=2)
    return ExampleSelector(config, count, seed=3, device=CPU)


def test_update_removes_the_lowest_and_restores_from_the_old_pool() -> None:
    selector = make_selector()
    before = set(selector.examples().tolist())
    assert len(before) == 160
    shown = selector.examples()
    variance = torch.rand(len(shown))
    selector.statistics.record(shown, torch.ones(len(shown), dtype=torch.bool), variance)
    lowest = set(shown[variance.argsort()[:10]].tolist())
    selector.update()
    after = set(selector.examples().tolist())
    assert before - after == lowest
    assert len(after - before) == 10
    assert len(after) == 160
    assert int(selector.statistics.presentations.sum()) == 0


def test_restored_examples_are_drawn_at_random() -> None:
    selector = make_selector()
    pool = sorted(set(range(200)) - set(selector.examples().tolist()))
    before = set(selector.examples().tolist())
    shown = selector.examples()
    selector.statistics.record(
        shown, torch.ones(len(shown), dtype=torch.bool), torch.rand(len(shown))
    )
    selector.update()
    restored = sorted(set(selector.examples().tolist()) - before)
    assert set(restored) <= set(pool)
    assert restored != pool[:10]


@pytest.mark.parametrize(("keep", "updates"), [(0.9, 3), (0.8, 5), (0.7, 7), (1.0, 0)])
def test_number_of_updates_is_the_papers(keep: float, updates: int) -> None:
    assert make_selector(keep).updates == updates


def test_updates_come_after_each_period_and_end() -> None:
    selector = make_selector(0.9)
    assert [epoch for epoch in range(12) if selector.start_epoch(epoch)] == [2, 4, 6]
    assert selector.updates_done == 3


def test_without_statistics_nothing_is_exchanged() -> None:
    selector = make_selector()
    before = selector.examples().tolist()
    selector.update()
    assert selector.examples().tolist() == before


def test_state_restores_the_selector() -> None:
    first = make_selector()
    shown = first.examples()[::2]
    first.statistics.record(shown, torch.rand(len(shown)) < 0.5, torch.rand(len(shown)))
    first.update()
    shown = first.examples()[::3]
    first.statistics.record(shown, torch.rand(len(shown)) < 0.5, torch.rand(len(shown)))
    second = make_selector()
    second.load_state_dict({name: tensor.clone() for name, tensor in first.state_dict().items()})
    for selector in (first, second):
        selector.update()
    assert first.examples().tolist() == second.examples().tolist()
    assert first.updates_done == second.updates_done == 2


def test_keep_everything_needs_no_statistics() -> None:
    selector = make_selector(1.0)
    assert not selector.active
    assert len(selector.examples()) == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep_ratio": 0.0}, "keep_ratio is 0.0"),
        ({"keep_ratio": 1.1}, "keep_ratio is 1.1"),
        ({"keep_ratio": 0.9, "update_ratio": 0.2}, "update_ratio is 0.2"),
        ({"period_epochs": 0}, "period_epochs is 0"),
        ({"updates": -1}, "updates is -1"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        ExampleConfig(**changes)  # type: ignore[arg-type]
