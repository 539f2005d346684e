"""ViT and DeiT (Dosovitskiy et al., 2021; Touvron et al., 2021); parameter names are timm's.

With ``pooling: mean`` and ``relative_position_bias`` it is the model of PSS.

Shape suffixes: B batch, C channels, N patch tokens, L = N + [CLS] (first, if there is one), D
width, K kept patch tokens.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from trivit.models.errors import ModelsError
from trivit.models.families import register
from trivit.models.layers.blocks import LAYER_NORM_EPS, Block, PatchEmbed
from trivit.models.layers.relative_position import relative_position_index, table_entries
from trivit.models.layers.selector import Selector
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.layers.tokens import Tokens
from trivit.models.methods.tokens.selection import gather_tokens
from trivit.models.model_config import ModelConfig, check_sizes
from trivit.models.topology import Block as BlockLayer
from trivit.models.topology import Classifier, Layer, PatchEmbedding


@dataclass(frozen=True, kw_only=True)
class ViTConfig(ModelConfig):
    """Sizes of a vision transformer; what it selects is in ``ModelConfig``.

    Attributes:
        patch_size: height and width of a patch.
        embed_dim: width of a token.
        depth: number of blocks.
        num_heads: attention heads.
        mlp_ratio: hidden width of the MLP, in widths of a token.
        qkv_bias: whether queries, keys and values have a bias.
        pooling: classify by [CLS] or by the mean of the patch tokens.
        relative_position_bias: add a learned bias to each block's attention (PSS, "Relative
            Position Bias").

    Raises:
        ModelsError: the sizes do not fit together; the message names the value.
    """

    offers_no_class_token: ClassVar = True
    offers_patch_sampling: ClassVar = True
    accelerator_settings: ClassVar = {"class_token": True}

    patch_size: int
    embed_dim: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    pooling: Literal["cls", "mean"] = "cls"
    relative_position_bias: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, "image_size", "patch_size", "embed_dim", "depth", "num_heads")
        if self.image_size % self.patch_size:
            raise ModelsError(
                f"patch_size {self.patch_size} does not divide image_size {self.image_size}: "
                "choose a divisor of the image size"
            )
        if self.embed_dim % self.num_heads:
            raise ModelsError(
                f"num_heads {self.num_heads} does not divide embed_dim {self.embed_dim}: "
                "choose a divisor of the width"
            )
        hidden = self.embed_dim * self.mlp_ratio
        if not (hidden >= 1 and math.isfinite(hidden) and hidden == int(hidden)):
            raise ModelsError(
                f"mlp_ratio {self.mlp_ratio} times embed_dim {self.embed_dim} is no whole width: "
                "choose a ratio such as 4"
            )
        if self.pooling == "cls" and not self.class_token:
            raise ModelsError(
                "pooling is 'cls' and class_token is false: a model without [CLS] pools the 'mean'"
            )
        super().__post_init__()

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        """Hidden width of the MLP."""
        return int(self.embed_dim * self.mlp_ratio)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Patch embedding, blocks, classifier."""
        embedding = PatchEmbedding(
            channels=self.in_channels,
            image_size=self.image_size,
            patch_size=self.patch_size,
            stride=self.patch_size,
            width=self.embed_dim,
            class_token=self.class_token,
        )
        blocks = (
            BlockLayer(
                name=f"blocks.{index}",
                index=index,
                width=self.embed_dim,
                heads=self.num_heads,
                hidden=self.mlp_dim,
                qkv_bias=self.qkv_bias,
                selects=index in self.selector_blocks,
            )
            for index in range(self.depth)
        )
        return (embedding, *blocks, Classifier(self.embed_dim, self.num_classes, self.pooling))


