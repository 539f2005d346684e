"""Which weights of a checkpoint are taken, under whatever names, and what is said of them."""

import argparse
import io
import json
import pathlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.pretrained import load_pretrained, read_weights
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.tools.cli.main import main

from .small_models import IMAGES, model_of, saved

State = dict[str, Tensor]


def state_of(seed: int, prefix: str = "") -> State:
    return {prefix + name: value for name, value in model_of(seed).state_dict().items()}


def same_as(state: State, seed: int) -> bool:
    return all(torch.equal(state[name], value) for name, value in state_of(seed).items())


@pytest.mark.parametrize("name", ["w.ckpt", "w.PTH", "w.pth.tar", "w", "w.safetensors"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_the_contents_say_what_a_file_is(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if kind == "safetensors":
        saved(state_of(1), tmp_path).rename(path)
    else:
        torch.save(state_of(1), path, _use_new_zipfile_serialization=kind == "zip")
    assert same_as(read_weights(path).tensors, 1)


@pytest.mark.parametrize(
    ("sections", "taken"),
    [
        # Seeds say which state dict is meant: by auto, model, ema (None: refused).
        ({"net": 1}, (1, 1, None)),
        ({"teacher": 1, "student": 2}, (1, 2, 1)),
        ({"student": 2}, (2, 2, None)),
        ({"model_ema": 2, "model": 1}, (1, 1, 2)),
        ({"state_dict_ema": 2, "state_dict": 1}, (1, 1, 2)),
        ({"model_ema": 1}, (1, None, 1)),
        ({"state_dict": 2, "model": 1, "net": 3}, (1, 1, None)),
        ({"my_encoder": 1}, (1, 1, None)),
        ({"state": {"model": 1, "model_ema": 2}}, (1, 1, 2)),
    ],
)
def test_a_section_is_chosen_by_rule(
    sections: dict[str, Any], taken: tuple[int | None, ...], tmp_path: Path
) -> None:
    def content(tree: Any) -> Any:
        return (
            {k: content(v) for k, v in tree.items()} if isinstance(tree, dict) else state_of(tree)
        )

    def found(tree: Any, at: str = "") -> dict[str, int]:
        if not isinstance(tree, dict):
            return {at: tree}
        return {k: v for n, t in tree.items() for k, v in found(t, f"{at}.{n}".strip(".")).items()}

    path = tmp_path / "weights"
    loss = {"center": torch.zeros(3)}  # tensors, but no model
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({**content(sections), "dino_loss": loss, "optimizer": optimizer, "epoch": 3}, path)
    for weights, seed in zip(("auto", "model", "ema"), taken, strict=True):
        if seed is None:
            with pytest.raises(ModelsError, match=f"no weights of the kind '{weights}', only"):
                read_weights(path, weights)  # type: ignore[arg-type]
            continue
        given = read_weights(path, weights)  # type: ignore[arg-type]
        assert same_as(given.tensors, seed)
        names = found(sections)
        assert names[given.section] == seed
        assert set(given.others) == names.keys() - {given.section}


def test_sections_that_no_rule_tells_apart_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"first": state_of(1), "second": state_of(2)}, path)
    with pytest.raises(ModelsError, match=r"holds several state dicts \(first, second\): save"):
        read_weights(path)


@torch.no_grad()
def test_a_backbone_is_taken_out_of_its_wrappers(tmp_path: Path) -> None:
    headless = {k: v for k, v in state_of(1).items() if not k.startswith("head.")}
    dino = {f"module.backbone.{name}": value for name, value in headless.items()}
    dino |= {
        "module.head.mlp.0.weight": torch.zeros(4, 12),
        "module.head.last_layer.weight_v": IMAGES,
    }
    path = tmp_path / "dino.pth"
    torch.save({"student": dino, "teacher": dino}, path)
    target = model_of(2)
    report = load_pretrained(target, path)
    assert torch.equal(target.norm.weight, headless["norm.weight"])
    assert report.left_out == ("module.head.mlp.0.weight", "module.head.last_layer.weight_v")
    assert report.initialised == ("head.weight", "head.bias")
    lines = report.lines()
    assert lines[1] == "taken: section 'teacher', names under 'module.backbone.'"
    assert lines[2].startswith("not taken: student.module.backbone (--weights")
    # A classifier beside its backbone keeps its head; of two encoders the average is not taken.
    whole = {**{f"backbone.{k}": v for k, v in headless.items()}, "head.weight": torch.ones(5, 12)}
    torch.save({**whole, "head.bias": torch.ones(5)}, path)
    assert not load_pretrained(target, path).initialised
    assert bool((target.head.weight == 1).all())
    moco = {**state_of(3, "module.base_encoder."), **state_of(4, "module.momentum_encoder.")}
    torch.save({"state_dict": moco}, path)
    assert same_as(read_weights(path).tensors, 3) and same_as(read_weights(path, "ema").tensors, 4)


class Settings:
    """A class of a training script."""


def test_plain_values_beside_the_tensors_are_read_and_objects_named(tmp_path: Path) -> None:
    path = tmp_path / "w.ckpt"
    plain = {
        "args": argparse.Namespace(lr=5e-4, output_dir=pathlib.Path("/runs")),
        "best": np.float64(81.3),
        "step": np.int64(7),
        "history": np.arange(3.0),
        "kind": np.str_("x"),
        "seen": {1, 2},
    }
    torch.save({"model": state_of(1), **plain}, path)
    assert same_as(read_weights(path).tensors, 1)
    for zipped in (True, False):
        content = {"model": state_of(1), "config": Settings(), "fn": np.random.seed}
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(ModelsError, match=r"besides tensors \(.*Settings.*weights_only=False"):
            read_weights(path)
    torch.save({**state_of(1), "epoch": 3}, path)
    assert read_weights(path).left_out == ("epoch",)


def test_what_comes_in_place_of_a_checkpoint_is_named(tmp_path: Path) -> None:
    path, arrays, program = tmp_path / "w.pth", io.BytesIO(), io.BytesIO()
    np.savez(arrays, a=np.zeros(3))
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), program)  # type: ignore[no-untyped-call]
    notes = io.BytesIO()
    with zipfile.ZipFile(notes, "w") as archive:
        archive.writestr("notes.txt", "x")
    for content, words in (
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "page of HTML"),
        (b"\x89HDF\r\n\x1a\n", "of Keras"),
        (b"\x1f\x8b\x08", "gzip: unpack it"),
        (b"\x00" * 257 + b"ustar", "tar archive: unpack it"),
        (b"", "is empty"),
        (arrays.getvalue(), r"of NumPy \(.npz\)"),
        (notes.getvalue(), "damaged or no file of torch.save"),
        (program.getvalue(), "TorchScript"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelsError, match=words) as caught:
            read_weights(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def with_positions(count: int, **more: Tensor) -> State:
    positions = torch.randn(1, count, 12, generator=torch.Generator().manual_seed(9))
    return {**state_of(1), "pos_embed": positions, **more}


@torch.no_grad()
def test_a_grid_that_is_no_square_is_stated_or_refused(tmp_path: Path) -> None:
    target = model_of(2, image_size=15)  # 5 x 5 patches
    before = {name: value.clone() for name, value in target.state_dict().items()}
    path = saved(with_positions(25), tmp_path)
    with pytest.raises(ModelsError, match=r"25 positions.* 5 x 5 .* as 6 x 4: state it: --grid"):
        load_pretrained(target, path)
    assert all(torch.equal(before[name], value) for name, value in target.state_dict().items())
    with pytest.raises(ModelsError, match="grid of 6 x 5 is stated, and pos_embed has 25"):
        load_pretrained(target, path, grid=(6, 5))
    load_pretrained(target, path, grid=(6, 4))
    given = with_positions(25)["pos_embed"]
    assert torch.equal(target.pos_embed[:, 0], given[:, 0])
    image = given[0, 1:].t().reshape(1, 12, 6, 4)
    resized = torch.nn.functional.interpolate(image, (5, 5), mode="bicubic", antialias=True)
    assert torch.equal(target.pos_embed[0, 1:], resized[0].flatten(1).t())
    # Stated as square, they are without [CLS].
    load_pretrained(target, path, grid=(5, 5))
    assert torch.equal(target.pos_embed[:, 1:], given)
    assert not bool(target.pos_embed[:, 0].any())


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (with_positions(141), "140 positions are no square grid of patches: state it"),
        # Distilled: 6 x 4 patches, [CLS] and its second token.
        (with_positions(26, dist_token=torch.ones(1, 1, 12)), "25 positions, which is 5 x 5"),
        (with_positions(25, register_tokens=torch.ones(1, 4, 12)), r"4 register tokens \(register"),
        # Layer scale says DeiT III, whose [CLS] has no position, at the model's own size alone.
        (
            with_positions(36, **{"blocks.0.ls1.gamma": torch.ones(12)}),
            "36 positions, which is 6 x",
        ),
        ({k: v for k, v in with_positions(24).items() if k != "cls_token"}, "24 positions are no"),
    ],
)
def test_other_grids_are_refused_too(state: State, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=message):
        load_pretrained(model_of(2), saved(state, tmp_path), drop_distillation=True)


