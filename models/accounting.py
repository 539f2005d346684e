"""Multiply-accumulates of an image, from the model's layers and its keep ratios.

Counted are the products with weights and the two of attention. Connections that a mask closes
count as not computed, as if keys were gathered; a GPU computes them all the same. How many a second
selector leaves depends on the images: expected numbers stand for them (``methods/connections``,
``open_keys.py``), unless they were measured. Not counted: the [CLS] row that ranks tokens (less
than 0.05 %), LayerNorm, softmax, GELU.
"""

from dataclasses import dataclass
from functools import lru_cache

from trivit.models.model_config import ModelConfig
from trivit.models.topology import (
    Block,
    Classifier,
    KeepRatios,
    PatchEmbedding,
    TokenPooling,
    passages,
    walk,
)


@dataclass(frozen=True)
class Stage:
    """Work between two selections: from one block's MLP to the attention of a later block.

    Attributes:
        name: what it is.
        tokens: tokens present, [CLS] included if there is one (0 where they do not matter).
        connections: pairs of tokens in each attention, a mean over images.
        macs: multiply-accumulates.
    """

    name: str
    tokens: int
    connections: int
    macs: int


@dataclass(frozen=True)
class ImageMacs:
    """Multiply-accumulates of one image, forward, by stage."""

    stages: tuple[Stage, ...]

    @property
    def total(self) -> int:
        """Sum of the stages."""
        return sum(stage.macs for stage in self.stages)

    @property
    def training(self) -> int:
        """Forward and backward: three times, but nobody wants the gradient of the image."""
        return 3 * self.total - self.stages[0].macs


@lru_cache(maxsize=4096)
def image_macs(
    model: ModelConfig, ratios: KeepRatios, measured: tuple[float, ...] | None = None
) -> ImageMacs:
    """Return the work on one image at keep ratios that may differ from the final ones.

    Args:
        model: its layers.
        ratios: share of the tokens, connections and patches.
        measured: mean connections behind each selector, instead of the expected ones.
    """
    stages: list[Stage] = []
    macs, first, last = 0, 0, 0
    tokens, connections = 0, 0.0

    def close() -> None:
        stages.append(Stage(f"blocks {first} to {last}", tokens, round(connections), macs))

    for step in walk(model, passages(model, ratios), measured):
        layer = step.layer
        if isinstance(layer, PatchEmbedding):
            pixels = layer.channels * layer.patch_size**2
            stages.append(Stage("patch embedding", 0, 0, layer.side**2 * pixels * layer.width))
            tokens, connections = step.tokens_left, step.connections_left
        elif isinstance(layer, Block):
            last = layer.index
            macs += 4 * step.tokens * layer.width**2 + round(2 * step.connections * layer.width)
            if step.selection is not None and min(ratios.token, ratios.attention) < 1:
                close()
                macs, first = 0, last
                tokens, connections = step.tokens_left, step.connections_left
            macs += 2 * step.tokens_left * layer.width * layer.hidden
        elif isinstance(layer, TokenPooling):
            close()
            macs, first = 0, last + 1
            tokens, connections = step.tokens_left, step.connections_left
            stages.append(Stage(layer.name, step.tokens, 0, layer.macs))
        elif isinstance(layer, Classifier):
            close()
            stages.append(Stage("head", 0, 0, layer.width * layer.classes))
    return ImageMacs(tuple(stages))
