"""A vision transformer as functions of its weights: what one image costs Python is most of a step.

The same numbers as :class:`~trivit.models.families.vision_transformer.VisionTransformer`, which
takes three times as long for a batch of one.

Shape suffixes: B batch, C channels, P pixels of a patch, L tokens present ([CLS] first), D width, H
heads, E head width, N patch tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.layers.blocks import LAYER_NORM_EPS
from trivit.models.methods.tokens.selection import gather_tokens, select_tokens
from trivit.models.topology import plan_selection


def logits(
    w: Mapping[str, Tensor], config: ViTConfig, images_BCHW: Tensor, token_keep_ratio: float
) -> Tensor:
    """Return the logits (B, classes) of normalised images.

    Args:
        w: the weights under timm's names.
        config: sizes; [CLS] pooling, no relative positions, all connections open.
        images_BCHW: normalised.
        token_keep_ratio: of every selector.
    """
    x_BLD = _embed(w, config, images_BCHW)
    for layer in config.blocks:
        name = layer.name
        y_BLD = _norm(x_BLD, w, f"{name}.norm1")
        context_BLD, cls_row_BN = _attention(
            F.linear(y_BLD, w[f"{name}.attn.qkv.weight"], w.get(f"{name}.attn.qkv.bias")),
            layer.heads,
            scores=layer.selects and token_keep_ratio < 1,
        )
        x_BLD = x_BLD + _linear(context_BLD, w, f"{name}.attn.proj")
        if cls_row_BN is not None:
            x_BLD = _select(x_BLD, cls_row_BN, config, token_keep_ratio)
        hidden_BLD = F.gelu(_linear(_norm(x_BLD, w, f"{name}.norm2"), w, f"{name}.mlp.fc1"))
        x_BLD = x_BLD + _linear(hidden_BLD, w, f"{name}.mlp.fc2")
    return _linear(_norm(x_BLD[:, 0], w, "norm"), w, "head")


def _embed(w: Mapping[str, Tensor], config: ViTConfig, images_BCHW: Tensor) -> Tensor:
    batch, channels, side, _ = images_BCHW.shape
    patch = config.patch_size
    rows = side // patch
    grid = images_BCHW.view(batch, channels, rows, patch, rows, patch)
    pixels_BNP = grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows**2, -1)
    weight_DP = w["patch_embed.proj.weight"].flatten(1)
    patches_BND = F.linear(pixels_BNP, weight_DP, w["patch_embed.proj.bias"])
    cls_B1D = w["cls_token"].expand(batch, -1, -1)
    return torch.cat([cls_B1D, patches_BND], 1) + w["pos_embed"]


def _norm(x_BLD: Tensor, w: Mapping[str, Tensor], name: str) -> Tensor:
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    return F.layer_norm(x_BLD, weight.shape, weight, bias, LAYER_NORM_EPS)


def _linear(x_BLD: Tensor, w: Mapping[str, Tensor], name: str) -> Tensor:
    return F.linear(x_BLD, w[f"{name}.weight"], w[f"{name}.bias"])


def _attention(qkv_BLD: Tensor, heads: int, *, scores: bool) -> tuple[Tensor, Tensor | None]:
    """Return the context (B, L, D) and, if wanted, the head-mean [CLS] row of the probabilities."""
    batch, length, width = qkv_BLD.shape
    q_BHLE, k_BHLE, v_BHLE = qkv_BLD.view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
    context_BHLE = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE)
    context_BLD = context_BHLE.transpose(1, 2).reshape(batch, length, width // 3)
    if not scores:
        return context_BLD, None
    with torch.no_grad():
        scale = q_BHLE.shape[-1] ** -0.5
        row_BH1L = (q_BHLE[:, :, :1] @ k_BHLE.transpose(2, 3) * scale).softmax(-1)
        return context_BLD, row_BH1L.mean(1)[:, 0, 1:]


def _select(x_BLD: Tensor, scores_BN: Tensor, config: ViTConfig, ratio: float) -> Tensor:
    keep = plan_selection(config, scores_BN.shape[1], ratio, 1.0).keep
    return gather_tokens(x_BLD, select_tokens(scores_BN, keep), config.prefix_tokens)