class VisionTransformer(SparseTransformer):
    """ViT whose selectors follow keep ratios that may change between calls."""

    config: ViTConfig
    cls_token: nn.Parameter | None
    relative_position_index: Tensor | None

    def __init__(self, config: ViTConfig) -> None:
        super().__init__(config)
        width, side = config.embed_dim, config.embedding.side
        cls_token = nn.Parameter(torch.zeros(1, 1, width)) if config.class_token else None
        self.register_parameter("cls_token", cls_token)
        positions = config.prefix_tokens + config.num_patches
        self.pos_embed = nn.Parameter(torch.zeros(1, positions, width))
        self.patch_embed = PatchEmbed(config.embedding)
        index, entries = None, 0
        if config.relative_position_bias:
            index = relative_position_index(side, config.has_placeless_tokens)
            entries = table_entries(side, config.has_placeless_tokens)
        self.blocks = nn.ModuleList(
            Block(
                layer,
                Selector(config, side) if layer.selects else None,
                position_entries=entries,
                compat=config.attention_compat,
            )
            for layer in config.blocks
        )
        norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        # timm normalises after mean pooling, and calls that layer fc_norm.
        self.norm = norm if config.pooling == "cls" else nn.Identity()
        self.fc_norm = norm if config.pooling == "mean" else nn.Identity()
        self.head = nn.Linear(width, config.num_classes)
        # One for all blocks, and in no checkpoint: it follows from the configuration.
        self.register_buffer("relative_position_index", index, persistent=False)
        self.reset_parameters()

    def embed(self, images_BCHW: Tensor, scores_BN: Tensor | None = None) -> Tokens:
        """Return [CLS], if any, and the sampled patch tokens with their positions.

        Args:
            images_BCHW: normalised float images.
            scores_BN: rank the patches by these instead of their own.
        """
        prefix = self.config.prefix_tokens
        positions_BLD: Tensor = self.pos_embed
        sampled_BK = self.sampled(scores_BN)
        if sampled_BK is not None:
            everywhere_BLD = self.pos_embed.expand(len(images_BCHW), -1, -1)
            positions_BLD = gather_tokens(everywhere_BLD, sampled_BK, prefix)
        patches_BND = self.patch_embed(images_BCHW, sampled_BK)
        x_BLD = patches_BND
        if self.cls_token is not None:
            cls_B1D = self.cls_token.expand(images_BCHW.shape[0], -1, -1)
            x_BLD = torch.cat([cls_B1D.to(patches_BND.dtype), patches_BND], dim=1)
        x_BLD = x_BLD + positions_BLD
        if sampled_BK is None:
            x_BLD, sampled_BK = self.sample(x_BLD, patches_BND)
        return Tokens(
            x_BLD,
            prefix,
            places=sampled_BK,
            index_LL=self.relative_position_index,
            placeless=self.config.has_placeless_tokens,
        )

    def run_blocks(self, tokens: Tokens) -> Tokens:
        """Return the tokens behind the last block."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def classify(self, tokens: Tokens) -> Tensor:
        """Return the logits (B, num_classes) of the tokens behind the last block."""
        if self.config.pooling == "mean":
            return self.head(self.fc_norm(tokens.x[:, tokens.prefix :].mean(dim=1)))
        return self.head(self.norm(tokens.x[:, 0]))


def _micro(image_size: int, in_channels: int) -> ViTConfig:
    return ViTConfig(
        image_size=image_size,
        patch_size=4,
        in_channels=in_channels,
        num_classes=10,
        embed_dim=64,
        depth=6,
        num_heads=2,
        selector_blocks=(1, 3),
        init_std=0.12,
    )


def _deit(embed_dim: int, num_heads: int, image_size: int = 224) -> ViTConfig:
    # Blocks 4, 7 and 10 of the paper (Tri-Level, "Datasets and Implementation Details").
    return ViTConfig(
        image_size=image_size,
        patch_size=16,
        in_channels=3,
        num_classes=1000,
        embed_dim=embed_dim,
        depth=12,
        num_heads=num_heads,
        selector_blocks=(3, 6, 9),
    )


register(
    VisionTransformer,
    ViTConfig,
    {
        "micro_28": _micro(28, 1),
        "micro_32": _micro(32, 3),
        "deit_tiny": _deit(192, 3),
        "deit_small": _deit(384, 6),
        "deit_base": _deit(768, 12),
        "deit_tiny_384": _deit(192, 3, 384),
        "deit_small_384": _deit(384, 6, 384),
        "deit_base_384": _deit(768, 12, 384),
    },
)
