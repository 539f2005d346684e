"""A run goes on for more epochs where its schedules allow that, to the bits of a longer one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import load_config, save_config
from trivit.models.runs.checkpoint import Checkpoint, read_state, save_checkpoint
from trivit.models.training import ExperimentConfig, train
from trivit.models.training.resume import check_folder

from .conftest import assert_same_bits, computed

Everything = Callable[..., ExperimentConfig]

CONSTANT = "training.min_learning_rate=4e-3"


def test_a_finished_run_goes_on_to_the_bits_of_a_longer_one(
    everything: Everything, tmp_path: Path
) -> None:
    train(everything(CONSTANT, "training.epochs=2"), tmp_path / "whole")
    train(everything(CONSTANT, "training.epochs=1"), tmp_path / "run")
    summary = train(everything(CONSTANT, "training.epochs=2"), tmp_path / "run", resume=True)
    assert summary["epochs"] == 2
    assert load_config(tmp_path / "run" / "config.yaml").training.epochs == 2
    assert_same_bits(tmp_path / "run", tmp_path / "whole")
    assert computed(tmp_path / "run") == computed(tmp_path / "whole")
    # The summary of the shorter run must not stand for the longer one.
    killed = everything(CONSTANT, "training.epochs=3", "training.checkpoint_every_steps=4")

    class KilledError(Exception):
        pass

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr("trivit.models.training.loop.training_step", die)
        train(killed, tmp_path / "run", resume=True)
    assert not (tmp_path / "run" / "train.json").exists()


@pytest.mark.parametrize(
    ("overrides", "position", "setting"),
    [
        ((), (3, 0), "the cosine from training.learning_rate to training.min_learning_rate"),
        ((), (1, 0), "the cosine from training.learning_rate"),
        # Up to the end of the warm-up nothing depends on the length.
        ((), (0, 4), None),
        (("training.warmup_epochs=2",), (2, 0), None),
        (("training.warmup_epochs=2",), (2, 2), "the cosine"),
        ((CONSTANT,), (3, 0), None),
        ((CONSTANT, "patch_schedule.schedule=fixed"), (3, 0), None),
        ((CONSTANT, "patch_schedule.schedule=linear"), (3, 0), "patch_schedule.schedule"),
        ((CONSTANT, "patch_schedule.schedule=cosine"), (3, 0), "patch_schedule.schedule"),
        (
            (CONSTANT, "patch_schedule.schedule=list", "patch_schedule.ratios=[0.2, 1.0]"),
            (3, 0),
            "patch_schedule.schedule",
        ),
        # The first of its levels lasts beyond what was done, in either length.
        (
            (CONSTANT, "patch_schedule.schedule=list", "patch_schedule.ratios=[0.2, 1.0]"),
            (1, 0),
            None,
        ),
        (
            (
                CONSTANT,
                "patch_schedule.schedule=list",
                "patch_schedule.ratios=[0.2, 1.0]",
                "patch_schedule.cycle_epochs=1",
            ),
            (3, 0),
            None,
        ),
    ],
)
def test_the_first_schedule_that_depends_on_the_length_is_named(
    overrides: tuple[str, ...],
    position: tuple[int, int],
    setting: str | None,
    everything: Everything,
    tmp_path: Path,
) -> None:
    started(tmp_path, everything(*overrides), position)
    longer = everything(*overrides, "training.epochs=5")
    if setting is None:
        check_folder(tmp_path, longer, resume=True)
        return
    words = f"cannot resume {tmp_path} with 5 epochs instead of 3, as {setting}"
    with pytest.raises(ModelsError, match=words) as caught:
        check_folder(tmp_path, longer, resume=True)
    assert f"training.init_from={tmp_path} and another --out" in str(caught.value)


def started(out: Path, config: ExperimentConfig, position: tuple[int, int], **more: str) -> None:
    """Write a run of 3 epochs that has come to ``position``."""
    save_config(config, out / "config.yaml")
    state = {"epoch": position[0], "step": position[1], "dataset": {"train_images": 200}, **more}
    save_checkpoint(out / "checkpoint", Checkpoint(state, {}, {}))
    assert read_state(out / "checkpoint")["epoch"] == position[0]


def test_what_is_done_cannot_be_undone(everything: Everything, tmp_path: Path) -> None:
    started(tmp_path, everything(CONSTANT), (2, 0))
    with pytest.raises(ModelsError, match=r"epochs is 2 and .* has done 2 of 3 already: use more"):
        check_folder(tmp_path, everything(CONSTANT, "training.epochs=2"), resume=True)
    with pytest.raises(ModelsError, match=r"other settings: training.batch_size was 20, now 40"):
        longer = everything(CONSTANT, "training.epochs=9", "training.batch_size=40")
        check_folder(tmp_path, longer, resume=True)


def test_imported_weights_are_no_training_to_continue(
    everything: Everything, tmp_path: Path
) -> None:
    started(tmp_path, everything(), (3, 0), imported_from="deit.pth")
    for overrides in ((), ("training.epochs=5",)):
        with pytest.raises(ModelsError, match=r"weights of deit.pth and no training to continue"):
            check_folder(tmp_path, everything(*overrides), resume=True)
