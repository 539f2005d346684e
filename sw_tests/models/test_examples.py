"""The example level against brute-force counting of forgetting events."""

import random
from itertools import pairwise
from typing import Literal

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.methods.examples.active_bias import active_bias_weights
from trivit.models.methods.examples.method import ExampleConfig
from trivit.models.methods.examples.ranking import least_informative
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.methods.examples.statistics import ExampleStatistics
from trivit.models.training import step

from ..training.tracing import traced

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


def make_selector(
    keep: float = 0.8, count: int = 200, compat: Literal["paper", "code"] = "paper"
) -> ExampleSelector:
    config = ExampleConfig(keep_ratio=keep, update_ratio=0.05, period_epochs=2)
    return ExampleSelector(config, count, seed=3, device=CPU, compat=compat)


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_update_removes_the_lowest_and_restores_from_the_pool(
    compat: Literal["paper", "code"],
) -> None:
    selector = make_selector(compat=compat)
    before = set(selector.examples().tolist())
    pool = set(selector.pool.tolist())
    assert len(before) == 160
    shown = selector.examples()
    variance = torch.rand(len(shown))
    selector.statistics.record(shown, torch.ones(len(shown), dtype=torch.bool), variance)
    lowest = set(shown[variance.argsort()[:10]].tolist())
    selector.update()
    after = set(selector.examples().tolist())
    assert before - after <= lowest
    assert after - before <= pool
    assert len(after) == 160
    assert set(selector.pool.tolist()) == set(range(200)) - after
    if compat == "code":
        assert before - after == lowest
        assert len(after - before) == 10
    assert int(selector.statistics.presentations.sum()) == 0


def newly_removed_that_return(compat: Literal["paper", "code"]) -> list[int]:
    """How many of ten newly removed examples an update restores at once, for many seeds."""
    returned = []
    for seed in range(150):
        config = ExampleConfig(keep_ratio=0.8, update_ratio=0.05, period_epochs=2)
        selector = ExampleSelector(config, 200, seed, CPU, compat)
        before = set(selector.examples().tolist())
        present_all(selector, seed)
        selector.update()
        returned.append(10 - len(before - set(selector.examples().tolist())))
    return returned


def test_only_in_the_paper_may_newly_removed_examples_return_at_once() -> None:
    assert set(newly_removed_that_return("code")) == {0}
    # Ten of a pool of 40 + 10 are restored: two of the ten new ones on average.
    returned = newly_removed_that_return("paper")
    assert sum(returned) / len(returned) == pytest.approx(2.0, abs=0.4)
    assert max(returned) < 10


def test_restored_examples_are_drawn_at_random() -> None:
    selector = make_selector(compat="code")
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


def random_step(source: random.Random, images: int) -> list[torch.Tensor]:
    """A step of ``images``, copies of 12 examples among them: its columns."""
    indices = [source.randrange(12) for _ in range(images)]
    correct = [source.random() < 0.5 for _ in indices]
    # Full float32 mantissas, as attention gives them.
    values = torch.rand(2, images, generator=torch.Generator().manual_seed(source.randrange(999)))
    return [torch.tensor(indices), torch.tensor(correct), *values]


def test_an_example_has_one_outcome_in_a_step() -> None:
    source = random.Random(4)
    together = ExampleStatistics.zeros(12, CPU)
    histories: list[list[list[float]]] = [[] for _ in range(12)]
    for _ in range(30):
        step = random_step(source, 20)
        together.record(*step)
        seen: set[int] = set()
        for row in zip(*(column.tolist() for column in step), strict=True):
            if row[0] not in seen:
                seen.add(row[0])
                histories[row[0]].append(list(row[1:]))
    assert together.presentations.tolist() == [len(history) for history in histories]
    events = [sum(a[0] and not b[0] for a, b in pairwise(history)) for history in histories]
    assert together.forgotten.tolist() == events
    assert together.learned.tolist() == [any(row[0] for row in history) for history in histories]
    assert together.was_correct.tolist() == [history[-1][0] for history in histories]
    assert together.variance_sum.tolist() == [sum(r[1] for r in history) for history in histories]
    assert together.confidence_sum.tolist() == [sum(r[2] for r in h) for h in histories]
    assert together.confidence_square_sum.tolist() == pytest.approx(
        [sum(r[2] ** 2 for r in h) for h in histories], rel=1e-14
    )


@pytest.mark.parametrize("counted", [None, 3])
def test_a_step_without_copies_is_counted_with_less_work(counted: int | None) -> None:
    source = random.Random(6)
    with_sort, without = ExampleStatistics.zeros(12, CPU), ExampleStatistics.zeros(12, CPU)
    for _ in range(20):
        _, *columns = random_step(source, 8)
        step = [torch.tensor(source.sample(range(12), 8)), *columns]
        with_sort.record(*step, counted=counted)
        without.record(*step, counted=counted, copies=False)
    for name, values in vars(with_sort).items():
        assert torch.equal(getattr(without, name), values), name
    assert without.forgotten.any() and not without.was_correct.all()


