"""Vision transformer with a token and attention selector; parameter names are timm's.

The Token&Attention selector (Tri-Level, "TA-Selector") has no weights. It sits inside a block
between attention and MLP, removes patch tokens there, and closes attention connections from the
next block on.

Shape suffixes: B batch, C channels, H heads, N patch tokens, L = 1 + N tokens ([CLS] first),
D width, E head width, K kept patch tokens.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.errors import ModelsError
from trivit.models.sparsity.connections import connection_mask, patch_attention
from trivit.models.sparsity.counts import keep_count
from trivit.models.sparsity.tokens import gather_tokens, select_tokens, token_scores
from trivit.models.vit_config import MODELS, ViTConfig, check_keep_ratio, named_config

__all__ = ["MODELS", "ViTConfig", "ViTDetails", "VisionTransformer", "named_config"]

LAYER_NORM_EPS = 1e-6


class PatchEmbed(nn.Module):
    """Image (B, C, side, side) to patch tokens (B, N, D), row by row."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        patch = config.patch_size
        self.proj = nn.Conv2d(config.in_channels, config.embed_dim, patch, stride=patch)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the patch tokens (B, N, D)."""
        return self.proj(images_BCHW).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention that hands out its probabilities only when asked."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.scale = config.head_dim**-0.5
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim, bias=config.qkv_bias)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)

    def heads(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, H, L, E)."""
        batch, length, width = x_BLD.shape
        qkv = self.qkv(x_BLD).reshape(batch, length, 3, self.num_heads, width // self.num_heads)
        q_BHLE, k_BHLE, v_BHLE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q_BHLE, k_BHLE, v_BHLE

    def merge(self, heads_BHLE: Tensor) -> Tensor:
        """Concatenate the heads and project: (B, L, D)."""
        return self.proj(heads_BHLE.transpose(1, 2).flatten(2))

    def forward(
        self, x_BLD: Tensor, mask_B1LL: Tensor | None = None, *, want_cls: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output (B, L, D) and, if wanted, the [CLS] row (B, H, L) in float32.

        The row carries no gradient. It ignores the mask, which never closes the [CLS] row.
        """
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        out = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, attn_mask=mask_B1LL)
        cls_BHL = cls_attention(q_BHLE, k_BHLE, self.scale) if want_cls else None
        return self.merge(out), cls_BHL

    def forward_explicit(
        self, x_BLD: Tensor, mask_B1LL: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output (B, L, D) and all probabilities (B, H, L, L), for a selector."""
        q_BHLE, k_BHLE, v_BHLE = self.heads(x_BLD)
        scores_BHLL = (q_BHLE @ k_BHLE.transpose(-2, -1)) * self.scale
        if mask_B1LL is not None:
            scores_BHLL = scores_BHLL.masked_fill(~mask_B1LL, -math.inf)
        probabilities_BHLL = scores_BHLL.softmax(dim=-1)
        return self.merge(probabilities_BHLL.to(v_BHLE.dtype) @ v_BHLE), probabilities_BHLL


def cls_attention(q_BHLE: Tensor, k_BHLE: Tensor, scale: float) -> Tensor:
    """Return softmax(q_cls K^T * scale) as (B, H, L), in float32 at least and without gradient.

    Ranking tokens on a half-precision row would turn most of its order into ties.
    """
    with torch.no_grad(), torch.autocast(q_BHLE.device.type, enabled=False):
        q_BH1E = at_least_float32(q_BHLE[:, :, :1])
        k_BHEL = at_least_float32(k_BHLE.transpose(-2, -1))
        return (q_BH1E @ k_BHEL * scale).softmax(dim=-1).squeeze(2)


def at_least_float32(values: Tensor) -> Tensor:
    """Return ``values`` in float32, or in float64 if they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class Mlp(nn.Module):
    """Two linear layers with an exact (erf) GELU between them."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.embed_dim, config.mlp_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(config.mlp_dim, config.embed_dim)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return the transformed tokens (B, L, D)."""
        return self.fc2(self.act(self.fc1(x_BLD)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(config)


class ViTDetails(NamedTuple):
    """What a forward pass can tell besides its logits.

    Attributes:
        logits: class scores (B, num_classes).
        cls_variance: (B,) variance over the patch tokens of the head-mean [CLS] attention row,
            float32 without gradient; ``None`` unless asked for.
        kept_tokens: for each selector the original patch positions (B, K), int64 and ascending;
            empty unless asked for.
    """

    logits: Tensor
    cls_variance: Tensor | None
    kept_tokens: tuple[Tensor, ...]


class VisionTransformer(nn.Module):
    """ViT whose selectors follow keep ratios that may change between calls."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_keep_ratio = config.token_keep_ratio
        self.attention_keep_ratio = config.attention_keep_ratio
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.num_patches, config.embed_dim))
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.depth)])
        self.norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.head = nn.Linear(config.embed_dim, config.num_classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise as DeiT does: truncated normal of ``init_std``, biases zero."""
        std = self.config.init_std
        for tensor in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(tensor, std=std)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def set_keep_ratios(self, *, token: float, attention: float) -> None:
        """Use these keep ratios from the next forward pass on.

        Raises:
            ModelsError: a ratio outside (0, 1], or below 1 without selector blocks.
        """
        check_keep_ratio("token_keep_ratio", token)
        check_keep_ratio("attention_keep_ratio", attention)
        if not self.config.selector_blocks and min(token, attention) < 1:
            raise ModelsError("this model has no selector block: keep ratios must stay 1")
        self.token_keep_ratio = token
        self.attention_keep_ratio = attention

    def embed(self, images_BCHW: Tensor) -> Tensor:
        """Return [CLS] and the patch tokens with their positions, (B, L, D).

        Raises:
            ModelsError: images of another shape than the configuration's.
        """
        side, channels = self.config.image_size, self.config.in_channels
        if tuple(images_BCHW.shape[1:]) != (channels, side, side):
            raise ModelsError(
                f"images have shape {tuple(images_BCHW.shape)}: "
                f"this model takes (batch, {channels}, {side}, {side})"
            )
        patches_BND = self.patch_embed(images_BCHW)
        cls_B1D = self.cls_token.expand(images_BCHW.shape[0], -1, -1)
        return torch.cat([cls_B1D.to(patches_BND.dtype), patches_BND], dim=1) + self.pos_embed

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of float images (B, C, side, side)."""
        return self.forward_details(images_BCHW).logits

    def forward_details(
        self,
        images_BCHW: Tensor,
        *,
        variance_block: int | None = None,
        track_tokens: bool = False,
    ) -> ViTDetails:
        """Return the logits and what else was asked for.

        Args:
            images_BCHW: normalised float images.
            variance_block: block whose [CLS] attention variance is returned (-1 the last one).
            track_tokens: return the original positions of the tokens that each selector keeps.

        Raises:
            ModelsError: images of another shape, or a block outside the model.
        """
        variance_index = self._block_index(variance_block)
        selectors = self.config.selector_blocks
        x = self.embed(images_BCHW)
        mask: Tensor | None = None
        variance_B: Tensor | None = None
        positions_BK: Tensor | None = None
        kept_tokens: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            wants_cls = index == variance_index
            if index in selectors:
                x, mask, cls_BHL, kept_BK = self._attend_and_select(block, x, mask, wants_cls)
                if track_tokens:
                    positions_BK = _track(positions_BK, kept_BK, x)
                    kept_tokens.append(positions_BK)
            else:
                attended, cls_BHL = block.attn(block.norm1(x), mask, want_cls=wants_cls)
                x = x + attended
            if wants_cls:
                assert cls_BHL is not None
                variance_B = token_scores(cls_BHL).var(dim=-1, correction=0)
            x = x + block.mlp(block.norm2(x))
        logits_BC = self.head(self.norm(x[:, 0]))
        return ViTDetails(logits_BC, variance_B, tuple(kept_tokens))

    def _block_index(self, block: int | None) -> int | None:
        if block is None:
            return None
        if not -self.config.depth <= block < self.config.depth:
            raise ModelsError(f"block {block} is outside the {self.config.depth} blocks")
        return block % self.config.depth

    def _attend_and_select(
        self, block: Block, x_BLD: Tensor, mask: Tensor | None, wants_cls: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """Run a selector block up to its MLP.

        Returns the remaining tokens, the mask for the next blocks, the [CLS] row before the
        selection, and the kept patch indices among the present ones (``None``: all of them).
        """
        count = x_BLD.shape[1] - 1
        keep = keep_count(count, self.token_keep_ratio)
        selects_connections = self.attention_keep_ratio < 1
        normed = block.norm1(x_BLD)
        attention_BHLL: Tensor | None = None
        if selects_connections:
            attended, attention_BHLL = block.attn.forward_explicit(normed, mask)
            attention_BHLL = at_least_float32(attention_BHLL.detach())
            cls_BHL = attention_BHLL[:, :, 0]
        else:
            attended, cls_BHL = block.attn(normed, mask, want_cls=wants_cls or keep < count)
        x_BLD = x_BLD + attended
        kept_BK = select_tokens(token_scores(cls_BHL), keep) if keep < count else None
        if attention_BHLL is not None:
            keys = keep_count(keep, self.attention_keep_ratio)
            mask = connection_mask(patch_attention(attention_BHLL, kept_BK), keys)
        elif kept_BK is not None:
            mask = None
        if kept_BK is not None:
            x_BLD = gather_tokens(x_BLD, kept_BK)
        return x_BLD, mask, cls_BHL, kept_BK


def _track(positions_BK: Tensor | None, kept_BK: Tensor | None, x_BLD: Tensor) -> Tensor:
    """Return the original positions of the tokens that are left, (B, K)."""
    if kept_BK is None:
        if positions_BK is not None:
            return positions_BK
        patches = torch.arange(x_BLD.shape[1] - 1, device=x_BLD.device)
        return patches.expand(x_BLD.shape[0], -1)
    return kept_BK if positions_BK is None else torch.gather(positions_BK, 1, kept_BK)
