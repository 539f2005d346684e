"""What every model family states of itself: images, classes, and how it selects.

A family's configuration is a subclass, in the family's file; its ``layers`` are the one description
of the model's topology.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from trivit.models.errors import ModelsError
from trivit.models.methods.attention_view import Probe
from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.topology import Block, Classifier, KeepRatios, Layer, PatchEmbedding


def check_keep_ratio(name: str, value: float) -> None:
    """Raise ModelsError unless ``value`` lies in (0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ModelsError(f"{name} is {value!r}: choose a ratio above 0 and at most 1")


def check_sizes(config: Any, *names: str) -> None:
    """Raise ModelsError unless these fields of ``config`` are whole numbers of at least 1."""
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ModelsError(f"{name} is {value!r}: give a whole number of at least 1")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Images, classes, selection and final keep ratios of a model of any family.

    Attributes:
        name: of the configuration that this one started from.
        image_size: height and width of the images.
        in_channels: of the images.
        num_classes: classes to tell apart.
        selector_blocks: 0-based indices of the blocks that hold a selector.
        token_keep_ratio: applies at each selector to the tokens still present.
        attention_keep_ratio: of the keys of each kept patch token.
        init_std: deviation of the initial weights: DeiT's 0.02, more for narrow models, whose
            attention would stay uniform for long.
        token_score: what ranks the tokens, a module of ``methods/tokens``.
        fuse_tokens: add the weighted sum of the dropped tokens as one more token (EViT).
        attention_pattern: what chooses the connections, a module of ``methods/connections``.
        attention_compat: of equal connections ``paper`` keeps as many as the ratio says, ``code``
            all that equal the last one kept.
        class_connections: those from patch tokens to [CLS] are always open, or ``closed`` where a
            selector has chosen connections, as the paper's text says to the letter.
        class_token: whether there is a [CLS] token.
        drop_path: rate of stochastic depth in the last block, for each image and residual branch;
            it rises linearly from 0 in the first.

    Raises:
        ModelsError: the values do not fit together; the message names one.
    """

    # What a family may say otherwise: whether it has a form without [CLS], whether its patches may
    # be sampled, and the values that settings need on the accelerator (``None``: it never runs).
    offers_no_class_token: ClassVar[bool] = False
    offers_patch_sampling: ClassVar[bool] = False
    accelerator_settings: ClassVar[Mapping[str, object] | None] = None

    name: str = "custom"
    image_size: int
    in_channels: int
    num_classes: int
    selector_blocks: tuple[int, ...] = ()
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0
    init_std: float = 0.02
    token_score: str = "cls"
    fuse_tokens: bool = False
    attention_pattern: str = "largest"
    attention_compat: Literal["paper", "code"] = "paper"
    class_connections: Literal["open", "closed"] = "open"
    class_token: bool = True
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self, "image_size", "in_channels", "num_classes")
        object.__setattr__(self, "selector_blocks", tuple(self.selector_blocks))
        if not 0 < self.init_std < 1:
            raise ModelsError(f"init_std is {self.init_std!r}: choose a deviation such as 0.02")
        if not 0 <= self.drop_path < 1:
            raise ModelsError(f"drop_path is {self.drop_path!r}: choose a rate from 0 to below 1")
        check_keep_ratio("token_keep_ratio", self.token_keep_ratio)
        check_keep_ratio("attention_keep_ratio", self.attention_keep_ratio)
        if not self.class_token:
            self._check_without_class_token()
        score = TOKEN_SCORES[self.token_score]
        CONNECTION_PATTERNS[self.attention_pattern]
        if score.needs_class_token and not self.class_token and self.selector_blocks:
            raise ModelsError(
                f"token_score is '{self.token_score}' and class_token is false: "
                "rank tokens by 'column_sum', or use 'static'"
            )
        if not self.selector_blocks and min(self.token_keep_ratio, self.attention_keep_ratio) < 1:
            raise ModelsError(
                "a keep ratio below 1 needs at least one selector block: set selector_blocks"
            )
        self._check_selectors()

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The model from the image to the logits."""
        raise NotImplementedError

    def selector_places(self) -> tuple[int, ...]:
        """Return the blocks that may hold a selector: all, unless a family says otherwise."""
        return tuple(range(len(self.blocks)))

    def _check_selectors(self) -> None:
        blocks, count = self.selector_blocks, len(self.blocks)
        for block in blocks:
            if isinstance(block, bool) or not isinstance(block, int):
                raise ModelsError(f"selector_blocks has {block!r}: give 0-based block indices")
            if not 0 <= block < count:
                raise ModelsError(
                    f"selector block {block} is outside the {count} blocks: choose 0 to {count - 1}"
                )
            if block not in (places := self.selector_places()):
                raise ModelsError(
                    f"selector block {block} of {self.name} cannot drop tokens: "
                    f"choose from {', '.join(map(str, places))}"
                )
        if any(a >= b for a, b in itertools.pairwise(blocks)):
            raise ModelsError(
                f"selector_blocks {list(blocks)} must rise: sort them, without repeats"
            )

    def _check_without_class_token(self) -> None:
        if not self.offers_no_class_token:
            raise ModelsError(f"class_token is false: {self.name} classifies by [CLS]")

    @property
    def embedding(self) -> PatchEmbedding:
        """The layer that turns images into tokens."""
        first = self.layers[0]
        assert isinstance(first, PatchEmbedding)
        return first

    @property
    def classifier(self) -> Classifier:
        """The layer that turns tokens into logits."""
        last = self.layers[-1]
        assert isinstance(last, Classifier)
        return last

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The transformer blocks."""
        return tuple(layer for layer in self.layers if isinstance(layer, Block))

    @property
    def num_patches(self) -> int:
        """Patch tokens of an image, without [CLS]."""
        return self.embedding.side**2

    @property
    def prefix_tokens(self) -> int:
        """Tokens before the patch tokens: 1 with [CLS], else 0."""
        return int(self.class_token)

    @property
    def has_placeless_tokens(self) -> bool:
        """Whether some tokens have no place in the image: [CLS], or fused ones."""
        return self.class_token or self.fuse_tokens

    @property
    def summary_probe(self) -> Probe:
        """What stands for a token's importance where no method says otherwise.

        The example level takes its variance, and fusion weighs by it: the [CLS] row, or the
        cumulative attention where there is no [CLS] or tokens are scored by column.
        """
        by_column = TOKEN_SCORES[self.token_score].probe is Probe.COLUMN_SUMS
        return Probe.COLUMN_SUMS if by_column or not self.class_token else Probe.CLS_ROW

    def final_ratios(self) -> KeepRatios:
        """Return the keep ratios that a finished model uses, on all patches."""
        return KeepRatios(self.token_keep_ratio, self.attention_keep_ratio, 1.0)

    def dense(self) -> "ModelConfig":
        """Return the same model without token and connection selection."""
        return replace(self, token_keep_ratio=1.0, attention_keep_ratio=1.0)
