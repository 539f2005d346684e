"""A vision transformer as functions of its weights: what one image costs Python is most of a step.

The same numbers as :class:`~trivit.models.families.vision_transformer.VisionTransformer`, which
takes three times as long for a batch of one.

Shape suffixes: B batch, C channels, P pixels of a patch, L tokens present ([CLS] first), D width, H
heads, E head width, N patch tokens, K kept patch tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.layers.blocks import LAYER_NORM_EPS
from trivit.models.methods.connections.masks import among_kept, connection_mask, largest_of
from trivit.models.methods.tokens.selection import gather_tokens, select_tokens
from trivit.models.topology import plan_selection
from trivit.tools.errors import ToolsError

Weights = Mapping[str, Tensor]


class Outcome(NamedTuple):
    """Logits (B, classes); what [CLS] gave the patch tokens of a block, the head mean (B, N)."""

    logits: Tensor
    cls_row: Tensor | None


def check(config: ViTConfig) -> None:
    """Refuse what the functions do not compute.

    Raises:
        ToolsError: a model with another pooling, score, pattern, or with relative positions.
    """
    for name, wanted in (
        ("pooling", "cls"), ("relative_position_bias", False), ("token_score", "cls"),
        ("attention_pattern", "largest"), ("attention_compat", "paper"), ("fuse_tokens", False),
        ("class_connections", "open"), ("drop_path", 0.0),
    ):  # fmt: skip
        value = getattr(config, name)
        if value != wanted:
            raise ToolsError(f"{name} is {value!r}, of which there is no float32 twin: {wanted!r}")


def forward(
    w: Weights,
    config: ViTConfig,
    images_BCHW: Tensor,
    token_keep_ratio: float = 1.0,
    attention_keep_ratio: float = 1.0,
    shown_block: int | None = None,
) -> Outcome:
    """Return the logits of normalised images.

    Args:
        w: the weights under timm's names.
        config: sizes, as ``check`` lets through.
        images_BCHW: normalised.
        token_keep_ratio: of every selector.
        attention_keep_ratio: of every selector.
        shown_block: whose [CLS] row is returned.
    """
    x_BLD = _embed(w, config, images_BCHW)
    mask_B1LL: Tensor | None = None
    shown: Tensor | None = None
    for layer in config.blocks:
        name = layer.name
        qkv_BLD = F.linear(
            _norm(x_BLD, w, f"{name}.norm1"),
            w[f"{name}.attn.qkv.weight"],
            w.get(f"{name}.attn.qkv.bias"),
        )
        q_BHLE, k_BHLE, v_BHLE = _heads(qkv_BLD, layer.heads)
        context_BHLE = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, mask_B1LL)
        context_BLD = context_BHLE.transpose(1, 2).flatten(2)
        x_BLD = x_BLD + _linear(context_BLD, w, f"{name}.attn.proj")
        if layer.index == shown_block:
            shown = _probabilities(q_BHLE, k_BHLE, mask_B1LL, rows=1)[:, 0, 1:]
        if layer.selects:
            plan = plan_selection(
                config, x_BLD.shape[1] - 1, token_keep_ratio, attention_keep_ratio
            )
            kept_BK: Tensor | None = None
            if plan.drops:
                cls_row_BN = _probabilities(q_BHLE, k_BHLE, mask_B1LL, rows=1)[:, 0, 1:]
                kept_BK = select_tokens(cls_row_BN, plan.keep)
                x_BLD = gather_tokens(x_BLD, kept_BK, config.prefix_tokens)
            if plan.keys is not None:
                probs_BLL = _probabilities(q_BHLE, k_BHLE, mask_B1LL)
                mask_B1LL = _connections(probs_BLL, mask_B1LL, kept_BK, plan.keys)
        hidden_BLD = F.gelu(_linear(_norm(x_BLD, w, f"{name}.norm2"), w, f"{name}.mlp.fc1"))
        x_BLD = x_BLD + _linear(hidden_BLD, w, f"{name}.mlp.fc2")
    return Outcome(_linear(_norm(x_BLD[:, 0], w, "norm"), w, "head"), shown)


def _embed(w: Weights, config: ViTConfig, images_BCHW: Tensor) -> Tensor:
    batch, channels, side, _ = images_BCHW.shape
    patch = config.patch_size
    rows = side // patch
    grid = images_BCHW.view(batch, channels, rows, patch, rows, patch)
    pixels_BNP = grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows**2, -1)
    weight_DP = w["patch_embed.proj.weight"].flatten(1)
    patches_BND = F.linear(pixels_BNP, weight_DP, w["patch_embed.proj.bias"])
    cls_B1D = w["cls_token"].expand(batch, -1, -1)
    return torch.cat([cls_B1D, patches_BND], 1) + w["pos_embed"]


def _norm(x_BLD: Tensor, w: Weights, name: str) -> Tensor:
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    return F.layer_norm(x_BLD, weight.shape, weight, bias, LAYER_NORM_EPS)


def _linear(x_BLD: Tensor, w: Weights, name: str) -> Tensor:
    return F.linear(x_BLD, w[f"{name}.weight"], w[f"{name}.bias"])


def _heads(qkv_BLD: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    batch, length, _ = qkv_BLD.shape
    q_BHLE, k_BHLE, v_BHLE = qkv_BLD.view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
    return q_BHLE, k_BHLE, v_BHLE


@torch.no_grad()
def _probabilities(
    q_BHLE: Tensor, k_BHLE: Tensor, mask_B1LL: Tensor | None, rows: int | None = None
) -> Tensor:
    """Return the head-mean probabilities (B, rows, L), without gradient; the first rows or all."""
    scores_BHLL = q_BHLE[:, :, :rows] @ k_BHLE.transpose(2, 3) * q_BHLE.shape[-1] ** -0.5
    if mask_B1LL is not None:
        scores_BHLL = scores_BHLL.masked_fill(~mask_B1LL[:, :, :rows], -torch.inf)
    return scores_BHLL.softmax(-1).mean(1)


def _connections(
    probs_BLL: Tensor, mask_B1LL: Tensor | None, kept_BK: Tensor | None, keys: int
) -> Tensor:
    """Return the mask of the ``keys`` largest connections of each kept token that are open."""
    live_BKK = None if mask_B1LL is None else among_kept(mask_B1LL[:, 0], kept_BK)
    return connection_mask(largest_of(among_kept(probs_BLL, kept_BK), keys, "paper", live_BKK))
