"""The variants of a quantized model over the same weights: trained, dense, other keep ratios."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from trivit.models.errors import ModelsError
from trivit.models.model_config import ModelConfig
from trivit.models.quantization.vision_transformer import QuantSelector, QuantVisionTransformer


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One choice of keep ratios.

    Attributes:
        name: of its program: "sparse" (as trained), "dense" or "keep_R".
        sparse: whether selectors run.
        token_keep_ratio: of every selector; ``None`` for the trained one.
    """

    name: str
    sparse: bool = True
    token_keep_ratio: float | None = None

    @property
    def file(self) -> str:
        """Name of its export."""
        return "model.qonnx" if self.name == "sparse" else f"model_{self.name}.qonnx"

    def sizes(self, trained: ModelConfig) -> ModelConfig:
        """Return the configuration of the variant of a trained model."""
        if not self.sparse:
            return trained.dense()
        return replace(trained, token_keep_ratio=self.token_keep_ratio or trained.token_keep_ratio)


SPARSE = Variant(name="sparse")
DENSE = Variant(name="dense", sparse=False)


def variants(trained: ModelConfig, keep_ratios: Sequence[float] = ()) -> list[Variant]:
    """Return the trained variant, the dense one, and one for each other ratio, falling.

    A ratio of 1 is the dense variant; connections are selected with the trained ratio.

    Raises:
        ModelsError: a ratio below 1 for a model without selectors.
    """
    others = sorted({float(r) for r in keep_ratios} - {1.0, trained.token_keep_ratio}, reverse=True)
    if others and not trained.selector_blocks:
        raise ModelsError(
            f"keep ratio {others[0]:g}: the model has no selectors; train it with selector_blocks"
        )
    kept = [Variant(name=f"keep_{ratio:g}", token_keep_ratio=ratio) for ratio in others]
    return [SPARSE, DENSE, *kept]


@contextmanager
def applied(model: QuantVisionTransformer, variant: Variant) -> Iterator[None]:
    """Let ``model`` be that variant inside the block."""
    selectors = [m for m in model.modules() if isinstance(m, QuantSelector)]
    before = model.sparse, [selector.token_keep_ratio for selector in selectors]
    model.sparse = variant.sparse
    try:
        if variant.token_keep_ratio is not None:
            for selector in selectors:
                selector.token_keep_ratio = variant.token_keep_ratio
        yield
    finally:
        model.sparse = before[0]
        for selector, ratio in zip(selectors, before[1], strict=True):
            selector.token_keep_ratio = ratio
