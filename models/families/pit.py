"""PiT (Heo et al., 2021): a ViT whose tokens get fewer and wider; parameter names are timm's.

Three stages of blocks; between two of them a convolution by depth halves the grid of patch tokens
and doubles their width, and a product widens [CLS].

Shape suffixes: B batch, C channels, N patch tokens, L = N + [CLS] (first), D width.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from trivit.models.errors import ModelsError
from trivit.models.families import register
from trivit.models.layers.blocks import LAYER_NORM_EPS, Block
from trivit.models.layers.selector import Selector
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.layers.tokens import Tokens
from trivit.models.model_config import ModelConfig, check_sizes
from trivit.models.topology import Block as BlockLayer
from trivit.models.topology import Classifier, Layer, PatchEmbedding, TokenPooling

_POOLING_STRIDE = 2


@dataclass(frozen=True, kw_only=True)
class PiTConfig(ModelConfig):
    """Sizes of a PiT; what it selects is in ``ModelConfig``.

    Attributes:
        patch_size: height and width of a patch.
        stride: pixels from one patch to the next.
        head_dims: width of a head, by stage.
        depths: number of blocks, by stage.
        heads: attention heads, by stage.
        mlp_ratio: hidden width of the MLP, in widths of a token.

    Raises:
        ModelsError: the sizes do not fit together; the message names the value.
    """

    patch_size: int
    stride: int
    head_dims: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    mlp_ratio: int = 4

    def __post_init__(self) -> None:
        check_sizes(self, "image_size", "patch_size", "stride", "mlp_ratio")
        if self.patch_size > self.image_size:
            raise ModelsError(
                f"patch_size is {self.patch_size}: choose at most image_size {self.image_size}"
            )
        for name in ("head_dims", "depths", "heads"):
            sizes = tuple(getattr(self, name))
            object.__setattr__(self, name, sizes)
            if len(sizes) != len(self.depths) or not sizes or min(sizes) < 1:
                raise ModelsError(
                    f"{name} is {list(sizes)}: give a whole number of at least 1 for each stage"
                )
        for before, behind in zip(self.widths, self.widths[1:], strict=False):
            if behind % before:
                raise ModelsError(
                    f"a stage is {behind} wide and the one before {before}: choose head_dims and "
                    "heads that give a multiple, as a convolution by depth needs"
                )
        super().__post_init__()

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of a token, by stage."""
        return tuple(dim * heads for dim, heads in zip(self.head_dims, self.heads, strict=True))

    @property
    def sides(self) -> tuple[int, ...]:
        """Patches in a row, by stage."""
        sides = [(self.image_size - self.patch_size) // self.stride + 1]
        for _ in self.depths[1:]:
            sides.append((sides[-1] - 1) // _POOLING_STRIDE + 1)
        return tuple(sides)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Patch embedding, blocks with a pooling before each stage but the first, classifier."""
        layers: list[Layer] = [
            PatchEmbedding(
                channels=self.in_channels,
                image_size=self.image_size,
                patch_size=self.patch_size,
                stride=self.stride,
                width=self.widths[0],
                class_token=True,
            )
        ]
        index = 0
        for stage, (width, side) in enumerate(zip(self.widths, self.sides, strict=True)):
            if stage:
                layers.append(
                    TokenPooling(
                        name=f"transformers.{stage}.pool",
                        width=self.widths[stage - 1],
                        out_width=width,
                        side=self.sides[stage - 1],
                        out_side=side,
                        kernel=_POOLING_STRIDE + 1,
                        class_token=True,
                    )
                )
            for place in range(self.depths[stage]):
                layers.append(
                    BlockLayer(
                        name=f"transformers.{stage}.blocks.{place}",
                        index=index,
                        width=width,
                        heads=self.heads[stage],
                        hidden=width * self.mlp_ratio,
                        qkv_bias=True,
                        selects=index in self.selector_blocks,
                    )
                )
                index += 1
        return (*layers, Classifier(self.widths[-1], self.num_classes, "cls"))

    def selector_places(self) -> tuple[int, ...]:
        """Return the blocks of the last stage: a pooling needs the whole grid before it."""
        count = sum(self.depths)
        return tuple(range(count - self.depths[-1], count))


class ConvEmbedding(nn.Module):
    """Image (B, C, side, side) to a grid of patch tokens (B, D, rows, columns)."""

    def __init__(self, layer: PatchEmbedding) -> None:
        super().__init__()
        self.conv = nn.Conv2d(layer.channels, layer.width, layer.patch_size, stride=layer.stride)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the grid of patch tokens."""
        return self.conv(images_BCHW)


class Pooling(nn.Module):
    """Fewer and wider patch tokens by a convolution, a wider [CLS] by a product."""

    def __init__(self, layer: TokenPooling) -> None:
        super().__init__()
        self.side = layer.side
        self.conv = nn.Conv2d(
            layer.width,
            layer.out_width,
            layer.kernel,
            stride=_POOLING_STRIDE,
            padding=layer.kernel // 2,
            groups=layer.width,
        )
        self.fc = nn.Linear(layer.width, layer.out_width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return the tokens of the next stage, (B, L, D)."""
        cls_B1D, patches_BND = x_BLD[:, :1], x_BLD[:, 1:]
        grid = patches_BND.transpose(1, 2).unflatten(2, (self.side, self.side))
        pooled_BND = self.conv(grid).flatten(2).transpose(1, 2)
        return torch.cat([self.fc(cls_B1D), pooled_BND], dim=1)


class Stage(nn.Module):
    """Blocks of one width, behind a pooling unless it is the first."""

    def __init__(self, config: PiTConfig, pooling: TokenPooling | None, side: int) -> None:
        super().__init__()
        self.pool = None if pooling is None else Pooling(pooling)
        self.blocks = nn.ModuleList()
        self.side = side
        self.config = config

    def add(self, layer: BlockLayer) -> None:
        """Append a block."""
        selector = Selector(self.config, self.side) if layer.selects else None
        self.blocks.append(Block(layer, selector))

    def forward(self, tokens: Tokens) -> Tokens:
        """Return the tokens behind the stage; ``tokens`` is changed."""
        if self.pool is not None:
            tokens.x = self.pool(tokens.x)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class PoolingTransformer(SparseTransformer):
    """PiT whose selectors follow keep ratios that may change between calls."""

    config: PiTConfig

    def __init__(self, config: PiTConfig) -> None:
        super().__init__(config)
        width, side = config.widths[0], config.sides[0]
        self.pos_embed = nn.Parameter(torch.zeros(1, width, side, side))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.patch_embed = ConvEmbedding(config.embedding)
        stages = [Stage(config, None, side)]
        for layer in config.layers:
            if isinstance(layer, TokenPooling):
                stages.append(Stage(config, layer, layer.out_side))
            elif isinstance(layer, BlockLayer):
                stages[-1].add(layer)
        self.transformers = nn.ModuleList(stages)
        self.norm = nn.LayerNorm(config.widths[-1], eps=LAYER_NORM_EPS)
        self.head = nn.Linear(config.widths[-1], config.num_classes)
        self.reset_parameters()

    def embed(self, images_BCHW: Tensor, scores_BN: Tensor | None = None) -> Tokens:
        """Return [CLS] and the patch tokens with their positions; patches are never sampled."""
        grid = self.patch_embed(images_BCHW) + self.pos_embed
        cls_B1D = self.cls_token.expand(images_BCHW.shape[0], -1, -1).to(grid.dtype)
        return Tokens(torch.cat([cls_B1D, grid.flatten(2).transpose(1, 2)], dim=1), prefix=1)

    def run_blocks(self, tokens: Tokens) -> Tokens:
        """Return the tokens behind the last stage."""
        for stage in self.transformers:
            tokens = stage(tokens)
        return tokens

    def classify(self, tokens: Tokens) -> Tensor:
        """Return the logits (B, num_classes) of [CLS]."""
        return self.head(self.norm(tokens.x[:, 0]))


def _pit(head_dim: int, depths: tuple[int, ...], heads: tuple[int, ...]) -> PiTConfig:
    return PiTConfig(
        image_size=224,
        in_channels=3,
        num_classes=1000,
        patch_size=16,
        stride=8,
        head_dims=(head_dim,) * len(depths),
        depths=depths,
        heads=heads,
    )


register(PoolingTransformer, PiTConfig, {"pit_xs": _pit(48, (2, 6, 4), (2, 4, 8))})
