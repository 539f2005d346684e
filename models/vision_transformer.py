"""Vision transformer with a token and attention selector; parameter names are timm's.

The selector (``selector.py``) sits inside a block between attention and MLP.

Shape suffixes: B batch, C channels, N patch tokens, L = N + [CLS] (first, if there is one), D
width, K kept patch tokens, R residual branches.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trivit.models.attention import Attention, Wanted
from trivit.models.errors import ModelsError
from trivit.models.present_tokens import PresentTokens
from trivit.models.relative_position import relative_position_index
from trivit.models.selector import Selection, plan_selection, select
from trivit.models.sparsity.patches import PatchSampling, patch_scores, sample_patches
from trivit.models.sparsity.tokens import column_scores, gather_tokens
from trivit.models.stochastic_depth import branch_scales, drop_rates
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
            of the cumulative attention where there is no [CLS] or tokens are scored by column,
            float32 without gradient; ``None`` unless asked for.
        kept_tokens: for each selector the original patch positions (B, K), int64 and ascending,
            -1 for a fused token; empty unless asked for.
        connections: for each selector the pairs of tokens (B,), int64, of which one attends to the
            other in the blocks that follow; empty unless asked for.
    """

    logits: Tensor
    cls_variance: Tensor | None
    kept_tokens: tuple[Tensor, ...]
    connections: tuple[Tensor, ...] = ()


