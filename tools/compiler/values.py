"""What flows along the edges of the graph while it is interpreted.

An edge carries either a ``Constant`` or ``Elements``: an array of element numbers. Every
computation introduces a ``Source``, a block of fresh element numbers; reshapes, transposes, slices
and concatenations only rearrange numbers. Two values are the same tensor in the same order exactly
when their numbers are equal, however the exporter spelt the rearrangement.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
Rearrangement: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Constant:
    """A known array. ``frac`` is its fraction length once a quantizer rounded it.

    ``before`` is what the array was rearranged from, and how.
    """

    array: NDArray[Any]
    frac: int | None = None
    name: str = ""
    before: tuple[Constant, Rearrangement] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    def rearranged(self, how: Rearrangement) -> Constant:
        """Return a constant of the same elements in another order or number."""
        return Constant(how(self.array), self.frac, self.name, (self, how))

    @property
    def root(self) -> Constant:
        """What the elements were rearranged from."""
        return self if self.before is None else self.before[0].root

    def places(self) -> Ids:
        """Return where in the flat ``root`` each element comes from, in the array's shape."""
        if self.before is None:
            return np.arange(self.array.size).reshape(self.shape)
        source, how = self.before
        return how(source.places())


@dataclass(frozen=True, eq=False)
class Elements:
    """Element numbers of computed values, int64 of any shape."""

    ids: Ids

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of numbers."""
        return self.ids.shape


Value: TypeAlias = Constant | Elements


@dataclass(frozen=True)
class ImageInput:
    """The normalised image before its quantizer."""


@dataclass(frozen=True)
class Fixed:
    """A constant that was concatenated with or padded around computed values."""

    value: Constant


@dataclass(frozen=True)
class Quantised:
    """The output of a quantizer, 16-bit signed with ``frac`` fraction bits."""

    frac: int


@dataclass(frozen=True)
class Convolution:
    """Convolution whose stride is its kernel size, without padding: patch embedding."""

    x: Elements
    weight: Constant
    bias: Constant | None


@dataclass(frozen=True)
class Product:
    """Matrix product ``a @ b``."""

    a: Elements
    b: Value


@dataclass(frozen=True)
class Pooled:
    """A row of constant weights (1, rows) times the rows of ``x``."""

    weights: Constant
    x: Elements


@dataclass(frozen=True)
class Sum:
    """Elementwise sum, both operands broadcast to the same shape."""

    a: Value
    b: Value


@dataclass(frozen=True)
class Scaled:
    """``x`` times a number."""

    x: Elements
    factor: float


@dataclass(frozen=True)
class Normalised:
    """LayerNorm over the last axis."""

    x: Elements
    gamma: Constant
    beta: Constant
    epsilon: float


@dataclass(frozen=True)
class Gelu:
    """Exact (erf) GELU."""

    x: Elements


@dataclass(frozen=True)
class Softmax:
    """Softmax over the last axis."""

    x: Elements


@dataclass(frozen=True)
class Masked:
    """``x`` where ``condition`` holds, else ``closed`` or less."""

    x: Elements
    condition: Elements
    closed: float


@dataclass(frozen=True)
class Above:
    """Whether ``x`` exceeds ``threshold``."""

    x: Elements
    threshold: float


@dataclass(frozen=True)
class Negated:
    """Logical not."""

    x: Elements


@dataclass(frozen=True)
class Reduced:
    """Sum or mean over one axis; ``groups`` has the reduced axis last."""

    groups: Elements


@dataclass(frozen=True)
class TopIndices:
    """Indices of the ``count`` largest values of the last axis, ties to the lower index."""

    values: Elements
    count: int


@dataclass(frozen=True)
class TopValues:
    """The values that ``TopIndices`` of the same operands finds, in the same order."""

    values: Elements
    count: int


@dataclass(frozen=True)
class Ascending:
    """All values of the last axis in ascending order."""

    values: Elements


@dataclass(frozen=True)
class Gathered:
    """Elements of ``data`` picked along ``axis`` by computed indices.

    ``index`` has the shape of the result, as for ONNX's GatherElements.
    """

    data: Elements
    index: Elements
    axis: int


@dataclass(frozen=True)
class Scattered:
    """``data`` with ``updates`` written along ``axis`` at computed indices."""

    data: Constant
    index: Elements
    updates: Value
    axis: int


Expression: TypeAlias = (
    ImageInput
    | Fixed
    | Quantised
    | Convolution
    | Product
    | Pooled
    | Sum
    | Scaled
    | Normalised
    | Gelu
    | Softmax
    | Masked
    | Above
    | Negated
    | Reduced
    | TopIndices
    | TopValues
    | Ascending
    | Gathered
    | Scattered
)


@dataclass(frozen=True, eq=False)
class Source:
    """A block of element numbers ``start``, ``start + 1``, ... in row-major order of ``shape``."""

    start: int
    shape: tuple[int, ...]
    expression: Expression
    label: str

    @property
    def ids(self) -> Ids:
        """The block's element numbers in its own shape."""
        size = int(np.prod(self.shape, dtype=np.int64))
        return np.arange(self.start, self.start + size, dtype=np.int64).reshape(self.shape)


class Space:
    """Hands out element numbers and finds the source that a number belongs to."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._sources: list[Source] = []
        self._next = 0

    def new(self, expression: Expression, shape: tuple[int, ...], label: str) -> Elements:
        """Return the elements of a new source."""
        source = Source(self._next, tuple(int(n) for n in shape), expression, label)
        ids = source.ids
        self._starts.append(self._next)
        self._sources.append(source)
        self._next += max(1, ids.size)
        return Elements(ids)

    def source_of(self, number: int) -> Source:
        """Return the source of one element number."""
        return self._sources[bisect_right(self._starts, number) - 1]

    def single(self, value: Value) -> Source | None:
        """Return the source that every element of ``value`` belongs to, if there is one."""
        if isinstance(value, Constant) or value.ids.size == 0:
            return None
        source = self.source_of(int(value.ids.min()))
        return source if source is self.source_of(int(value.ids.max())) else None

    def through(self, value: Value, step: Callable[[Expression], Value | None]) -> Value | None:
        """Follow elementwise expressions: ``value`` rearranges a source of ``step``'s operand.

        Returns the operand in the order of ``value``, or None when ``step`` does not apply.
        """
        source = self.single(value)
        if source is None or not isinstance(value, Elements):
            return None
        operand = step(source.expression)
        if operand is None:
            return None
        local = value.ids - source.start
        if isinstance(operand, Constant):
            return operand.rearranged(lambda array: array.reshape(-1)[local])
        return Elements(operand.ids.reshape(-1)[local])

    def terms(self, value: Value) -> list[Value]:
        """Split a tree of sums into its terms, each in the shape and order of ``value``."""
        source = self.single(value)
        if source is None or not isinstance(source.expression, Sum):
            return [value]
        total = source.expression
        parts: list[Value] = []
        for side in (total.a, total.b):
            operand = self.through(value, lambda _, side=side: side)  # type: ignore[misc]
            if operand is not None:
                parts.extend(self.terms(operand))
        return parts
