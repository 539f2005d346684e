"""PiT against a forward pass written from its definition, and what the family offers."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.accelerator import check_supported
from trivit.models.accounting import image_macs
from trivit.models.errors import ModelsError
from trivit.models.families import build_model, list_models, model_config
from trivit.models.pretrained import load_pretrained
from trivit.models.topology import DENSE, KeepRatios
from trivit.models.training import load_run, parse_config, train
from trivit.tools.errors import ToolsError
from trivit.tools.show.kept_tokens import open_run

SMALL = {
    "image_size": 28,
    "in_channels": 1,
    "num_classes": 10,
    "patch_size": 6,
    "stride": 3,
    "head_dims": [4, 4, 4],
    "depths": [1, 2, 2],
    "heads": [2, 4, 8],
    "init_std": 0.12,
}


def small(**changes: object) -> nn.Module:
    torch.manual_seed(0)
    model = build_model("pit_xs", **{**SMALL, **changes})
    with torch.no_grad():  # the usual initialisation leaves attention too flat to test
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return model.double().eval()


def reference(weights: dict[str, Tensor], image: Tensor, keep: int | None = None) -> Tensor:
    """Logits of one image (1, C, side, side); ``keep`` patches stay behind the fourth attention."""

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    embedding = weights["patch_embed.conv.weight"]
    grid = F.conv2d(image, embedding, weights["patch_embed.conv.bias"], stride=3)[0]
    grid = grid + weights["pos_embed"][0]
    cls, block = weights["cls_token"][0, 0], 0
    patches = grid.flatten(1).T
    for stage, (depth, heads) in enumerate(zip(SMALL["depths"], SMALL["heads"], strict=True)):
        if stage:
            side = round(len(patches) ** 0.5)
            name = f"transformers.{stage}.pool"
            kernel, bias = weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]
            padded = F.pad(patches.T.reshape(-1, side, side), (1, 1, 1, 1))
            out = (side - 1) // 2 + 1
            pooled = [
                [
                    # Each channel gives two: by depth.
                    (padded[:, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3].repeat_interleave(2, 0)
                     * kernel[:, 0]).sum((1, 2)) + bias
                    for c in range(out)
                ]
                for r in range(out)
            ]  # fmt: skip
            patches = torch.stack([token for row in pooled for token in row])
            cls = linear(cls, f"{name}.fc")
        for place in range(depth):
            name = f"transformers.{stage}.blocks.{place}"
            x = torch.cat([cls[None], patches])
            qkv = linear(norm(x, f"{name}.norm1"), f"{name}.attn.qkv")
            q, k, v = qkv.reshape(len(x), 3, heads, -1).permute(1, 2, 0, 3)
            probabilities = (q @ k.transpose(1, 2) * q.shape[-1] ** -0.5).softmax(-1)
            context = (probabilities @ v).transpose(0, 1).flatten(1)
            x = x + linear(context, f"{name}.attn.proj")
            if keep is not None and block == 3:
                kept = probabilities.mean(0)[0, 1:].topk(keep).indices.sort().values
                x = torch.cat([x[:1], x[1:][kept]])
            hidden = F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
            x = x + linear(hidden, f"{name}.mlp.fc2")
            cls, patches, block = x[0], x[1:], block + 1
    return linear(norm(cls, "norm"), "head")


@pytest.mark.parametrize("keep", [None, 2])
def test_equals_the_definition(keep: int | None) -> None:
    model = small() if keep is None else small(selector_blocks=[3], token_keep_ratio=0.5)
    images = torch.randn(2, 1, 28, 28, dtype=torch.float64)
    weights = dict(model.state_dict())
    with torch.no_grad():
        expected = torch.stack([reference(weights, image[None], keep) for image in images])
        torch.testing.assert_close(model(images), expected, rtol=1e-9, atol=1e-10)


def test_sizes_and_names_are_the_published_ones() -> None:
    assert "pit_xs" in list_models("pit*")
    model = build_model("pit_xs")
    assert sum(p.numel() for p in model.parameters()) == 10_618_888  # published: 10.6 M
    assert round(image_macs(model_config("pit_xs"), DENSE).total / 1e9, 2) == 1.39  # 1.4
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes["pos_embed"] == (1, 96, 27, 27) and shapes["cls_token"] == (1, 1, 96)
    assert shapes["patch_embed.conv.weight"] == (96, 3, 16, 16)
    assert shapes["transformers.1.pool.conv.weight"] == (192, 1, 3, 3)
    assert shapes["transformers.1.pool.fc.weight"] == (192, 96)
    assert shapes["transformers.2.blocks.3.attn.qkv.weight"] == (1152, 384)
    assert shapes["norm.weight"] == (384,) and shapes["head.weight"] == (1000, 384)


@pytest.mark.parametrize("token", [1.0, 0.5])
def test_multiply_accumulates_are_those_of_a_forward_pass(token: float) -> None:
    model = small(selector_blocks=[3])
    model.set_keep_ratios(token=token, attention=1.0)
    counted = 0

    def product(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal counted
        counted += output.numel() * module.weight[0].numel()

    def attention(module: nn.Module, inputs: tuple[Tensor]) -> None:
        nonlocal counted
        counted += 2 * inputs[0].shape[1] ** 2 * inputs[0].shape[2]

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(product)  # type: ignore[arg-type]
        elif name.endswith("attn"):
            module.register_forward_pre_hook(attention)  # type: ignore[arg-type]
    with torch.no_grad():
        model(torch.randn(1, 1, 28, 28, dtype=torch.float64))
    assert image_macs(model.config, KeepRatios(token=token)).total == counted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"selector_blocks": [0]}, "selector block 0 of pit_xs cannot drop tokens: choose"),
        ({"class_token": False}, "class_token is false: pit_xs classifies by"),
        ({"heads": [2, 3, 8]}, "a stage is 12 wide and the one before 8"),
        ({"depths": [1, 2]}, "give a whole number of at least 1 for each stage"),
        ({"patch_size": 40}, "patch_size is 40: choose at most image_size 28"),
    ],
)  # fmt: skip
def test_what_the_family_does_not_offer_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelsError) as caught:
        small(**changes)
    assert message in str(caught.value)


def test_the_accelerator_and_patch_sampling_are_refused_by_name() -> None:
    with pytest.raises(ModelsError, match="does not compute pit_xs"):
        check_supported(model_config("pit_xs"))
    settings = {"model": {"name": "pit_xs", **SMALL}, "data": {"dataset": "synthetic"}}
    with pytest.raises(ModelsError, match="fixed, and pit_xs needs all patches"):
        parse_config({**settings, "patch_schedule": {"schedule": "fixed"}})


def test_trains_with_all_three_levels_and_loads(tmp_path: Path) -> None:
    levels = {"selector_blocks": [3], "token_keep_ratio": 0.5, "attention_keep_ratio": 0.5}
    settings = {
        "model": {"name": "pit_xs", **SMALL, **levels},
        "data": {"dataset": "synthetic", "train_images": 120, "test_images": 40},
        "training": {"epochs": 2, "batch_size": 20, "warmup_epochs": 0, "device": "cpu"},
        "sparsity": {
            "examples": {"keep_ratio": 0.9, "update_ratio": 0.05, "period_epochs": 1},
            "warmup": {"start_epoch": 0, "end_epoch": 1, "steps": 2},
        },
    }
    config = parse_config(settings)
    summary = train(config, tmp_path / "run")
    assert summary["example_updates"] == 1 and summary["training_macs_saved_percent"] > 0
    loaded = load_run(tmp_path / "run")
    assert loaded.config == config and loaded.model(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(ToolsError, match="pit_xs pools its patches into a coarser grid"):
        open_run(tmp_path / "run", [])


def test_weights_are_imported_at_their_image_size(tmp_path: Path) -> None:
    given, taken = small(), build_model("pit_xs", **SMALL)
    torch.save({"model": given.float().state_dict()}, tmp_path / "pit.pth")
    report = load_pretrained(taken, tmp_path / "pit.pth")
    assert report.loaded == len(given.state_dict()) and not report.initialised
    for name, value in taken.state_dict().items():
        assert torch.equal(value, given.state_dict()[name])
    other = build_model("pit_xs", **{**SMALL, "image_size": 34})
    with pytest.raises(ModelsError, match="pos_embed"):
        load_pretrained(other, tmp_path / "pit.pth")


def test_logits_equal_timms() -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed: nothing to compare with")
    theirs = timm.create_model("pit_xs_224", pretrained=False).eval()
    ours = build_model("pit_xs").eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-5)
