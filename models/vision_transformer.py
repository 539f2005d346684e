"""Vision transformer with a token and attention selector; parameter names are timm's.

The Token&Attention selector (Tri-Level, "TA-Selector") has no weights. It sits inside a block
between attention and MLP, removes patch tokens there, and closes attention connections from the
next block on.

Shape suffixes: B batch, C channels, H heads, N patch tokens, L = 1 + N tokens ([CLS] first),
D width, E head width, K kept patch tokens.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trivit.models.attention import Attention, at_least_float32
from trivit.models.errors import ModelsError
from trivit.models.relative_position import pair_index, relative_position_index
from trivit.models.sparsity.connections import (
    connection_mask,
    magnitude_mask,
    patch_attention,
    window_mask,
)
from trivit.models.sparsity.counts import keep_count
from trivit.models.sparsity.patches import PatchSampling, patch_scores, sample_patches
from trivit.models.sparsity.tokens import (
    column_scores,
    fuse_tokens,
    gather_tokens,
    select_tokens,
    static_tokens,
    token_scores,
)
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
        cls_variance: (B,) variance over the patch tokens of the head-mean [CLS] attention row, or
            of the cumulative attention where tokens are scored by column, float32 without
            gradient; ``None`` unless asked for.
        kept_tokens: for each selector the original patch positions (B, K), int64 and ascending,
            -1 for a fused token; empty unless asked for.
    """

    logits: Tensor
    cls_variance: Tensor | None
    kept_tokens: tuple[Tensor, ...]


