"""Schedules that are longer than the run, and what of them is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.schedules import keep_ratios, left_out
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.training import ExperimentConfig, load_config, parse_config, train

Everything = Callable[..., ExperimentConfig]

CONFIGS = Path(__file__).parents[2] / "configs"


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
            ["sparsity.examples.updates=4"],
            "sparsity.examples.updates is 4: use at most 3, as an update every 1 epochs leaves "
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
    if "two_phase" not in overrides[0] and "active_bias" not in overrides[0]:
        assert str(caught.value).endswith("run: --set training.scale_schedules=true")


@pytest.mark.parametrize(
    "overrides",
    [
        ["sparsity.examples.updates=2"],
        ["sparsity.examples.updates=3"],  # the third is left out: nothing follows it
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


def test_ten_updates_in_three_hundred_epochs_are_table_5_s() -> None:
    overrides = ["sparsity.examples.updates=10", "data.path=nowhere"]
    config = load_config(CONFIGS / "tri_level_levels" / "examples_0.8.yaml", overrides)
    assert left_out(config) == [
        "sparsity.examples.updates is 10: 9 are made, the last one would come when the training "
        "ends"
    ]
    selector = ExampleSelector(config.sparsity.examples, 100, 0, torch.device("cpu"))
    made = [epoch for epoch in range(300) if selector.start_epoch(epoch)]
    assert made == list(range(30, 300, 30))
    five = load_config(CONFIGS / "tri_level_levels" / "examples_0.8.yaml", ["data.path=nowhere"])
    assert left_out(five) == []


def test_what_is_left_out_is_told(
    everything: Everything, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(everything("sparsity.examples.updates=1", "training.epochs=1"), tmp_path)
    assert capsys.readouterr().err.splitlines()[0].startswith("sparsity.examples.updates is 1: 0 ")


ROWS = [path for folder in ("tri_level", "tri_level_levels", "pss") for path in
        sorted((CONFIGS / folder).glob("*.yaml"))]  # fmt: skip


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_every_row_runs_for_a_few_epochs(path: Path) -> None:
    scaled = load_config(path, ["training.epochs=2", "training.scale_schedules=true"])
    whole = load_config(path)
    factor = 2 / whole.training.epochs
    assert scaled.training.warmup_epochs == pytest.approx(whole.training.warmup_epochs * factor)
    before, after = whole.sparsity.warmup, scaled.sparsity.warmup
    assert after.end_epoch == pytest.approx(before.end_epoch * factor)
    assert after.start_epoch == pytest.approx(before.start_epoch * factor)
    assert scaled.sparsity.examples.period_epochs == 1
    middle = keep_ratios(whole, whole.training.epochs * 0.4)
    if path.parent.name != "pss" or whole.patch_schedule.schedule != "cyclic":
        assert keep_ratios(scaled, 2 * 0.4) == pytest.approx(middle)


def test_scaling_keeps_what_is_given_and_cools_down_in_proportion(tmp_path: Path) -> None:
    row = CONFIGS / "pss" / "deit_small_224_cyclic.yaml"
    short = ["training.epochs=30", "training.scale_schedules=true", "patch_schedule.compat=code"]
    config = load_config(row, short)
    assert config.patch_schedule.cooldown == pytest.approx(1.0)
    assert config.training.warmup_epochs == 0.5
    given = load_config(row, [*short, "training.warmup_epochs=3"])
    assert given.training.warmup_epochs == 3
    updates = ["sparsity.examples={keep_ratio: 0.8, updates: 5, period_epochs: 3}"]
    assert load_config(row, [*short, *updates]).sparsity.examples.updates == 5
    # What a run folder holds is scaled already: a resumed run reads the same.
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
    # A file over its base scales as --set does.
    (tmp_path / "child.yaml").write_text(
        f"base: {row}\ntraining: {{epochs: 30, scale_schedules: true}}\n"
        "patch_schedule: {compat: code}\n"
    )
    assert load_config(tmp_path / "child.yaml") == config


def test_scaled_updates_fit() -> None:
    config = parse_config(
        {"model": {"name": "micro_28"}, "sparsity": {"examples": {"updates": 5}}},
        ["training.epochs=3", "training.scale_schedules=true"],
    )
    examples = config.sparsity.examples  # by default 300 epochs and a period of 30
    assert (examples.updates, examples.period_epochs) == (3, 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.scale_schedules=7", "training.scale_schedules is 7: expected true or false"),
        ("training.epochs=many", "training.epochs is 'many': expected a whole number"),
        ("training.warmup_epochs=long", "training.warmup_epochs is 'long': expected a number"),
        ("sparsity=7", "sparsity is a section and cannot be 7"),
    ],
)
def test_wrong_types_are_refused_beside_scaling(
    override: str, message: str, everything: Everything
) -> None:
    settings = ["training.epochs=2", "training.scale_schedules=true"]
    name = override.partition("=")[0]
    settings = [other for other in settings if not other.startswith(f"{name}=")]
    with pytest.raises(ModelsError) as caught:
        everything(*settings, override)
    assert str(caught.value).startswith(message)
