"""Schedules: learning rate, keep ratio, epochs, and the levels of an experiment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trivit.host.errors import HostError
from trivit.host.training.bundle import TrainingBundle
from trivit.models.methods.examples.method import ExampleConfig, parse_examples
from trivit.models.methods.warmup import WarmupConfig, warmup_keep_ratio
from trivit.tools.errors import ToolsError
from trivit.tools.training.epochs import Epochs
from trivit.tools.training.keep_schedule import KeepSchedule
from trivit.tools.training.levels import levels
from trivit.tools.training.settings import LoopSettings

from .level_runs import bundle_of

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TrainingBundle:
    """Four ratios by their names; two of them compute the same."""
    two = bundle_of(tmp_path_factory.mktemp("bundle"))
    dense, pruned = two.programs
    more = (replace(pruned, name=f"keep_{ratio}", token_keep_ratio=ratio) for ratio in (0.9, 0.8))
    return replace(two, programs=(dense, *more, pruned))


def test_the_rate_rises_and_falls() -> None:
    settings = LoopSettings(steps=110, warmup_steps=10, learning_rate=1.0)
    assert settings.rate(0) == pytest.approx(0.1) and settings.rate(9) == 1.0
    assert settings.rate(60) == pytest.approx(0.5) and settings.rate(110) == pytest.approx(0)
    assert replace(settings, final_rate=0.2).rate(60) == pytest.approx(0.6)
    constant = replace(settings, rate_schedule="constant")
    assert {constant.rate(step) for step in range(9, 110)} == {1.0}
    stepped = replace(settings, rate_schedule="step", rate_drops=(50, 80), rate_factor=0.5)
    assert [stepped.rate(s) for s in (9, 49, 50, 79, 80, 109)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"final_rate": -1}, "--final-rate -1: use 0 or more"),
        ({"final_rate": 1, "rate_schedule": "constant"}, "where a cosine ends, not .* constant"),
        ({"rate_schedule": "step"}, "belong together"),
        ({"rate_drops": (5,)}, "belong together"),
        ({"rate_schedule": "step", "rate_drops": (5, 5)}, "--rate-drops 5,5: use steps that rise"),
        ({"rate_schedule": "step", "rate_drops": (0, 5)}, "--rate-drops 0,5: use steps that rise"),
        ({"rate_factor": 0}, "--rate-factor 0: use more than 0"),
        ({"keep_warmup": (2, 1)}, "--keep-warmup 2,1: use 0 <= START <= END"),
        ({"keep_warmup": (0, float("nan"))}, "--keep-warmup 0,nan: use"),
        ({"evaluate_every": 5, "evaluate_every_epochs": 1}, "give one of them"),
        ({"evaluate_every": 5, "test_images": 0}, "--test-images 1 or more"),
    ],
)
def test_settings_refuse(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolsError, match=words):
        LoopSettings(**values)


def test_the_keep_ratio_follows_the_cosine_by_the_nearest_program(bundle: TrainingBundle) -> None:
    schedule = KeepSchedule(bundle, LoopSettings(keep=0.7, keep_warmup=(1.0, 3.0)))
    ratios = [schedule.program(step / 100).token_keep_ratio for step in range(400)]
    assert set(ratios[:100]) == {1.0} and set(ratios[300:]) == {0.7}
    assert ratios == sorted(ratios, reverse=True) and set(ratios) == {1.0, 0.9, 0.8, 0.7}
    for step in range(100, 300, 7):
        wanted = warmup_keep_ratio(0.7, step / 100, WarmupConfig(start_epoch=1, end_epoch=3))
        assert abs(ratios[step] - wanted) <= 0.05 + 1e-12
    constant = KeepSchedule(bundle, LoopSettings(keep=0.8))
    assert {constant.program(epoch).name for epoch in (0, 5, 500)} == {"keep_0.8"}
    assert KeepSchedule(bundle, LoopSettings()).final.name == "dense"


def test_connections_warm_up_with_tokens(bundle: TrainingBundle) -> None:
    """Programs of an attention keep ratio, too: the nearest in both."""
    dense, half, _, pruned = bundle.programs
    both = replace(pruned, name="both", attention_keep_ratio=0.5)
    between = replace(half, name="between", token_keep_ratio=0.85, attention_keep_ratio=0.75)
    three = replace(bundle, programs=(dense, between, both))
    schedule = KeepSchedule(three, LoopSettings(keep=0.7, keep_warmup=(0.0, 1.0)))
    names = [schedule.program(step / 10).name for step in range(11)]
    assert names[0] == "dense" and names[5] == "between" and names[10] == "both"
    alone = replace(dense, name="connections", attention_keep_ratio=0.5)
    schedule = KeepSchedule(
        replace(bundle, programs=(alone, dense)), LoopSettings(keep_warmup=(1.0, 2.0))
    )
    assert schedule.program(0).name == "dense" and schedule.program(2).name == "connections"


def test_a_warm_up_without_its_programs_is_refused(bundle: TrainingBundle) -> None:
    warmed = LoopSettings(keep=0.7, keep_warmup=(0, 1))
    with pytest.raises(ToolsError, match=r"begins with ratio 1.*--keep 1,"):
        KeepSchedule(replace(bundle, programs=bundle.programs[1:]), warmed)
    with pytest.raises(ToolsError, match="keeps everything: name another with --keep"):
        KeepSchedule(bundle, replace(warmed, keep=None))
    with pytest.raises(HostError, match=r"no program with keep ratio 0.5 .*it has 1, 0.9"):
        KeepSchedule(bundle, LoopSettings(keep=0.5))


@pytest.mark.parametrize("method", ["online", "two_phase", "active_bias"])
def test_epochs_are_as_long_as_the_examples_in_play(method: str) -> None:
    config = parse_examples(
        {"method": method, "keep_ratio": 0.8, "period_epochs": 2}, "sparsity.examples"
    )
    epochs = Epochs(10, config)
    places = [epochs.place(step) for step in range(epochs.steps(5))]
    lengths = [sum(epoch == number for epoch, _ in places) for number in range(5)]
    assert lengths == [config.in_play(10, epoch) for epoch in range(5)]
    assert lengths == [epochs.length(epoch) for epoch in range(5)]
    assert all(
        place == (number, at)
        for number in range(5)
        for at, place in enumerate([p for p in places if p[0] == number])
    )
    settings = LoopSettings(epochs=5, examples=config)
    assert settings.over(10).steps == sum(lengths)
    assert LoopSettings(steps=7, examples=config).over(10).steps == 7


def test_an_experiment_s_levels_carry_over() -> None:
    found = levels(CONFIGS / "fashion_mnist_micro.yaml", examples={"updates": 2}, compat="code")
    assert found["keep"] == 0.7 and found["keep_warmup"] == (0.25, 1.25)
    assert found["compat"] == "code"
    wanted = ExampleConfig(keep_ratio=0.9, update_ratio=0.05, period_epochs=1, updates=2)
    assert found["examples"] == wanted
    dense = levels(CONFIGS / "fashion_mnist_micro_dense.yaml")
    assert dense["keep_warmup"] is None and dense["examples"] is None
    own = levels(CONFIGS / "fashion_mnist_micro.yaml", keep=0.9, keep_warmup=(2, 3))
    assert own["keep"] == 0.9 and own["keep_warmup"] == (2, 3)
    other = levels(
        CONFIGS / "fashion_mnist_micro.yaml", examples={"method": "fixed", "keep_ratio": 0.5}
    )
    assert other["examples"] == parse_examples({"method": "fixed", "keep_ratio": 0.5}, "")
    assert levels() == {"keep": None, "keep_warmup": None, "examples": None, "compat": "paper"}
    with pytest.raises(ToolsError, match="--example-period without --example-keep below 1"):
        levels(examples={"period_epochs": 3})
