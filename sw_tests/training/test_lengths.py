"""Schedules that are longer than the run, and what of them is not."""

from collections.abc import Callable

import pytest

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig

Everything = Callable[..., ExperimentConfig]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.warmup_epochs=3.5"], "training.warmup_epochs is 3.5: use at most the 3 epochs"),
        (["sparsity.warmup.end_epoch=4"], "sparsity.warmup.end_epoch is 4.0: use at most the 3 "),
        (["patch_schedule.cycle_epochs=9"], "patch_schedule.cycle_epochs is 9.0: use at most the"),
        (
            ["sparsity.examples.period_epochs=30"],
            "sparsity.examples.period_epochs is 30: use at most the 3 epochs of the run",
        ),
        (
            ["sparsity.examples.updates=3"],
            "sparsity.examples.updates is 3: use at most 2, as an update every 1 epochs leaves "
            "room for in 3 epochs",
        ),
        (
            ["sparsity.examples={method: two_phase, keep_ratio: 0.9, period_epochs: 4}"],
            "sparsity.examples.period_epochs is 4",
        ),
        (
            ["sparsity.examples={method: two_phase, keep_ratio: 0.9, period_epochs: 3}"],
            "sparsity.examples.period_epochs is 3: use fewer than the 3 epochs of the run",
        ),
        (
            ["sparsity.examples={method: active_bias, keep_ratio: 0.9, period_epochs: 3}"],
            "sparsity.examples.period_epochs is 3: use fewer than the 3 epochs of the run",
        ),
    ],
)
def test_schedules_longer_than_the_run_are_refused(
    overrides: list[str], message: str, everything: Everything
) -> None:
    with pytest.raises(ModelsError) as caught:
        everything(*overrides)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["sparsity.examples.updates=2"],
        ["training.epochs=1"],  # as many updates as fit: none
        ["sparsity.warmup.end_epoch=3"],
        # What a schedule would do does not matter where nothing follows it.
        [
            "sparsity.warmup.end_epoch=110",
            "model.token_keep_ratio=1",
            "model.attention_keep_ratio=1",
        ],
        ["sparsity.examples={keep_ratio: 1.0, period_epochs: 30}"],
        ["sparsity.examples={method: fixed, keep_ratio: 0.9, period_epochs: 30}"],
        ["sparsity.examples={method: two_phase, keep_ratio: 0.9, period_epochs: 2}"],
    ],
)
def test_schedules_that_fit_are_not(overrides: list[str], everything: Everything) -> None:
    everything(*overrides)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.token_keep_ratio=1.2", "token_keep_ratio is 1.2: choose a ratio above 0"),
        ("model.selector_blocks=[2]", "selector block 2 is outside the 2 blocks: choose 0 to 1"),
        ("sparsity.variance_block=5", "sparsity.variance_block is 5: use -2 to 1, or null"),
        ("sparsity.examples.keep_ratio=0", "sparsity.examples.keep_ratio is 0.0: choose a ratio"),
        ("sparsity.examples={method: fixed, updates: 2}", "sparsity.examples.updates does nothing"),
        ("sparsity.examples={method: two_phase, updates: 2}", "sparsity.examples.updates does no"),
        ("patch_schedule.start=0", "patch_schedule.start is 0.0: choose a ratio above 0"),
        ("training.checkpoint_every_steps=0", "training.checkpoint_every_steps is 0: use 1 or"),
        ("augmentation.flip=2", "augmentation.flip is 2.0: use 0 to 1"),
        ("data.shift=-1", "data.shift is -1: use 0 or more pixels"),
    ],
)
def test_values_out_of_range_are_refused(
    override: str, message: str, everything: Everything
) -> None:
    with pytest.raises(ModelsError) as caught:
        everything(override)
    assert str(caught.value).startswith(message)