class VisionTransformer(nn.Module):
    """ViT whose selectors follow keep ratios that may change between calls."""

    relative_position_index: Tensor | None

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_keep_ratio = config.token_keep_ratio
        self.attention_keep_ratio = config.attention_keep_ratio
        self.patch_sampling = PatchSampling()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.num_patches, config.embed_dim))
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.depth)])
        norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        # timm normalises after mean pooling, and calls that layer fc_norm.
        self.norm = norm if config.pooling == "cls" else nn.Identity()
        self.fc_norm = norm if config.pooling == "mean" else nn.Identity()
        self.head = nn.Linear(config.embed_dim, config.num_classes)
        index = None
        if config.relative_position_bias:
            index = relative_position_index(config.image_size // config.patch_size)
        # One for all blocks, and in no checkpoint: it follows from the sizes.
        self.register_buffer("relative_position_index", index, persistent=False)
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

    def set_patch_sampling(self, sampling: PatchSampling) -> None:
        """Sample patches this way from the next forward pass on.

        Raises:
            ModelsError: a keep ratio outside (0, 1].
        """
        check_keep_ratio("patch keep ratio", sampling.keep_ratio)
        self.patch_sampling = sampling

    def embed(
        self, images_BCHW: Tensor, scores_BN: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return [CLS] and the sampled patch tokens with their positions, (B, L, D).

        Also returns the sampled patches (B, K), ascending, or ``None`` when all of them stay.

        Args:
            images_BCHW: normalised float images.
            scores_BN: rank the patches by these instead of their own.

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
        x_BLD = torch.cat([cls_B1D.to(patches_BND.dtype), patches_BND], dim=1) + self.pos_embed
        ratio, order, compat = self.patch_sampling
        if ratio == 1:
            return x_BLD, None
        if scores_BN is None:
            scores_BN = patch_scores(patches_BND if compat == "paper" else x_BLD[:, 1:], order)
        sampled_BK = sample_patches(scores_BN, ratio)
        return gather_tokens(x_BLD, sampled_BK), sampled_BK

    def classify(self, x_BLD: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of the last block's tokens."""
        if self.config.pooling == "mean":
            return self.head(self.fc_norm(x_BLD[:, 1:].mean(dim=1)))
        return self.head(self.norm(x_BLD[:, 0]))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of float images (B, C, side, side)."""
        return self.forward_details(images_BCHW).logits

    def forward_details(
        self,
        images_BCHW: Tensor,
        *,
        variance_block: int | None = None,
        track_tokens: bool = False,
        patch_scores_BN: Tensor | None = None,
    ) -> ViTDetails:
        """Return the logits and what else was asked for.

        Args:
            images_BCHW: normalised float images.
            variance_block: block whose [CLS] attention variance is returned (-1 the last one).
            track_tokens: return the original positions of the tokens that each selector keeps.
            patch_scores_BN: what patch sampling ranks by, instead of its own order.

        Raises:
            ModelsError: images of another shape, or a block outside the model.
        """
        variance_index = self._block_index(variance_block)
        x_BLD, sampled_BK = self.embed(images_BCHW, patch_scores_BN)
        present = _Present(x_BLD)
        if sampled_BK is not None:
            present.rows = _with_cls(sampled_BK)
            self._find_pairs(present)
        variance_B: Tensor | None = None
        kept_tokens: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            wants_scores = index == variance_index
            if index in self.config.selector_blocks:
                scores_BN = self._attend_and_select(block, present, wants_scores)
                if track_tokens:
                    kept_tokens.append(present.patches().expand(len(images_BCHW), -1))
            else:
                scores_BN, _ = self._attend(block, present, wants_scores, False)
            if wants_scores:
                assert scores_BN is not None
                variance_B = scores_BN.var(dim=-1, correction=0)
            present.x = present.x + block.mlp(block.norm2(present.x))
        return ViTDetails(self.classify(present.x), variance_B, tuple(kept_tokens))

    def _find_pairs(self, present: "_Present") -> None:
        if present.rows is not None and self.relative_position_index is not None:
            length = self.relative_position_index.shape[0]
            present.pairs = pair_index(present.rows, length)

    def _block_index(self, block: int | None) -> int | None:
        if block is None:
            return None
        if not -self.config.depth <= block < self.config.depth:
            raise ModelsError(f"block {block} is outside the {self.config.depth} blocks")
        return block % self.config.depth

    def _attend(
        self, block: Block, present: "_Present", wants_scores: bool, wants_attention: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Add the attention of a block to the tokens.

        Returns the scores (B, N) of the patch tokens and the probabilities (B, H, L, L), each if
        wanted and without gradient.
        """
        by_column = self.config.token_score == "column_sum"
        bias = block.attn.bias(self.relative_position_index, present.pairs)
        normed = block.norm1(present.x)
        attention_BHLL: Tensor | None = None
        if wants_attention or (wants_scores and by_column):
            attended, attention_BHLL = block.attn.forward_explicit(
                normed, present.mask, bias_BHLL=bias
            )
            attention_BHLL = at_least_float32(attention_BHLL.detach())
            cls_BHL: Tensor | None = attention_BHLL[:, :, 0]
        else:
            attended, cls_BHL = block.attn(
                normed, present.mask, bias_BHLL=bias, want_cls=wants_scores
            )
        present.x = present.x + attended
        if not wants_scores or cls_BHL is None:
            return None, attention_BHLL
        if by_column and attention_BHLL is not None:
            return column_scores(attention_BHLL), attention_BHLL
        return token_scores(cls_BHL), attention_BHLL

    def _attend_and_select(
        self, block: Block, present: "_Present", wants_scores: bool
    ) -> Tensor | None:
        """Run a selector block up to its MLP; return the scores before the selection, if any."""
        config = self.config
        count = present.x.shape[1] - 1
        keep = keep_count(count, self.token_keep_ratio)
        drops = keep < count
        fuses = drops and config.fuse_tokens
        ranks = drops and config.token_score != "static"
        selects_connections = self.attention_keep_ratio < 1
        scores_BN, attention_BHLL = self._attend(
            block,
            present,
            wants_scores or ranks or fuses,
            selects_connections and config.attention_pattern != "window",
        )
        batch, device = present.x.shape[0], present.x.device
        kept_BK: Tensor | None = None
        if ranks:
            assert scores_BN is not None
            kept_BK = select_tokens(scores_BN, keep)
        elif drops:
            kept_BK = static_tokens(count, keep, device).expand(batch, -1)
        if kept_BK is not None:
            fused_B1D = None
            if fuses and scores_BN is not None:
                fused_B1D = fuse_tokens(present.x, scores_BN, kept_BK)
            present.keep(kept_BK)
        if selects_connections:
            keys = keep_count(keep, self.attention_keep_ratio)
            present.mask = self._connections(attention_BHLL, kept_BK, present, keys)
        if kept_BK is not None:
            if fused_B1D is not None:
                present.append(fused_B1D)
            self._find_pairs(present)
        return scores_BN

    def _connections(
        self,
        attention_BHLL: Tensor | None,
        kept_BK: Tensor | None,
        present: "_Present",
        keys: int,
    ) -> Tensor:
        """Return the mask of the kept tokens, (B or 1, 1, L, L)."""
        if self.config.attention_pattern == "window":
            side = self.config.image_size // self.config.patch_size
            return window_mask(present.patches(), side, keys)
        assert attention_BHLL is not None
        attention_BKK = patch_attention(attention_BHLL, kept_BK)
        if self.config.attention_pattern == "magnitude":
            return magnitude_mask(attention_BKK, keys)
        return connection_mask(attention_BKK, keys)


@dataclass
class _Present:
    """The tokens on their way through the blocks.

    Attributes:
        x: the tokens (B, L, D), [CLS] first.
        mask: open connections, bool (B or 1, 1, L, L); ``None``: all.
        rows: token of the whole image behind each, 0 for [CLS] and for a fused token, int64
            (B, L); ``None``: all tokens in their order.
        pairs: from ``pair_index``, for the relative position bias.
    """

    x: Tensor
    mask: Tensor | None = None
    rows: Tensor | None = None
    pairs: Tensor | None = None

    def patches(self) -> Tensor:
        """Return the original positions of the patch tokens, (B or 1, N); -1 for a fused one."""
        if self.rows is not None:
            return self.rows[:, 1:] - 1
        return torch.arange(self.x.shape[1] - 1, device=self.x.device).unsqueeze(0)

    def keep(self, kept_BK: Tensor) -> None:
        """Keep [CLS] and these patch tokens, with all connections open."""
        rows = _with_cls(kept_BK)
        self.rows = rows if self.rows is None else self.rows.gather(1, rows)
        self.x = gather_tokens(self.x, kept_BK)
        self.mask = None

    def append(self, token_B1D: Tensor) -> None:
        """Add a token that stands for no place, connected with all others."""
        self.x = torch.cat([self.x, token_B1D], dim=1)
        if self.rows is not None:
            self.rows = torch.nn.functional.pad(self.rows, (0, 1))
        if self.mask is not None:
            self.mask = torch.nn.functional.pad(self.mask, (0, 1, 0, 1), value=True)


def _with_cls(kept_BK: Tensor) -> Tensor:
    """Return the rows (B, 1 + K) of [CLS] and the kept patch tokens."""
    return torch.nn.functional.pad(kept_BK + 1, (1, 0))
