"""Sizes of the vision transformers and the registry of named ones (no torch needed)."""

import difflib
import itertools
import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from trivit.models.errors import ModelsError
from trivit.models.sparsity.counts import keep_count


@dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """Sizes of a vision transformer, how it selects, and its final keep ratios.

    Attributes:
        image_size: height and width of the images.
        patch_size: height and width of a patch.
        in_channels: of the images.
        num_classes: classes to tell apart.
        embed_dim: width of a token.
        depth: number of blocks.
        num_heads: attention heads.
        mlp_ratio: hidden width of the MLP, in widths of a token.
        qkv_bias: whether queries, keys and values have a bias.
        selector_blocks: 0-based indices of the blocks that hold a selector.
        token_keep_ratio: applies at each selector to the tokens still present.
        attention_keep_ratio: of the keys of each kept patch token.
        init_std: deviation of the initial weights: DeiT's 0.02, more for narrow models, whose
            attention would stay uniform for long.
        pooling: classify by [CLS] or by the mean of the patch tokens.
        relative_position_bias: add a learned bias to each block's attention (PSS, "Relative
            Position Bias").
        token_score: rank tokens by the [CLS] row, by the columns' sums (Tri-Level, ViT variants
            without [CLS]), or not at all (``static``: evenly spaced tokens).
        fuse_tokens: add the weighted sum of the dropped tokens as one more token (EViT).
        attention_pattern: keep each token's largest connections, the largest of the image
            (``magnitude``), or a local window.
        attention_compat: ``paper`` chooses among connections that no earlier selector closed, and
            of equal ones keeps as many as the ratio says; ``code`` chooses anew and keeps all that
            equal the last one kept, closed ones included.
        class_connections: those from patch tokens to [CLS] are always open, or ``closed`` where a
            selector has chosen connections, as the paper's text says to the letter.
        class_token: whether there is a [CLS] token.
        drop_path: rate of stochastic depth in the last block, for each image and residual branch;
            it rises linearly from 0 in the first.

    Raises:
        ModelsError: the sizes do not fit together; the message names the value.
    """

    image_size: int
    patch_size: int
    in_channels: int
    num_classes: int
    embed_dim: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    selector_blocks: tuple[int, ...] = ()
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0
    init_std: float = 0.02
    pooling: Literal["cls", "mean"] = "cls"
    relative_position_bias: bool = False
    token_score: Literal["cls", "column_sum", "static"] = "cls"
    fuse_tokens: bool = False
    attention_pattern: Literal["largest", "magnitude", "window"] = "largest"
    attention_compat: Literal["paper", "code"] = "paper"
    class_connections: Literal["open", "closed"] = "open"
    class_token: bool = True
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "image_size",
            "patch_size",
            "in_channels",
            "num_classes",
            "embed_dim",
            "depth",
            "num_heads",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelsError(f"{name} is {value!r}: give a whole number of at least 1")
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
        object.__setattr__(self, "selector_blocks", tuple(self.selector_blocks))
        self._check_selectors()
        if not 0 < self.init_std < 1:
            raise ModelsError(f"init_std is {self.init_std!r}: choose a deviation such as 0.02")
        if not 0 <= self.drop_path < 1:
            raise ModelsError(f"drop_path is {self.drop_path!r}: choose a rate from 0 to below 1")
        check_keep_ratio("token_keep_ratio", self.token_keep_ratio)
        check_keep_ratio("attention_keep_ratio", self.attention_keep_ratio)
        if not self.class_token:
            self._check_without_class_token()
        if not self.selector_blocks and min(self.token_keep_ratio, self.attention_keep_ratio) < 1:
            raise ModelsError(
                "a keep ratio below 1 needs at least one selector block: set selector_blocks"
            )

    def _check_without_class_token(self) -> None:
        if self.pooling == "cls":
            raise ModelsError(
                "pooling is 'cls' and class_token is false: a model without [CLS] pools the 'mean'"
            )
        if self.token_score == "cls" and self.selector_blocks:
            raise ModelsError(
                "token_score is 'cls' and class_token is false: "
                "rank tokens by 'column_sum', or use 'static'"
            )

    def _check_selectors(self) -> None:
        blocks = self.selector_blocks
        for block in blocks:
            if isinstance(block, bool) or not isinstance(block, int):
                raise ModelsError(f"selector_blocks has {block!r}: give 0-based block indices")
            if not 0 <= block < self.depth:
                raise ModelsError(
                    f"selector block {block} is outside the {self.depth} blocks: "
                    f"choose 0 to {self.depth - 1}"
                )
        if any(a >= b for a, b in itertools.pairwise(blocks)):
            raise ModelsError(
                f"selector_blocks {list(blocks)} must rise: sort them, without repeats"
            )

    @property
    def num_patches(self) -> int:
        """Patch tokens of an image, without [CLS]."""
        return (self.image_size // self.patch_size) ** 2

    @property
    def prefix_tokens(self) -> int:
        """Tokens before the patch tokens: 1 with [CLS], else 0."""
        return int(self.class_token)

    @property
    def has_placeless_tokens(self) -> bool:
        """Whether some tokens have no place in the image: [CLS], or fused ones."""
        return self.class_token or self.fuse_tokens

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        """Hidden width of the MLP."""
        return int(self.embed_dim * self.mlp_ratio)

    def patch_counts(
        self, *, patches: int | None = None, keep_ratio: float | None = None
    ) -> list[int]:
        """Return the patch tokens left after each selector.

        Args:
            patches: tokens of the first block (default: all patches).
            keep_ratio: of the selectors (default: the final one).
        """
        ratio = self.token_keep_ratio if keep_ratio is None else keep_ratio
        before = self.num_patches if patches is None else patches
        counts: list[int] = []
        for _ in self.selector_blocks:
            kept = keep_count(before, ratio)
            before = kept + (self.fuse_tokens and kept < before)
            counts.append(before)
        return counts

    def dense(self) -> "ViTConfig":
        """Return the same model without token and connection selection."""
        return replace(self, token_keep_ratio=1.0, attention_keep_ratio=1.0)


def check_keep_ratio(name: str, value: float) -> None:
    """Raise ModelsError unless ``value`` lies in (0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ModelsError(f"{name} is {value!r}: choose a ratio above 0 and at most 1")


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


MODELS: dict[str, ViTConfig] = {
    "micro_28": _micro(28, 1),
    "micro_32": _micro(32, 3),
    "deit_tiny": _deit(192, 3),
    "deit_small": _deit(384, 6),
    "deit_base": _deit(768, 12),
    "deit_tiny_384": _deit(192, 3, 384),
    "deit_small_384": _deit(384, 6, 384),
    "deit_base_384": _deit(768, 12, 384),
}


def named_config(name: str, **changes: Any) -> ViTConfig:
    """Return the configuration called ``name`` with some fields changed.

    Raises:
        ModelsError: unknown name or field, or the changed sizes do not fit together.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(str(name), MODELS, n=1, cutoff=0.0)
        raise ModelsError(
            f"unknown model '{name}': did you mean '{near[0]}'? (known: {', '.join(MODELS)})"
        )
    known = [field.name for field in fields(ViTConfig)]
    for key in changes:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise ModelsError(f"unknown model setting '{key}': did you mean '{near[0]}'?")
    return replace(MODELS[name], **changes)
