"""Compiled training: the same weights, one graph for each shape, none of them made on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
from torch._dynamo.utils import counters

from trivit.models.errors import ModelsError
from trivit.models.experiment.schedules import visited_ratios
from trivit.models.training import ExperimentConfig, compilation, load_config, loop, train

from .conftest import assert_same_bits, computed, tensors

Everything = Callable[..., ExperimentConfig]

CONFIGS = Path(__file__).parents[2] / "configs" / "tri_level"


# Two keep ratios of the selectors, and two of the patches in each epoch.
FEW = (
    "training.epochs=2",
    "sparsity.warmup={start_epoch: 0, end_epoch: 1, steps: 1}",
    "patch_schedule={schedule: cyclic, order: random, start: 0.5, steps: 2}",
)


@pytest.fixture(autouse=True)
def forget_graphs() -> Iterator[None]:
    """Start without graphs, and with room for fewer of them than training needs."""
    torch._dynamo.reset()
    counters.clear()
    settings: Any = torch._dynamo.config
    with settings.patch(recompile_limit=2):
        yield


def test_every_shape_is_compiled_before_the_first_step(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced and run as it stands: a compiler would take half a minute for each graph.
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    graphs: list[int] = []
    original = loop.training_step

    def counting(*arguments: object, **settings: object) -> object:
        result = original(*arguments, **settings)  # type: ignore[arg-type]
        if settings["clock"] is not None:  # not one of those that warm up
            graphs.append(counters["stats"]["unique_graphs"])
        return result

    monkeypatch.setattr(loop, "training_step", counting)
    plain = train(everything(*FEW), tmp_path / "plain")
    assert plain["compiled_shapes"] == 0
    assert set(graphs) == {0}
    graphs.clear()
    config = everything(*FEW, "training.compile=true")
    shapes = visited_ratios(config, 200)
    assert len(shapes) == 4
    summary = train(config, tmp_path / "compiled")
    assert summary["compiled_shapes"] == len(shapes)
    assert set(graphs) == {len(shapes)}
    assert not counters["graph_break"]
    assert_same_bits(tmp_path / "plain", tmp_path / "compiled")


def test_ratios_of_the_same_numbers_share_a_graph(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    # 0.5 and 0.505 of 50 tokens are 25.
    few = (
        "training.epochs=1",
        "sparsity.warmup={start_epoch: 0, end_epoch: 0}",
        "patch_schedule={schedule: list, order: random, ratios: [0.5, 0.505, 1.0, 0.5]}",
    )
    config = everything(*few, "training.compile=true")
    assert len(visited_ratios(config, 200)) == 3
    plain, summary = train(everything(*few), tmp_path / "plain"), train(config, tmp_path / "run")
    assert (plain["compiled_shapes"], summary["compiled_shapes"]) == (0, 2)
    assert counters["stats"]["unique_graphs"] == 2
    assert_same_bits(tmp_path / "plain", tmp_path / "run")
    assert computed(tmp_path / "plain") == computed(tmp_path / "run")


def test_tri_level_with_a_cyclic_patch_schedule_compiles() -> None:
    # Eleven keep ratios of the selectors meet five of the patches; 240 steps meet all of them.
    for row, shapes in (("deit_small_0.7", 55), ("deit_small_0.9", 55)):
        config = load_config(CONFIGS / f"{row}.yaml", ["patch_schedule.schedule=cyclic"])
        batch = config.training.batch_size
        shared = compilation.training_shapes(config, 12 * batch)
        assert len(set(shared.values())) == shapes


def test_a_run_may_continue_compiled(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    train(everything("training.epochs=1", "patch_schedule.schedule=none"), tmp_path)
    config = everything(
        "training.epochs=1", "patch_schedule.schedule=none", "training.compile=true"
    )
    assert train(config, tmp_path, resume=True)["epochs"] == 1


@pytest.mark.full
def test_the_compiler_s_code_trains_the_same(everything: Everything, tmp_path: Path) -> None:
    overrides = ("patch_schedule.schedule=fixed", "training.epochs=1")
    overrides += ("sparsity.warmup={start_epoch: 0, end_epoch: 0}",)
    train(everything(*overrides), tmp_path / "plain")
    summary = train(everything(*overrides, "training.compile=true"), tmp_path / "compiled")
    assert summary["compiled_shapes"] == 1
    plain, compiled = tensors(tmp_path / "plain"), tensors(tmp_path / "compiled")
    for name in ("head.weight", "blocks.0.mlp.fc1.weight", "average/patch_embed.proj.weight"):
        torch.testing.assert_close(compiled[name], plain[name], rtol=1e-3, atol=1e-4)


def test_too_many_shapes_are_refused(everything: Everything, tmp_path: Path) -> None:
    endless = (
        "training.compile=true",
        "training.epochs=12",
        "patch_schedule={schedule: linear, steps: null}",
        "model.patch_size=1",
    )
    message = (
        r"visit 1\d\d shapes, more than 64: set sparsity.warmup.steps and patch_schedule.steps"
    )
    with pytest.raises(ModelsError, match=message):
        train(everything(*endless), tmp_path / "run")
    assert not (tmp_path / "run").exists()