@torch.no_grad()
def test_embeddings_of_patches_alone_need_no_grid(tmp_path: Path) -> None:
    state = with_positions(25)
    del state["cls_token"]
    target = model_of(2, image_size=15)
    load_pretrained(target, saved(state, tmp_path))
    assert torch.equal(target.pos_embed[:, 1:], state["pos_embed"])
    # Relative positions of 6 x 4 patches: 11 x 7 displacements.
    table = "blocks.0.attn.relative_position_bias_table"
    target = model_of(3, relative_position_bias=True)
    tables = {table: torch.randn(77 + 3, 3), table.replace("0", "1"): torch.randn(77 + 3, 3)}
    path = saved({**state, **tables, "pos_embed": torch.randn(1, 24, 12)}, tmp_path)
    with pytest.raises(ModelsError, match="no square grid"):
        load_pretrained(target, path)
    load_pretrained(target, path, grid=(6, 4))
    assert torch.equal(target.state_dict()[table][-3:], tables[table][-3:])


def test_weights_that_no_training_leaves_are_counted_and_named(tmp_path: Path) -> None:
    state = state_of(1)
    assert not any(
        "check" in line for line in load_pretrained(model_of(2), saved(state, tmp_path)).lines()
    )
    state["blocks.0.attn.qkv.weight"].zero_()
    state["norm.weight"].zero_()
    state["blocks.0.attn.qkv.bias"].zero_()  # biases may be
    state["blocks.1.mlp.fc1.weight"] *= 100
    state["blocks.1.mlp.fc2.weight"] *= 1e-4
    report = load_pretrained(model_of(2), saved(state, tmp_path))
    assert report.zero == ("blocks.0.attn.qkv.weight", "norm.weight")
    assert [name.split()[0] for name in report.ill_scaled] == [
        "blocks.1.mlp.fc1.weight",
        "blocks.1.mlp.fc2.weight",
    ]
    lines = report.lines()
    assert lines[-2].startswith("2 with nothing but zeros, check the checkpoint: blocks.0.attn.qkv")
    assert lines[-1].startswith("2 of an unusual scale, check the checkpoint: blocks.1.mlp.fc1")
    state["head.weight"] = state["head.weight"].double() * 1e300  # finite, but not in float32
    state["norm.bias"][3] = torch.nan
    with pytest.raises(ModelsError, match=r"2 of 32 tensors .* not finite \(.*norm.bias"):
        load_pretrained(model_of(2), saved(state, tmp_path))
    with pytest.raises(ModelsError, match=r"head.weight of the checkpoint is of type torch.int8"):
        load_pretrained(
            model_of(2), saved({**state, "head.weight": torch.ones(5, 12).char()}, tmp_path)
        )


