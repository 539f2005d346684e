"""Multiply-accumulates against counted products and against published numbers."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trivit.models.accounting import image_macs
from trivit.models.augmentation import evaluation_view
from trivit.models.data import load_dataset, train_image_count
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.costs import Savings, savings, training_macs
from trivit.models.experiment.schedules import keep_ratios
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.topology import DENSE, KeepRatios
from trivit.models.training import ExperimentConfig, load_run, parse_config, train
from trivit.tools.cli.main import main

Tiny = Callable[..., ExperimentConfig]


NO_CLS = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fuse_tokens": True},
        {"class_connections": "closed"},
        NO_CLS,
        {**NO_CLS, "fuse_tokens": True},
    ],
)
@pytest.mark.parametrize(
    ("token", "attention", "patch"),
    [(1.0, 1.0, 1.0), (0.7, 1.0, 1.0), (0.7, 0.4, 1.0), (1.0, 0.3, 0.6), (0.5, 0.5, 0.4)],
)
def test_equals_the_products_of_a_forward_pass(
    token: float, attention: float, patch: float, changes: dict[str, Any]
) -> None:
    vit = model_config("micro_28", token_keep_ratio=token, **changes)
    model = VisionTransformer(vit).eval()
    model.set_keep_ratios(token=token, attention=attention)
    model.set_patch_sampling(PatchSampling(patch))
    counted = 0

    def product(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal counted
        counted += output.numel() * (module.weight[0].numel())  # type: ignore[operator]

    def connections(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal counted
        x, mask = inputs[0], inputs[1]
        pairs = x.shape[1] ** 2 if mask is None else int(mask.sum())
        counted += 2 * pairs * x.shape[2]

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(product)  # type: ignore[arg-type]
        elif name.endswith("attn"):
            module.register_forward_pre_hook(connections)
    with torch.no_grad():
        details = model.forward_details(torch.randn(1, 1, 28, 28), track_tokens=True)
    ratios = KeepRatios(token, attention, patch)
    measured = tuple(float(pairs) for pairs in details.connections)
    macs = image_macs(vit, ratios, measured)
    assert macs.total == counted
    assert macs.training == 3 * counted - macs.stages[0].macs
    if 1 in (token, attention):  # then the numbers do not depend on the image
        assert image_macs(vit, ratios) == macs


@pytest.mark.parametrize("compat", ["paper", "code"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fuse_tokens": True},
        {"attention_pattern": "window"},
        {"attention_pattern": "window", "fuse_tokens": True},
        {"class_connections": "closed", "attention_keep_ratio": 0.05},
        {"token_score": "static"},
    ],
)
def test_expected_connections_are_near_those_of_images(
    compat: str, changes: dict[str, Any]
) -> None:
    sizes = {"token_keep_ratio": 0.6, "attention_keep_ratio": 0.3, "selector_blocks": (0, 1, 2)}
    vit = model_config("micro_28", attention_compat=compat, depth=4, **{**sizes, **changes})
    torch.manual_seed(0)
    model = VisionTransformer(vit).eval()
    with torch.no_grad():
        found = model.forward_details(torch.randn(100, 1, 28, 28), track_tokens=True).connections
    ratios = KeepRatios(vit.token_keep_ratio, vit.attention_keep_ratio, 1.0)
    stages = image_macs(vit, ratios).stages[2:5]
    measured = [float(pairs.double().mean()) for pairs in found]
    # A short row counts fully in ``code``; and which tokens go is no chance.
    near = 0.1 if compat == "paper" else 0.2
    assert [stage.connections for stage in stages] == pytest.approx(measured, rel=near)
    assert stages[0].connections == measured[0]


def test_code_opens_the_rows_that_paper_leaves_short() -> None:
    """Half of the rows have fewer live keys than asked for: behind the second selector."""
    total = {
        compat: [
            stage.connections
            for stage in image_macs(
                model_config("deit_small", attention_compat=compat), KeepRatios(0.7, 0.2, 1.0)
            ).stages
        ]
        for compat in ("paper", "code")
    }
    assert total["paper"][2] == total["code"][2] == 139 + 138 * (1 + 28)
    assert total["paper"][3] < 98 + 97 * (1 + 20) < total["code"][3] / 2


@pytest.mark.parametrize(
    ("name", "token", "published"),
    # DeiT's papers state 1.3, 4.6 and 17.6 GMACs, and 55.5 for B at 384 pixels; PSS's Table 2 15.5
    # for S at 384 pixels; EViT 3.0 for DeiT-S at keep ratio 0.7.
    [
        ("deit_base_384", 1.0, 55.5),
        ("deit_small_384", 1.0, 15.5),
        ("deit_tiny", 1.0, 1.3),
        ("deit_small", 1.0, 4.6),
        ("deit_base", 1.0, 17.6),
        ("deit_small", 0.7, 3.0),
    ],
)
def test_published_gmacs(name: str, token: float, published: float) -> None:
    macs = image_macs(model_config(name), KeepRatios(token, 1.0, 1.0)).total
    assert macs / 1e9 == pytest.approx(published, abs=0.05)


def test_stages_of_deit_small() -> None:
    macs = image_macs(model_config("deit_small"), KeepRatios(0.7, 1.0, 1.0))
    assert [stage.tokens for stage in macs.stages] == [0, 197, 139, 98, 69, 0]
    assert macs.stages[1].name == "blocks 0 to 3"


def test_training_is_the_sum_over_its_steps(tiny: Tiny) -> None:
    config = tiny(
        "training.epochs=4",
        "sparsity.examples={method: two_phase, keep_ratio: 0.8, period_epochs: 2}",
        "patch_schedule={schedule: linear}",
    )
    total = training_macs(config, 600)
    assert total.steps == 2 * 12 + 2 * 9
    vit = config.model
    dense = image_macs(vit, DENSE).training
    assert total.dense_macs == dense * 4 * 600
    assert 0 < total.macs < total.dense_macs
    whole = tiny(
        "model.token_keep_ratio=1",
        "model.attention_keep_ratio=1",
        "sparsity.examples.keep_ratio=1",
    )
    assert training_macs(whole, 600).saved_percent == 0


def test_what_each_level_saves_alone(tiny: Tiny) -> None:
    overrides = (
        "training.epochs=4",
        "sparsity.warmup={start_epoch: 1, end_epoch: 3, steps: 2}",
        "patch_schedule={schedule: list, ratios: [0.5, 1.0]}",
    )
    config = tiny(*overrides)
    found = savings(config, 600)
    dense = ("sparsity.examples.keep_ratio=1", "model.attention_keep_ratio=1")
    tokens = tiny(*overrides[:-1], *dense)
    # The same schedule over other numbers of steps: 10 and 12 an epoch.
    assert found.tokens == pytest.approx(training_macs(tokens, 600).saved_percent, abs=0.5)
    patches = tiny(*overrides, *dense, "model.token_keep_ratio=1")
    assert found.patches == pytest.approx(training_macs(patches, 600).saved_percent, abs=0.5)
    assert found.examples == pytest.approx(100 / 6)
    assert 0 < found.attention < found.tokens
    # Half of the patches before the descent and in its two stages, all of them after it.
    assert found.shapes == len({(0.5, 1.0), (0.5, "first"), (1.0, "second"), (1.0, 0.7)})
    whole = savings(tiny(*dense, "model.token_keep_ratio=1"), 600)
    assert whole == Savings(examples=0, tokens=0, attention=0, patches=0, shapes=1)


def test_ratios_that_move_with_every_step_are_counted_exactly(tiny: Tiny) -> None:
    config = tiny(
        "training.epochs=4",
        "model.fuse_tokens=true",
        "sparsity.warmup={start_epoch: 0, end_epoch: 4, steps: null}",
        "patch_schedule={schedule: linear, steps: null}",
    )
    expected = 50 * sum(
        image_macs(config.model, keep_ratios(config, epoch + index / 10)).training
        for epoch in range(4)
        for index in range(10)
    )
    assert training_macs(config, 600).macs == expected


def deit_small(**sections: object) -> ExperimentConfig:
    return parse_config(
        {
            "model": {"name": "deit_small", "token_keep_ratio": 1.0},
            "training": {"batch_size": 12_800},
            "sparsity": {"variance_block": 2},
            **sections,
        }
    )


def test_ceilings_of_the_papers_schedules() -> None:
    """Speed-ups that the MACs allow DeiT-S on ImageNet over 300 epochs."""
    images = 1_281_167

    def speedup(config: ExperimentConfig) -> float:
        return 1 / (1 - training_macs(config, images).saved_percent / 100)

    tokens = deit_small(model={"name": "deit_small", "token_keep_ratio": 0.7})
    assert speedup(tokens) == pytest.approx(1.39, abs=0.02)
    examples = deit_small(sparsity={"examples": {"keep_ratio": 0.8}})
    assert speedup(examples) == pytest.approx(1.25, abs=0.01)
    cyclic = deit_small(patch_schedule={"schedule": "cyclic", "compat": "code"})
    # Without its cooldown of 10 epochs 1.57.
    assert speedup(cyclic) == pytest.approx(1.54, abs=0.01)


def test_sizes_of_the_training_sets(tiny: Tiny) -> None:
    data = tiny().data
    assert train_image_count(data) == 600
    assert train_image_count(replace(data, train_images=None)) == 2000


def test_the_command_prints_stages_and_training(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_config(tiny(), tmp_path / "tiny.yaml")
    assert main(["macs", str(tmp_path / "tiny.yaml"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    vit = tiny().model
    assert shown["image"]["macs"] == image_macs(vit, KeepRatios(0.7, 0.5, 1.0)).total
    assert shown["training"]["macs"] == training_macs(tiny(), 600).macs
    alone = asdict(savings(tiny(), 600))
    assert shown["training"]["shapes"] == alone.pop("shapes")
    assert shown["training"]["saved_percent_alone"] == alone
    assert main(["macs", str(tmp_path / "tiny.yaml"), "--keep", "0.4"]) == 0
    assert "% of dense" in capsys.readouterr().out
    assert main(["macs", str(tmp_path / "tiny.yaml"), "--train-images", "5"]) == 2
    assert "a batch of 50 is more than the 5 training images" in capsys.readouterr().err
    store = ["--set", "data.dataset=store", "--set", f"data.path={tmp_path / 'none'}"]
    assert main(["macs", str(tmp_path / "tiny.yaml"), *store]) == 2
    assert "no prepared store" in (refusal := capsys.readouterr().err)
    assert "or give the number of images with --train-images" in refusal
    assert main(["macs", str(tmp_path / "tiny.yaml"), *store, "--train-images", "600"]) == 0


def test_the_command_counts_the_connections_that_a_run_opens(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = ("training.epochs=1", "model.depth=3", "model.selector_blocks=[0, 1]")
    run = tmp_path / "run"
    config = tiny(*overrides, "data.train_images=100", "data.test_images=70")
    train(config, run)
    capsys.readouterr()
    command = ["macs", str(run / "config.yaml"), "--run", str(run), "--json", "--keep", "0.6"]
    assert main(command) == 0
    shown = json.loads(capsys.readouterr().out)["image"]
    _, model, info = load_run(run)
    model.set_patch_sampling(PatchSampling(0.6))
    images = load_dataset(config.data).test
    with torch.no_grad():
        (pixels,) = images.stream([torch.arange(70)])
        view = info.normalise(evaluation_view(pixels, 28))
        found = model.forward_details(view, track_tokens=True).connections
    measured = tuple(float(pairs.double().mean()) for pairs in found)
    stages = image_macs(config.model, KeepRatios(0.7, 0.5, 0.6), measured)
    assert (shown["connections"], shown["macs"]) == ("measured", stages.total)
    other = [*command[:2], "--run", str(run), "--set", "model.depth=4"]
    assert main(other) == 2
    assert "is a run of another model: count it with" in capsys.readouterr().err


def test_every_config_of_the_project_can_be_counted() -> None:
    from trivit.models.training import load_config

    for path in (Path(__file__).parents[2] / "configs").glob("*_micro*.yaml"):
        config = load_config(path)
        assert training_macs(config, 2000).saved_percent >= 0
