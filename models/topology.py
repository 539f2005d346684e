"""One description of a model's layers, and how many tokens pass through each.

Accounting, quantization, the estimator and the model itself read it, so that the topology is stated
once, in the ``layers`` of a family's configuration.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS
from trivit.models.methods.counts import (
    Selection,
    connection_count,
    keep_count,
    sampled_patches,
)

if TYPE_CHECKING:
    from trivit.models.model_config import ModelConfig


class KeepRatios(NamedTuple):
    """Ratios in force at a step: of the selectors' tokens and connections, and of the patches."""

    token: float = 1.0
    attention: float = 1.0
    patch: float = 1.0


DENSE = KeepRatios()


@dataclass(frozen=True)
class PatchEmbedding:
    """Image to patch tokens, positions and maybe [CLS] added.

    Attributes:
        channels: of the image.
        image_size: height and width of the image.
        patch_size: height and width of a patch.
        stride: pixels from one patch to the next.
        width: of a token.
        class_token: whether [CLS] is put before the patch tokens.
    """

    channels: int
    image_size: int
    patch_size: int
    stride: int
    width: int
    class_token: bool

    @property
    def side(self) -> int:
        """Patches in a row of the image."""
        return (self.image_size - self.patch_size) // self.stride + 1


@dataclass(frozen=True)
class Block:
    """Transformer block: attention, maybe a selector, MLP.

    Attributes:
        name: its path in the model, ``blocks.3``.
        index: its place among the model's blocks.
        width: of a token.
        heads: of the attention.
        hidden: width of the MLP.
        qkv_bias: whether queries, keys and values have a bias.
        selects: whether it holds a selector.
    """

    name: str
    index: int
    width: int
    heads: int
    hidden: int
    qkv_bias: bool
    selects: bool

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


@dataclass(frozen=True)
class TokenPooling:
    """A convolution by depth between two stages: fewer and wider tokens (PiT).

    Attributes:
        name: its path in the model.
        width: of a token before.
        out_width: of a token behind.
        side: patches in a row before.
        out_side: patches in a row behind.
        kernel: height and width of the convolution.
        class_token: whether [CLS] goes round it, through a product of its own.
    """

    name: str
    width: int
    out_width: int
    side: int
    out_side: int
    kernel: int
    class_token: bool

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolution, and of the product that widens [CLS]."""
        convolution = self.out_side**2 * self.out_width * self.kernel**2
        return convolution + self.width * self.out_width * self.class_token


@dataclass(frozen=True)
class Classifier:
    """Norm and linear layer on [CLS] or on the mean of the patch tokens.

    Attributes:
        width: of a token.
        classes: logits.
        pooling: what is classified, ``cls`` or ``mean``.
    """

    width: int
    classes: int
    pooling: str


Layer = PatchEmbedding | Block | TokenPooling | Classifier


def plan_selection(config: "ModelConfig", count: int, token: float, attention: float) -> Selection:
    """Return what a selector does with ``count`` patch tokens at these keep ratios."""
    keep = keep_count(count, token)
    return Selection(
        count=count,
        keep=keep,
        fused=int(config.fuse_tokens and keep < count),
        keys=keep_count(keep, attention) if attention < 1 else None,
    )


class Passage(NamedTuple):
    """A layer and the patch tokens that pass through it.

    Attributes:
        layer: which one.
        before: patch tokens that reach it; of a patch embedding those that patch sampling leaves.
        selection: what its selector does; ``None`` without one.
        left: patch tokens behind it.
    """

    layer: Layer
    before: int
    selection: Selection | None
    left: int


def passages(config: "ModelConfig", ratios: KeepRatios) -> tuple[Passage, ...]:
    """Return the layers of a model in their order, with the tokens that pass through each.

    Ratios that give the same passages ask for the same computation.
    """
    found, patches = [], 0
    for layer in config.layers:
        before, selection = patches, None
        if isinstance(layer, PatchEmbedding):
            patches = layer.side**2
            if ratios.patch < 1:
                patches = sampled_patches(patches, ratios.patch, config.prefix_tokens)
            before = patches
        elif isinstance(layer, TokenPooling):
            patches = layer.out_side**2
        elif isinstance(layer, Block) and layer.selects:
            selection = plan_selection(config, patches, ratios.token, ratios.attention)
            patches = selection.left
        found.append(Passage(layer, before, selection, patches))
    return tuple(found)


class Step(NamedTuple):
    """A layer, all tokens that pass through it, and the pairs of them that attend to each other.

    Attributes:
        layer: which one.
        tokens: tokens that reach it, [CLS] included if there is one.
        connections: pairs of tokens that its attention connects, a mean over images.
        selection: what its selector does; ``None`` without one.
        tokens_left: tokens behind it.
        connections_left: pairs of them that the next attention connects.
    """

    layer: Layer
    tokens: int
    connections: float
    selection: Selection | None
    tokens_left: int
    connections_left: float


def walk(
    config: "ModelConfig",
    passed: Sequence[Passage],
    connections: Sequence[float] | None = None,
) -> Iterator[Step]:
    """Yield the steps of a forward pass.

    Args:
        config: the model.
        passed: from ``passages``.
        connections: mean pairs of tokens that are connected behind each selector (default: what is
            expected of the numbers alone, see ``methods/connections/open_keys.py``).
    """
    prefix = config.prefix_tokens
    if connections is None:
        connections = _expected(config, [p.selection for p in passed if p.selection is not None])
    behind = iter(connections)
    pairs = 0.0
    for layer, before, selection, left in passed:
        pairs_before = pairs
        if isinstance(layer, PatchEmbedding):
            pairs = pairs_before = float((prefix + left) ** 2)
        elif selection is not None:
            pairs = next(behind)
        elif isinstance(layer, TokenPooling):
            pairs = float((prefix + left) ** 2)
        yield Step(layer, prefix + before, pairs_before, selection, prefix + left, pairs)


def _expected(config: "ModelConfig", selections: Sequence[Selection]) -> list[float]:
    """Return the expected pairs of tokens that attend to each other behind each selector."""
    prefix, column = config.prefix_tokens, config.class_connections == "open"
    if not selections or selections[0].keys is None:
        return [float((prefix + selection.left) ** 2) for selection in selections]
    means = CONNECTION_PATTERNS[config.attention_pattern].open_keys(
        selections,
        reopens=config.attention_compat == "code",
        least=int(not (prefix and column)),
    )
    return [
        connection_count(s.keep, keys, prefix=prefix, fused=s.fused, class_column=column)
        for s, keys in zip(selections, means, strict=True)
    ]
