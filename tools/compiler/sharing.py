"""Whether several exported models are one model at different keep ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trivit.tools.compiler.ir import (
    Attention,
    Gelu,
    LayerNorm,
    Linear,
    MeanPool,
    Operation,
    Parameter,
    PatchEmbed,
)
from trivit.tools.compiler.program import Source
from trivit.tools.errors import ToolsError

_REMEDY = "quantize them together with `trivit quantize RUN --keep ...`"
# Operations that selection neither adds nor removes.
_Computing = (PatchEmbed, LayerNorm, Linear, Gelu, Attention, MeanPool)


def check_shared(sources: Sequence[Source]) -> None:
    """Refuse models that cannot share parameters, preprocessing and output format.

    Names do not decide: the operations that compute are compared in their order.

    Raises:
        ToolsError: a model has other images, classes, operations, integers or formats than the
            first one; one line that names what differs.
    """
    first = sources[0]
    for other in sources[1:]:
        difference = _difference(first, other)
        if difference:
            raise ToolsError(
                f"programs '{first.name}' and '{other.name}' cannot share a bundle: {difference}; "
                f"{_REMEDY}"
            )


def _difference(first: Source, other: Source) -> str:
    for name in ("image_shape", "mean", "std", "class_names"):
        if getattr(first.metadata, name) != getattr(other.metadata, name):
            return f"they differ in {name}"
    pair = [[o for o in s.model.operations if isinstance(o, _Computing)] for s in (first, other)]
    if [type(o) for o in pair[0]] != [type(o) for o in pair[1]]:
        return f"they have {len(pair[0])} and {len(pair[1])} layers, or other ones"
    for a, b in zip(*pair, strict=True):
        if _constants(a) != _constants(b):
            return f"'{a.output.name}' is another operation in the second"
        for p, q in zip(_parameters(a), _parameters(b), strict=True):
            if p is None or q is None:
                if p is not q:
                    return f"'{a.output.name}' has a bias in one of them"
            elif p.frac != q.frac:
                return f"'{p.name}' has fraction length {p.frac} and {q.frac}"
            elif not np.array_equal(p.integers, q.integers):
                return f"'{p.name}' has other integers"
        for name, left, right in _formats(a, b):
            if left != right:
                return f"'{name}' has fraction length {left} and {right}"
    return ""


def _constants(operation: Operation) -> tuple[object, ...]:
    """What an operation computes with besides parameters and formats."""
    match operation:
        case PatchEmbed(image_shape=shape, patch=patch):
            return (shape, patch)
        case LayerNorm(epsilon=epsilon):
            return (epsilon,)
        case Linear(residual=residual):
            return (residual is None,)
        case Attention(heads=heads, scale=scale):
            return (heads, scale)
    return ()


def _parameters(operation: Operation) -> list[Parameter | None]:
    match operation:
        case PatchEmbed():
            embedding = operation
            return [embedding.weight, embedding.bias, embedding.cls_token, embedding.pos_embed]
        case LayerNorm(gamma=gamma, beta=beta):
            return [gamma, beta]
        case Linear(weight=weight, bias=bias):
            return [weight, bias]
        case Attention(bias=bias):
            return [bias]
        case MeanPool(weights=weights):
            return [weights]
    return []


def _formats(a: Operation, b: Operation) -> Iterator[tuple[str, int, int]]:
    """Yield every activation format of two operations of the same kind, side by side."""
    yield a.output.name, a.output.frac, b.output.frac
    if isinstance(a, PatchEmbed) and isinstance(b, PatchEmbed):
        yield "the image", a.image_frac, b.image_frac
    if isinstance(a, Attention) and isinstance(b, Attention):
        yield a.scores.name, a.scores.frac, b.scores.frac
        yield a.probs.name, a.probs.frac, b.probs.frac
