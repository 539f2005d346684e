"""Checkpoints of timm, DeiT and this package, fitted to models of this package."""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.pretrained import load_pretrained, read_weights
from trivit.models.pretrained.positions import resize_grid
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import ExperimentConfig, load_run, train
from trivit.tools.cli.main import main

from .small_models import IMAGES, SMALL, model_of, saved


@pytest.mark.parametrize("kind", ["safetensors", "plain", "deit", "timm", "wrapped", "averaged"])
@torch.no_grad()
def test_same_logits_from_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    source, target = model_of(1), model_of(2)
    state = dict(source.state_dict())
    path = tmp_path / "weights.pth"
    if kind == "safetensors":
        path = saved(state, tmp_path)
    elif kind == "deit":
        content = {"model": state, "epoch": 3, "args": argparse.Namespace(lr=5e-4)}
        torch.save({**content, "optimizer": {"state": {}, "param_groups": []}}, path)
    elif kind == "timm":
        torch.save({"state_dict": state, "arch": "deit_tiny", "version": 2}, path)
    elif kind == "wrapped":
        wrapped = {f"module.{name}": value for name, value in state.items()}
        torch.save({"n_averaged": torch.tensor(4), **wrapped}, path)
    elif kind == "averaged":
        other = dict(model_of(5).state_dict())
        torch.save({"model_ema": other, "model": state}, path)
    else:
        torch.save(state, path)
    report = load_pretrained(target, path)
    assert torch.equal(source(IMAGES), target(IMAGES))
    assert report.loaded == len(state)
    assert not (report.resized or report.initialised or report.left_out or report.renamed)


@torch.no_grad()
def test_a_head_of_other_classes_is_left_as_it_was(tmp_path: Path) -> None:
    source, target = model_of(1, num_classes=9), model_of(2)
    head = target.head.weight.clone()
    report = load_pretrained(target, saved(source.state_dict(), tmp_path))
    assert torch.equal(target.head.weight, head)
    assert torch.equal(target.blocks[1].mlp.fc2.bias, source.blocks[1].mlp.fc2.bias)
    assert set(report.initialised) == {"head.weight", "head.bias"} == set(report.left_out)
    assert any("newly initialised: head.weight, head.bias" in line for line in report.lines())


