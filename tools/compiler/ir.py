"""Operations of a program before memory is assigned: frozen records with named tensors.

Integers of parameters are int64 arrays; ``*_frac`` is the fraction length beside them. The
recogniser finds LayerNorm, Gelu, Gather and MeanPool as operations of their own; the kernel has
them as parts of a linear layer only, the mean as an attention (fusion.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trivit.host.tiles import depth_words

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Tensor:
    """An activation tensor of ``rows`` x ``columns`` int16 elements.

    ``kind`` is value, index (one row of token numbers) or mask (one bit per key, 16 an element).
    """

    name: str
    rows: int
    columns: int
    frac: int
    kind: str = "value"

    @property
    def words(self) -> int:
        """Memory words of a row."""
        return depth_words(self.columns)


@dataclass(frozen=True, eq=False)
class Lookup:
    """What a parameter was gathered from: its elements are ``table.flat[places]``.

    ``table`` has the shape that the model gave it, ``places`` that of the gathered integers.
    """

    table: Integers
    places: Integers


@dataclass(frozen=True, eq=False)
class Parameter:
    """Integers of a quantized parameter and their fraction length.

    ``lookup`` is known of what the graph gathers from a table: biases of scores.
    """

    name: str
    integers: Integers
    frac: int
    lookup: Lookup | None = None


@dataclass(frozen=True, eq=False)
class PatchEmbed:
    """Patches times ``weight`` (D, C·patch²) plus bias and position; row 0 is [CLS].

    ``statistics``: a linear layer normalises the output.
    """

    output: Tensor
    image_shape: tuple[int, int, int]
    image_frac: int
    patch: int
    weight: Parameter
    bias: Parameter | None
    cls_token: Parameter
    pos_embed: Parameter
    statistics: bool = False


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Normalise the first ``output.rows`` rows of ``x``."""

    output: Tensor
    x: Tensor
    gamma: Parameter
    beta: Parameter
    epsilon: float


@dataclass(frozen=True, eq=False)
class Gather:
    """The rows of ``x`` that ``index`` names."""

    output: Tensor
    x: Tensor
    index: Tensor


@dataclass(frozen=True, eq=False)
class Linear:
    """``x`` times ``weight`` (N, K) transposed, plus bias and residual.

    What is fused into it, in the order in which the kernel does it; none of these tensors but
    ``output`` reaches memory:

    - ``norm``: the rows of ``x`` are normalised first.
    - ``hidden``: the rounded sum, which GELU reads.
    - ``gather``: of the rows of ``gather.x`` only those that an index names are written.
    - ``statistics``: a linear layer normalises the output.
    """

    output: Tensor
    x: Tensor
    weight: Parameter
    bias: Parameter | None
    residual: Tensor | None
    hidden: Tensor | None = None
    norm: LayerNorm | None = None
    gather: Gather | None = None
    statistics: bool = False

    @property
    def rows(self) -> int:
        """Rows that are multiplied, whether or not they are written."""
        return self.output.rows if self.gather is None else self.gather.x.rows


@dataclass(frozen=True, eq=False)
class Gelu:
    """Exact GELU; fused into the linear layer that computes ``x``."""

    output: Tensor
    x: Tensor


@dataclass(frozen=True, eq=False)
class Attention:
    """softmax(scale · (Q Kᵀ + bias)) V of the thirds of ``qkv``; ``bias`` is (heads, rows, rows).

    ``scores`` and ``probs`` name the rounded products and probabilities (rows: heads · tokens).
    ``selectors`` is "", "cls" or "all": what the score memory must hold afterwards.
    """

    output: Tensor
    qkv: Tensor
    mask: Tensor | None
    heads: int
    scale: float
    scores: Tensor
    probs: Tensor
    selectors: str = ""
    bias: Parameter | None = None

    @property
    def tokens(self) -> int:
        """Queries and keys, [CLS] included."""
        return self.qkv.rows

    @property
    def head_dim(self) -> int:
        """Width of a head."""
        return self.output.columns // self.heads


@dataclass(frozen=True, eq=False)
class SelectTokens:
    """Rows of [CLS] and the ``keep`` patch tokens to which ``probs`` gives most attention."""

    output: Tensor
    probs: Tensor
    tokens: int
    keep: int


@dataclass(frozen=True, eq=False)
class AllTokens:
    """The index tensor that names every row (connections without token selection)."""

    output: Tensor


@dataclass(frozen=True, eq=False)
class SelectConnections:
    """Mask that leaves every kept patch token [CLS] and at most ``keep`` keys, all open before."""

    output: Tensor
    index: Tensor
    probs: Tensor
    tokens: int
    keep: int


@dataclass(frozen=True, eq=False)
class MeanPool:
    """A row: ``weights`` (rows,), equal for the rows that count and 0 for others, times ``x``."""

    output: Tensor
    x: Tensor
    weights: Parameter


Operation: TypeAlias = (
    PatchEmbed
    | LayerNorm
    | Linear
    | Gelu
    | Attention
    | SelectTokens
    | AllTokens
    | Gather
    | SelectConnections
    | MeanPool
)


def inputs(operation: Operation) -> list[Tensor]:
    """Return the activation tensors that the operation reads."""
    match operation:
        case PatchEmbed() | SelectTokens() | AllTokens():
            return []
        case LayerNorm(x=x) | Gelu(x=x) | MeanPool(x=x):
            return [x]
        case Linear(x=x, residual=residual, gather=gather):
            index = None if gather is None else gather.index
            return [tensor for tensor in (x, residual, index) if tensor is not None]
        case Attention(qkv=qkv, mask=mask):
            return [qkv] if mask is None else [qkv, mask]
        case Gather(x=x, index=index):
            return [x, index]
        case SelectConnections(index=index):
            return [index]


@dataclass(frozen=True, eq=False)
class Model:
    """A whole network: operations in order of execution, ``logits`` is the last output."""

    operations: tuple[Operation, ...]
    logits: Tensor

    def used(self) -> Model:
        """Return the model without operations whose results nobody reads."""
        wanted = {self.logits.name}
        kept: list[Operation] = []
        for operation in reversed(self.operations):
            if operation.output.name in wanted:
                kept.append(operation)
                wanted.update(tensor.name for tensor in inputs(operation))
        return Model(tuple(reversed(kept)), self.logits)