def test_what_steps_write_to_stays_where_it_is() -> None:
    selector = make_selector()
    places = [values.data_ptr() for values in vars(selector.statistics).values()]
    selector.record(*random_step(random.Random(1), 20)[:2])
    state = {name: value.clone() for name, value in selector.state_dict().items()}
    selector.update()
    assert not selector.statistics.presentations.any()
    selector.load_state_dict(state)
    assert int(selector.statistics.presentations.sum()) > 0
    assert places == [values.data_ptr() for values in vars(selector.statistics).values()]


@pytest.mark.parametrize(("copies", "operations"), [(False, 15), (True, 21)])
def test_counting_takes_few_operations(copies: bool, operations: int) -> None:
    # Each is a kernel or more on a GPU; views are none.
    columns = random_step(random.Random(7), 8)[:3]
    statistics = ExampleStatistics.zeros(12, CPU)
    trace = traced(lambda: statistics.record(*columns, copies=copies))
    views = ("aten::detach", "aten::slice", "aten::view")
    kernels = [name for name, *_ in trace.operations if name not in views]
    assert len(kernels) <= operations, " ".join(kernels)


@pytest.mark.parametrize("processes", [2, 4])
def test_copies_on_other_processes_count_as_on_one(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = random.Random(5)
    alone = ExampleStatistics.zeros(12, CPU)
    shared = [ExampleStatistics.zeros(12, CPU) for _ in range(processes)]
    for _ in range(10):
        batch = random_step(source, 20)
        alone.record(*batch)
        parts = [list(p) for p in zip(*(c.chunk(processes) for c in batch), strict=True)]
        # As ``_exchange`` stacks them; each process gets the parts of all.
        whole = torch.cat([torch.stack([c.double() for c in part], dim=1) for part in parts])
        monkeypatch.setattr(step, "in_rank_order", lambda _, whole=whole: whole)
        for part, statistics in zip(parts, shared, strict=True):
            indices, correct, *values = step._exchange(part)
            assert indices is not None and correct is not None
            statistics.record(indices, correct.bool(), *values)
    for statistics in shared:
        for name, tensor in vars(alone).items():
            assert torch.equal(getattr(statistics, name), tensor), name


@pytest.mark.parametrize(("compat", "events", "learned"), [("paper", 20, True), ("code", 0, False)])
def test_only_the_code_stops_counting_after_thirty_presentations(
    compat: Literal["paper", "code"], events: int, learned: bool
) -> None:
    selector = make_selector(compat=compat)
    index = selector.examples()[:1]
    for i in range(70):  # right every second time, but not within the first thirty
        selector.record(index, torch.tensor([i >= 30 and i % 2 == 0]), torch.tensor([0.5]))
    statistics = selector.statistics
    assert int(statistics.forgotten[index]) == events
    assert bool(statistics.learned[index]) is learned
    # The code's variance is the mean over all of them.
    assert int(statistics.presentations[index]) == 70
    assert float(statistics.variance_sum[index]) == 35.0


def present_all(selector: ExampleSelector, seed: int = 0) -> None:
    """Show every example in play twice: some are forgotten, all have a variance."""
    generator = torch.Generator().manual_seed(seed)
    shown = selector.examples()
    for correct in (torch.ones(len(shown)) > 0, torch.rand(len(shown), generator=generator) < 0.5):
        selector.statistics.record(shown, correct, torch.rand(len(shown), generator=generator))


def run_of(
    method: str, compat: Literal["paper", "code"] = "paper", **settings: object
) -> ExampleSelector:
    config = ExampleConfig(
        method=method,  # type: ignore[arg-type]
        **{"keep_ratio": 0.8, "update_ratio": 0.05, "period_epochs": 2, **settings},  # type: ignore[arg-type]
    )
    labels = torch.arange(200) % 4
    labels[:80] = 0  # classes 0 to 3 hold 110, 30, 30 and 30 examples
    return ExampleSelector(config, 200, 3, CPU, compat, labels=labels)


def test_random_updates_are_as_many_and_ignore_the_statistics() -> None:
    first, second = run_of("random", "code"), run_of("random", "code")
    assert not first.active
    assert first.updates == run_of("online").updates == 5
    present_all(first)
    before = set(first.examples().tolist())
    for selector in (first, second):
        selector.update()
    after = set(first.examples().tolist())
    assert after == set(second.examples().tolist())
    assert len(before - after) == len(after - before) == 10
    assert sorted(before - after) != sorted(before)[:10]


def test_fixed_never_updates() -> None:
    selector = run_of("fixed")
    before = selector.examples().tolist()
    assert not any(selector.start_epoch(epoch) for epoch in range(20))
    assert selector.examples().tolist() == before
    assert not selector.active


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_without_shuffling_the_longest_removed_come_back_first(
    compat: Literal["paper", "code"],
) -> None:
    selector = run_of("online", compat, shuffle_restored=False, updates=9)
    queue = selector.pool.tolist()
    for seed in range(6):
        present_all(selector, seed)
        before = set(selector.examples().tolist())
        selector.update()
        after = set(selector.examples().tolist())
        assert after - before == set(queue[:10])
        queue = queue[10:] + selector.pool.tolist()[-10:]
        assert set(queue[-10:]) == before - after
        assert selector.pool.tolist() == queue


def test_the_code_brings_back_a_whole_pool_as_large_as_the_update() -> None:
    selector = run_of("online", "code", update_ratio=0.2)
    pool = set(selector.pool.tolist())
    present_all(selector)
    selector.update()
    assert pool <= set(selector.examples().tolist())
    assert not pool & set(selector.pool.tolist())


def test_class_balance_removes_the_same_percentage() -> None:
    selector = run_of("online", class_balanced=True)
    assert selector.labels is not None
    present_all(selector)
    statistics, in_play = selector.statistics, selector.in_play
    for count in (1, 10, 37, 160, 999):
        chosen = least_informative(
            statistics, in_play, count, "paper", labels=selector.labels
        ).tolist()
        assert len(chosen) == len(set(chosen)) == min(count, 160)
        ranked = least_informative(statistics, in_play, 160, "paper").tolist()
        for label in range(4):
            members = [i for i in ranked if selector.labels[i] == label]
            taken = [i for i in chosen if selector.labels[i] == label]
            assert abs(len(taken) - len(members) * min(count, 160) / 160) < 1
            assert taken == members[: len(taken)]


def test_without_variance_equal_events_are_ordered_at_random() -> None:
    config = ExampleConfig(keep_ratio=0.8, update_ratio=0.05, period_epochs=2)
    selector = ExampleSelector(config, 200, seed=3, device=CPU, by_variance=False)
    assert selector.active and not selector.wants_variance
    shown = selector.examples()
    selector.statistics.record(shown, torch.ones(len(shown), dtype=torch.bool))
    selector.update()
    removed = sorted(set(shown.tolist()) & set(selector.pool.tolist()))
    assert removed
    assert removed != shown[: len(removed)].tolist()


def test_two_phases_remove_once_and_for_good() -> None:
    selector = run_of("two_phase")
    assert len(selector.examples()) == 200
    forgotten = torch.arange(200) % 2 == 0
    for correct in (torch.ones(200) > 0, ~forgotten):
        selector.statistics.record(torch.arange(200), correct)
    updates = [epoch for epoch in range(9) if selector.start_epoch(epoch)]
    assert updates == [2]
    removed = set(range(200)) - set(selector.examples().tolist())
    assert len(removed) == 40
    assert not any(forgotten[i] for i in removed)
    assert [selector.config.in_play(200, e) for e in range(4)] == [200, 200, 160, 160]


def test_active_bias_weights_are_the_deviations_of_the_confidence() -> None:
    source = random.Random(2)
    histories = [[source.random() for _ in range(source.randrange(6))] for _ in range(40)]
    statistics = ExampleStatistics.zeros(40, CPU)
    for i, history in enumerate(histories):
        for value in history:
            statistics.record(
                torch.tensor([i]), torch.tensor([True]), None, torch.tensor([value]).double()
            )

    def deviation(history: list[float]) -> float:
        mean = sum(history) / len(history)
        variance = sum((v - mean) ** 2 for v in history) / (len(history) - 1)
        return (variance + variance**2 / (len(history) - 1)) ** 0.5

    known = [deviation(h) for h in histories if len(h) > 1]
    average = sum(known) / len(known)
    expected = [(deviation(h) if len(h) > 1 else average) + average for h in histories]
    assert active_bias_weights(statistics).tolist() == pytest.approx(expected)
    untouched = active_bias_weights(ExampleStatistics.zeros(3, CPU))
    assert untouched.tolist() == [1, 1, 1]


def test_active_bias_draws_uncertain_examples_more_often() -> None:
    selector = run_of("active_bias", keep_ratio=0.5)
    assert selector.wants_confidence and not selector.wants_variance
    everyone = torch.arange(200)
    for confidence in (0.1, 0.9):  # the odd ones are certain
        values = torch.where(everyone % 2 == 0, confidence, 0.5)
        selector.statistics.record(everyone, everyone >= 0, None, values)
    assert not selector.start_epoch(0) and not selector.start_epoch(1)
    drawn = torch.zeros(200)
    for epoch in range(2, 42):
        assert selector.start_epoch(epoch)
        assert len(selector.examples()) == 100
        drawn += selector.in_play
    assert float(drawn[0::2].mean()) > 1.3 * float(drawn[1::2].mean())
    assert float(drawn[1::2].min()) > 0


def test_class_balance_without_a_ranking_is_refused() -> None:
    with pytest.raises(ModelsError, match="class_balanced does nothing with method random"):
        ExampleConfig(method="random", class_balanced=True)