def test_the_command_says_which_weights_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    micro = model_config("micro_28", num_classes=7)
    model, average = VisionTransformer(micro).state_dict(), VisionTransformer(micro).state_dict()
    path = tmp_path / "w.PTH"
    torch.save({"model": model, "model_ema": average}, path)
    command = ["import", str(path), "--model", "micro_28", "--set", "data.dataset=synthetic"]
    for weights, state, section in (("auto", model, "model"), ("ema", average, "model_ema")):
        out = tmp_path / weights
        assert main([*command, "--weights", weights, "--out", str(out)]) == 0
        assert f"taken: section '{section}'" in capsys.readouterr().out
        saved_run = load_checkpoint(out / "checkpoint")
        assert torch.equal(saved_run.model["head.weight"], state["head.weight"])
        assert saved_run.state["imported_weights"] == f"section '{section}'"
    assert main([*command, "--json", "--grid", "7x7", "--out", str(tmp_path / "json")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["source"], shown["others"]) == ("section 'model'", ["model_ema"])
    assert main([*command, "--grid", "7", "--out", str(tmp_path / "x")]) == 2
    assert "write it as ROWSxCOLUMNS" in capsys.readouterr().err
    assert main([*command, "--grid", "8x6", "--out", str(tmp_path / "x")]) == 2
    assert "grid of 8 x 6 is stated" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
