"""``training.init_from`` says which of a checkpoint's weights it took, and a run remembers it."""

from collections.abc import Callable
from pathlib import Path

import torch

from trivit.models.data import load_dataset
from trivit.models.runs.checkpoint import load_checkpoint, save_checkpoint
from trivit.models.runs.images import fingerprint
from trivit.models.training import ExperimentConfig
from trivit.models.training.initial_weights import load_initial_weights
from trivit.models.training.run_state import RunState


def test_the_section_is_chosen_said_and_kept(
    everything: Callable[..., ExperimentConfig], tmp_path: Path
) -> None:
    dataset = load_dataset(everything().data)

    def state_of(*overrides: str) -> tuple[RunState, ExperimentConfig]:
        config = everything(*overrides)
        return RunState(config, dataset.train, torch.device("cpu")), config

    model = state_of("seed=1")[0].model.state_dict()
    average = state_of("seed=2")[0].model.state_dict()
    path = tmp_path / "deit"
    torch.save({"model": model, "model_ema": average}, path)
    for weights, taken, section in (("auto", model, "model"), ("ema", average, "model_ema")):
        setting = f"training.init_weights={weights}"
        state, config = state_of(f"training.init_from={path}", setting)
        told = load_initial_weights(state, config.training)
        assert any(f"taken: section '{section}'" in line for line in told)
        assert state.average is not None
        for kept in (state.model, state.average.model):
            assert torch.equal(kept.head.weight, taken["head.weight"])
        expected = {"path": str(path), "taken": f"section '{section}'"}
        assert state.initial_weights == expected
        images = fingerprint(dataset)
        save_checkpoint(tmp_path / weights, state.checkpoint(images, torch.zeros(2).double()))
        resumed, _ = state_of(f"training.init_from={path}", setting)
        resumed.restore(load_checkpoint(tmp_path / weights), first=True)
        assert resumed.initial_weights == expected
    state, config = state_of()
    assert load_initial_weights(state, config.training) == []
    assert state.initial_weights is None