def bicubic(grid_HWD: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Antialiased bicubic resizing, written from its definition (Keys' kernel with a = -0.5)."""

    def kernel(x: float) -> float:
        x = abs(x)
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    before = grid_HWD.shape[0]
    scale = before / side
    stretch = max(1.0, scale)
    weights = np.zeros((side, before))
    for i in range(side):
        centre = (i + 0.5) * scale
        for j in range(before):
            weights[i, j] = kernel((j + 0.5 - centre) / stretch)
        weights[i] /= weights[i].sum()
    return np.einsum("ih,jw,hwd->ijd", weights, weights, grid_HWD)


@pytest.mark.parametrize(("before", "after"), [(14, 24), (24, 14), (4, 7), (7, 4), (14, 14)])
def test_positions_are_resized_bicubically(before: int, after: int) -> None:
    grid = torch.randn(before * before, 5)
    expected = bicubic(grid.view(before, before, 5).double().numpy(), after).reshape(-1, 5)
    np.testing.assert_allclose(resize_grid(grid, after).numpy(), expected, atol=1e-5)


@torch.no_grad()
def test_another_image_size_moves_the_patches_and_keeps_cls(tmp_path: Path) -> None:
    source, target = model_of(1), model_of(2, image_size=21)
    report = load_pretrained(target, saved(source.state_dict(), tmp_path))
    assert report.resized == ("pos_embed",)
    assert torch.equal(target.pos_embed[0, 0], source.pos_embed[0, 0])
    grid = source.pos_embed[0, 1:].view(4, 4, 12).double().numpy()
    expected = bicubic(grid, 7).reshape(49, 12)
    np.testing.assert_allclose(target.pos_embed[0, 1:].numpy(), expected, atol=1e-5)
    assert target(torch.randn(1, 2, 21, 21)).isfinite().all()


@torch.no_grad()
def test_models_gain_and_lose_cls(tmp_path: Path) -> None:
    without = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}
    source, target = model_of(1), model_of(2, **without)
    report = load_pretrained(target, saved(source.state_dict(), tmp_path))
    assert torch.equal(target.pos_embed, source.pos_embed[:, 1:])
    assert report.left_out == ("cls_token",)
    assert set(report.renamed) == {"norm.weight", "norm.bias"}
    assert torch.equal(target.fc_norm.weight, source.norm.weight)
    source, target = model_of(3, **without), model_of(4)
    token, position = target.cls_token.clone(), target.pos_embed[:, :1].clone()  # type: ignore[union-attr]
    report = load_pretrained(target, saved(source.state_dict(), tmp_path))
    assert report.initialised == ("cls_token",)
    assert torch.equal(target.cls_token, token)  # type: ignore[arg-type]
    assert torch.equal(target.pos_embed, torch.cat([position, source.pos_embed], dim=1))


@torch.no_grad()
def test_cls_without_a_position_gets_zero(tmp_path: Path) -> None:
    source = model_of(1)
    source.pos_embed[0, 0] = 0
    state = dict(source.state_dict())
    state["pos_embed"] = state["pos_embed"][:, 1:]  # as in DeiT III, which scales its layers
    state["blocks.0.ls1.gamma"] = torch.ones(12)
    target = model_of(2)
    assert load_pretrained(target, saved(state, tmp_path)).resized == ("pos_embed",)
    assert torch.equal(target(IMAGES), source(IMAGES))


@pytest.mark.parametrize("naming", ["ls{}.gamma", "gamma_{}"])
@torch.no_grad()
def test_layer_scale_is_folded_without_changing_the_function(naming: str, tmp_path: Path) -> None:
    source, target = model_of(1), model_of(2)
    state = dict(source.state_dict())
    for index, block in enumerate(source.blocks):
        for branch, layer in ((1, block.attn.proj), (2, block.mlp.fc2)):
            gamma = torch.randn(12)
            state[f"blocks.{index}." + naming.format(branch)] = gamma
            layer.register_forward_hook(lambda _, __, out, gamma=gamma: out * gamma)
    report = load_pretrained(target, saved(state, tmp_path))
    assert len(report.folded) == 4
    torch.testing.assert_close(target(IMAGES), source(IMAGES), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_an_encoder_pretrained_by_reconstruction_is_taken_apart(tmp_path: Path) -> None:
    changes = {"relative_position_bias": True, "pooling": "mean"}
    source, target = model_of(1, **changes), model_of(2, **changes)
    source.pos_embed.zero_()
    shared = source.blocks[0].attn.relative_position_bias_table
    state: dict[str, Tensor] = {}
    for name, value in source.state_dict().items():
        layer = name.rpartition(".")[0]
        if name.endswith("qkv.bias"):
            source.get_parameter(name)[12:24] = 0  # keys have no bias
            state[f"{layer.removesuffix('.qkv')}.q_bias"] = value[:12]
            state[f"{layer.removesuffix('.qkv')}.v_bias"] = value[24:]
        elif name.endswith("bias_table"):
            source.get_parameter(name).copy_(shared)
        elif name != "pos_embed":
            state[name.replace("fc_norm", "norm")] = value
    state["rel_pos_bias.relative_position_bias_table"] = shared
    state = {f"encoder.{name}": value for name, value in state.items()}
    state |= {"encoder.mask_token": torch.zeros(1, 1, 12), "decoder.0.weight": torch.zeros(8, 12)}
    report = load_pretrained(target, saved(state, tmp_path))
    assert torch.equal(target(IMAGES), source(IMAGES))
    assert report.zeroed == ("pos_embed",)
    assert report.left_out == ("decoder.0.weight", "mask_token")
    assert len(report.renamed) == 2 * 2 + 1 + 2
    without = {**changes, "class_token": False, "token_score": "column_sum"}
    assert load_pretrained(model_of(3, **without), tmp_path / "w.safetensors").zeroed


@torch.no_grad()
def test_a_distilled_deit_is_refused_or_reduced(tmp_path: Path) -> None:
    source, target = model_of(1), model_of(2)
    state = dict(source.state_dict())
    second = torch.randn(1, 1, 12)
    positions = state["pos_embed"]
    state["pos_embed"] = torch.cat([positions[:, :1], second, positions[:, 1:]], dim=1)
    state["dist_token"] = second
    state["head_dist.weight"], state["head_dist.bias"] = torch.randn(5, 12), torch.randn(5)
    path = saved(state, tmp_path)
    before = target(IMAGES)
    with pytest.raises(ModelsError, match=r"distilled DeiT \(dist_token\).*without distillation"):
        load_pretrained(target, path)
    assert torch.equal(target(IMAGES), before)
    report = load_pretrained(target, path, drop_distillation=True)
    assert report.left_out == ("dist_token", "head_dist.weight", "head_dist.bias")
    assert torch.equal(target(IMAGES), source(IMAGES))


@torch.no_grad()
def test_relative_positions_are_resized_or_start_at_zero(tmp_path: Path) -> None:
    source, target = model_of(1), VisionTransformer(replace(SMALL, relative_position_bias=True))
    report = load_pretrained(target.eval(), saved(source.state_dict(), tmp_path))
    assert [name.rpartition(".")[2] for name in report.initialised] == [
        "relative_position_bias_table"
    ] * 2
    assert torch.equal(target(IMAGES), source(IMAGES))
    source = model_of(3, relative_position_bias=True)
    larger = model_of(4, relative_position_bias=True, image_size=21)
    report = load_pretrained(larger, saved(source.state_dict(), tmp_path))
    assert len(report.resized) == 3
    given = source.blocks[0].attn.relative_position_bias_table
    fitted = larger.blocks[0].attn.relative_position_bias_table
    assert given.shape == (52, 3) and fitted.shape == (172, 3)
    assert torch.equal(given[-3:], fitted[-3:])
    expected = bicubic(given[:49].view(7, 7, 3).double().numpy(), 13).reshape(169, 3)
    np.testing.assert_allclose(fitted[:169].numpy(), expected, atol=1e-5)


class Unwanted:
    """Pickled into a checkpoint; unpickling it would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must never run",)


def spoil(name: str, value: Tensor | None) -> Callable[[dict[str, Tensor]], None]:
    def change(state: dict[str, Tensor]) -> None:
        if value is None:
            del state[name]
        else:
            state[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil("blocks.1.mlp.fc1.bias", None), "lacks blocks.1.mlp.fc1.bias"),
        (spoil("blocks.2.mlp.fc1.bias", torch.zeros(48)), "has blocks.2.mlp.fc1.bias, which this"),
        (spoil("reg_token", torch.zeros(1, 4, 12)), r"has 4 register tokens \(reg_token\), which"),
        (
            spoil("norm.bias", torch.full((12,), math.nan)),
            r"1 of 32 tensors .*not finite \(norm.bias\)",
        ),
        (spoil("norm.bias", torch.zeros(16)), r"norm.bias has shape \(16,\).*\(12,\)"),
        (
            spoil("patch_embed.proj.weight", torch.zeros(12, 2, 4, 4)),
            r"patch_embed.proj.weight has shape \(12, 2, 4, 4\)",
        ),
        (spoil("pos_embed", torch.zeros(1, 17, 16)), r"pos_embed has shape \(1, 17, 16\)"),
        (spoil("pos_embed", torch.zeros(1, 14, 12)), "13 positions are no square grid"),
        (spoil("blocks.0.ls1.gamma", torch.zeros(16)), "has blocks.0.ls1.gamma, but no"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    change: Callable[[dict[str, Tensor]], None], message: str, tmp_path: Path
) -> None:
    state, target = dict(model_of(1).state_dict()), model_of(2)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    change(state)
    path = saved(state, tmp_path)
    with pytest.raises(ModelsError, match=message) as caught:
        load_pretrained(target, path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert all(torch.equal(before[name], value) for name, value in target.state_dict().items())


def test_bad_files_are_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(name: str, message: str) -> None:
        with pytest.raises(ModelsError, match=message) as caught:
            read_weights(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)

    refused("missing.pth", "does not exist")
    (tmp_path / "notes.txt").write_text("x")
    refused("notes.txt", "unknown kind or damaged")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    refused("text.pth", "cannot read")
    (tmp_path / "empty.pth").write_bytes(b"")
    refused("empty.pth", "cannot read")
    (tmp_path / "cut.safetensors").write_bytes(b"\x40\x00")
    refused("cut.safetensors", "cannot read")
    torch.save({"model": Unwanted()}, tmp_path / "code.pth")
    refused("code.pth", "Python objects besides tensors")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    refused("list.pth", "holds no state dict")
    torch.save({"model": {"a": 3}}, tmp_path / "numbers.pth")
    refused("numbers.pth", "holds no state dict")
    whole = tmp_path / "whole.pth"
    torch.save(model_of().state_dict(), whole)
    (tmp_path / "half.pth").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refused("half.pth", "cannot read")
    assert "must never run" not in capsys.readouterr().out


def test_a_run_folder_is_a_checkpoint(
    tiny: Callable[..., ExperimentConfig], tmp_path: Path
) -> None:
    config = tiny("training.epochs=1", "data.train_images=120", "data.test_images=20")
    train(config, tmp_path / "run")
    target = VisionTransformer(config.model)
    load_pretrained(target, tmp_path / "run")
    trained = load_run(tmp_path / "run").model.state_dict()
    assert all(torch.equal(trained[name], value) for name, value in target.state_dict().items())


MICRO = ("--set", "data.dataset=synthetic", "--set", "data.test_images=20")


def test_the_command_makes_a_run_that_can_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    source = VisionTransformer(model_config("micro_28", num_classes=7))
    weights = saved(source.state_dict(), tmp_path)
    arguments = ["import", str(weights), "--model", "micro_28", *MICRO]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert "imported" in capsys.readouterr().out
    loaded = load_run(tmp_path / "run")
    assert loaded.config.model.num_classes == 7
    # Quantization takes finished runs only.
    state = load_checkpoint(tmp_path / "run" / "checkpoint").state
    assert state["epoch"] == loaded.config.training.epochs
    images = torch.randn(2, 1, 28, 28)
    assert torch.equal(loaded.model(images), source.eval()(images))
    ten = [*arguments, "--set", "model.num_classes=10", "--out", str(tmp_path / "ten"), "--json"]
    assert main(ten) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sorted(shown["initialised"]) == ["head.bias", "head.weight"]
    assert main(["evaluate", str(tmp_path / "ten"), "--json"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["float_top1"] <= 100
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert main(["import", str(weights), "--out", str(tmp_path / "x")]) == 2
    assert "name either --model" in capsys.readouterr().err
    assert main(["import", str(weights), "--model", "deit_tiny", "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "x").exists()