class VisionTransformer(nn.Module):
    """ViT whose selectors follow keep ratios that may change between calls."""

    cls_token: nn.Parameter | None
    relative_position_index: Tensor | None
    drop_rates: Tensor

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_keep_ratio = config.token_keep_ratio
        self.attention_keep_ratio = config.attention_keep_ratio
        self.patch_sampling = PatchSampling()
        cls_token = torch.zeros(1, 1, config.embed_dim) if config.class_token else None
        self.register_parameter("cls_token", None if cls_token is None else nn.Parameter(cls_token))
        positions = config.prefix_tokens + config.num_patches
        self.pos_embed = nn.Parameter(torch.zeros(1, positions, config.embed_dim))
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.depth)])
        norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        # timm normalises after mean pooling, and calls that layer fc_norm.
        self.norm = norm if config.pooling == "cls" else nn.Identity()
        self.fc_norm = norm if config.pooling == "mean" else nn.Identity()
        self.head = nn.Linear(config.embed_dim, config.num_classes)
        index = None
        if config.relative_position_bias:
            side = config.image_size // config.patch_size
            index = relative_position_index(side, config.has_placeless_tokens)
        # One for all blocks, and in no checkpoint: they follow from the configuration.
        self.register_buffer("relative_position_index", index, persistent=False)
        self.register_buffer("drop_rates", drop_rates(config), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise as DeiT does: truncated normal of ``init_std``, biases zero."""
        std = self.config.init_std
        for tensor in (self.cls_token, self.pos_embed):
            if tensor is not None:
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
        """Return [CLS], if any, and the sampled patch tokens with their positions, (B, L, D).

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
        x_BLD = patches_BND
        if self.cls_token is not None:
            cls_B1D = self.cls_token.expand(images_BCHW.shape[0], -1, -1)
            x_BLD = torch.cat([cls_B1D.to(patches_BND.dtype), patches_BND], dim=1)
        x_BLD = x_BLD + self.pos_embed
        ratio, order, compat = self.patch_sampling
        if ratio == 1:
            return x_BLD, None
        prefix = self.config.prefix_tokens
        if scores_BN is None:
            ranked = patches_BND if compat == "paper" else x_BLD[:, prefix:]
            scores_BN = patch_scores(ranked, order)
        sampled_BK = sample_patches(scores_BN, ratio, prefix)
        return gather_tokens(x_BLD, sampled_BK, prefix), sampled_BK

    def classify(self, x_BLD: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of the last block's tokens."""
        if self.config.pooling == "mean":
            return self.head(self.fc_norm(x_BLD[:, self.config.prefix_tokens :].mean(dim=1)))
        return self.head(self.norm(x_BLD[:, 0]))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of float images (B, C, side, side)."""
        return self.forward_details(images_BCHW).logits

    def forward_details(
        self,
        images_BCHW: Tensor,
        *,
        variance_block: int | None = None,
        variance_correction: int = 0,
        track_tokens: bool = False,
        patch_scores_BN: Tensor | None = None,
        depth_draws_RB: Tensor | None = None,
    ) -> ViTDetails:
        """Return the logits and what else was asked for.

        Args:
            images_BCHW: normalised float images.
            variance_block: block whose [CLS] attention variance is returned (-1 the last one).
            variance_correction: 1 makes that variance unbiased, as the released code's is.
            track_tokens: return what each selector keeps, tokens and connections.
            patch_scores_BN: what patch sampling ranks by, instead of its own order.
            depth_draws_RB: uniform numbers that decide which residual branches stochastic depth
                leaves out in training (``StochasticDepth``), instead of the global generator's.

        Raises:
            ModelsError: images of another shape, or a block outside the model.
        """
        config = self.config
        variance_index = self._block_index(variance_block)
        x_BLD, sampled_BK = self.embed(images_BCHW, patch_scores_BN)
        tokens = PresentTokens(x_BLD, config.prefix_tokens, places=sampled_BK)
        tokens.find_pairs(self.relative_position_index, config.has_placeless_tokens)
        scales_RB = self._branch_scales(len(images_BCHW), depth_draws_RB)
        variance_B: Tensor | None = None
        kept_tokens: list[Tensor] = []
        connections: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            selection = None
            if index in config.selector_blocks:
                ratios = self.token_keep_ratio, self.attention_keep_ratio
                selection = plan_selection(config, tokens.patches, *ratios)
            wants_variance = index == variance_index
            added, scores_BN, attention_BLL = self._attend(block, tokens, selection, wants_variance)
            tokens.x = tokens.x + _scaled(added, scales_RB, 2 * index)
            if wants_variance:
                assert scores_BN is not None  # of one token the unbiased variance would be 0 / 0
                correction = min(variance_correction, scores_BN.shape[1] - 1)
                variance_B = scores_BN.detach().var(dim=-1, correction=correction)
            if selection is not None:
                select(config, selection, tokens, scores_BN, attention_BLL)
                tokens.find_pairs(self.relative_position_index, config.has_placeless_tokens)
                if track_tokens:
                    kept_tokens.append(tokens.positions().expand(len(images_BCHW), -1))
                    connections.append(tokens.connections())
            added = block.mlp(block.norm2(tokens.x))
            tokens.x = tokens.x + _scaled(added, scales_RB, 2 * index + 1)
        logits = self.classify(tokens.x)
        return ViTDetails(logits, variance_B, tuple(kept_tokens), tuple(connections))

    def _block_index(self, block: int | None) -> int | None:
        if block is None:
            return None
        if not -self.config.depth <= block < self.config.depth:
            raise ModelsError(f"block {block} is outside the {self.config.depth} blocks")
        return block % self.config.depth

    def _branch_scales(self, batch: int, draws_RB: Tensor | None) -> Tensor | None:
        """Return what the residual branches are multiplied by, (R, B); ``None``: nothing."""
        if not self.training or self.config.drop_path == 0:
            return None
        if draws_RB is None:
            draws_RB = torch.rand(len(self.drop_rates), batch, device=self.drop_rates.device)
        return branch_scales(self.drop_rates, draws_RB)

    def _attend(
        self, block: Block, tokens: PresentTokens, selection: Selection | None, variance: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return what a block's attention adds to the tokens, (B, L, D).

        Also the scores (B, N) of the patch tokens and the head-mean probabilities (B, L, L), each
        if wanted, with a gradient where ``selection`` weighs tokens by them.
        """
        wants_scores = variance or (selection is not None and selection.wants_scores)
        wants_matrix = selection is not None and selection.wants_matrix
        gradient = selection is not None and selection.weighs
        config, prefix = self.config, tokens.prefix
        by_column = config.token_score == "column_sum" or not config.class_token
        wanted = Wanted.CLS_ROW if wants_scores else Wanted.NOTHING
        if wants_matrix or (wants_scores and by_column):
            wanted = Wanted.MATRIX
        bias = block.attn.bias(self.relative_position_index, tokens.pairs, tokens.x.shape[1])
        added, attention = block.attn(
            block.norm1(tokens.x), tokens.mask, bias_BHLL=bias, wanted=wanted, gradient=gradient
        )
        if wanted is Wanted.CLS_ROW:
            return added, attention[:, prefix:], None
        if not wants_scores:
            return added, None, attention
        if by_column:
            return added, column_scores(attention, prefix), attention
        return added, attention[:, 0, prefix:], attention


def _scaled(added_BLD: Tensor, scales_RB: Tensor | None, branch: int) -> Tensor:
    """Return what a residual branch adds, as stochastic depth leaves it."""
    if scales_RB is None or branch < 2:  # the first block is never left out
        return added_BLD
    return added_BLD * scales_RB[branch].to(added_BLD.dtype).view(-1, 1, 1)
