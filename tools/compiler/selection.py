"""Recognises token and connection selection (Tri-Level, "TA-Selector") in element numbers.

Which rows stay is only known for each image, so a chosen row is written as a code: ``c >= 0`` is
token c itself, ``c = -(t + 1)`` is the t-th of the kept patch tokens in ascending order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.tiles import ceil_div
from trivit.tools.compiler.calls import refuse
from trivit.tools.compiler.graph import Node
from trivit.tools.compiler.ir import (
    AllTokens,
    Gather,
    Operation,
    Parameter,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.compiler.tensors import Tensors
from trivit.tools.compiler.values import (
    Above,
    Ascending,
    Constant,
    Elements,
    Fixed,
    Gathered,
    Ids,
    Masked,
    Negated,
    Reduced,
    Scattered,
    Source,
    Space,
    TopIndices,
    TopValues,
    Value,
)
from trivit.tools.errors import ToolsError

_MASK_BITS = 16  # keys in an element of a mask row

_Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Rounded attention probabilities; ``ids`` is (heads, tokens, tokens)."""

    tensor: Tensor
    scores: Tensor
    qkv: Tensor
    heads: int
    scale: float
    mask: Tensor | None
    bias: Parameter | None
    ids: Ids


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Codes of chosen rows and the sorted selection that the negative ones refer to."""

    codes: _Numbers
    ascending: Source | None


class Selectors:
    """Finds gathered tensors and connection masks, and appends the operations that make them."""

    def __init__(self, space: Space, tensors: Tensors, operations: list[Operation]) -> None:
        self._space = space
        self._tensors = tensors
        self._operations = operations
        self._probabilities: dict[int, Probabilities] = {}
        self._indices: dict[int, tuple[Tensor, Probabilities]] = {}
        self._masks: list[tuple[Ids, Tensor]] = []
        # What the score memory must hold after each attention, by the name of its probabilities.
        self.wanted: dict[str, str] = {}

    def add(self, probabilities: Probabilities) -> None:
        """Remember the probabilities of one attention."""
        self._probabilities[int(probabilities.ids.flat[0])] = probabilities

    def probabilities(self, value: Elements) -> Probabilities | None:
        """Return the probabilities that the elements of ``value`` belong to."""
        source = self._space.single(value)
        return None if source is None else self._probabilities.get(source.start)

    def gathered(self, node: Node, ids: Ids) -> Tensor | None:
        """Return the tensor of kept rows ``ids`` (rows, columns), or None if it is none.

        Raises:
            ToolsError: rows are chosen in a way that the kernel cannot follow.
        """
        last = self._space.source_of(int(ids[-1, -1]))
        picked = last.expression
        if not isinstance(picked, Gathered) or len(last.shape) != 3 or picked.axis != 1:
            return None
        columns = last.shape[2]
        x, matrix = self._tensors.owner(picked.data)
        if x is None or ids.shape[1] != columns or picked.data.shape[2] != columns:
            return None
        data = picked.data.ids.reshape(-1, columns)
        first = int(np.argmax(matrix[:, 0] == data[0, 0]))
        index = picked.index.ids.reshape(-1, columns)
        if not np.array_equal(matrix[first : first + len(data)], data) or np.any(
            index != index[:, :1]
        ):
            return None
        chosen = self._codes(node, index[:, 0], first + np.arange(len(data)))
        result = last.ids.reshape(-1, columns)
        codes: list[int] = []
        for row in ids:
            here = self._space.source_of(int(row[0]))
            block, names = (result, chosen.codes) if here is last else (matrix, None)
            place = int(np.argmax(block[:, 0] == row[0]))
            if not np.array_equal(block[place], row):
                return None
            codes.append(place if names is None else int(names[place]))
        kept = self._index(node, _Chosen(np.array(codes), chosen.ascending), x.rows)
        name = self._tensors.unique(_prefix(kept[1].tensor) + ".tokens")
        tensor = Tensor(name, len(ids), columns, x.frac)
        self._operations.append(Gather(tensor, x, kept[0]))
        self._tensors.bind(tensor, ids)
        return tensor

    def mask(self, node: Node, ids: Ids) -> Tensor:
        """Return the mask tensor behind the boolean elements ``ids`` (heads, tokens, tokens).

        Raises:
            ToolsError: connections are closed in a way that the kernel cannot follow.
        """
        if np.any(ids != ids[:1]):
            raise refuse(node, "its mask must be the same for all heads")
        for known, tensor in self._masks:
            if np.array_equal(known, ids[0]):
                return tensor
        scattered, codes, probs = self._scattered(node, ids[0])
        rows = len(scattered) + 1
        closing = self._space.source_of(int(scattered[0, 0])).expression
        assert isinstance(closing, Scattered)
        keep = closing.index.shape[-1]
        full = _Chosen(np.concatenate([[0], codes.codes]), codes.ascending)
        tokens = probs.qkv.rows
        index = self._index(node, full, tokens, probs)[0]
        tensor = Tensor(
            self._tensors.unique(_prefix(probs.tensor) + ".mask"),
            rows,
            ceil_div(rows, _MASK_BITS),
            0,
            "mask",
        )
        self._operations.append(SelectConnections(tensor, index, probs.tensor, tokens, keep))
        self.wanted[probs.tensor.name] = "all"
        self._masks.append((ids[0], tensor))
        return tensor

    def _scattered(self, node: Node, ids: Ids) -> tuple[Ids, _Chosen, Probabilities]:
        """Return the numbers of the scattered patch part of a mask, whose keys, and scores."""
        value: Value | None = Elements(ids)
        is_open, threshold = True, None
        while isinstance(value, Elements) and threshold is None:
            source = self._space.single(value)
            expression = source.expression if source else None
            if isinstance(expression, Negated):
                is_open = not is_open
                value = self._space.through(value, lambda e: e.x)  # type: ignore[union-attr]
            elif isinstance(expression, Above):
                threshold = expression.threshold
                value = self._space.through(value, lambda e: e.x)  # type: ignore[union-attr]
            else:
                break
        wrong = refuse(
            node,
            "its mask must open [CLS] and each token's highest scores (TopK, ScatterElements, Pad)",
        )
        if threshold is None or not is_open or not isinstance(value, Elements):
            raise wrong
        border = np.concatenate([value.ids[0], value.ids[1:, 0]])  # of [CLS]
        inner = value.ids[1:, 1:]
        source = self._space.single(Elements(inner))
        expression = source.expression if source else None
        if (
            source is None
            or not isinstance(expression, Scattered)
            or not np.array_equal(inner, source.ids.reshape(inner.shape))
            or expression.axis != len(source.shape) - 1
            or not np.all(self._fixed(border) > threshold)
            or np.any(expression.data.array > threshold)
        ):
            raise wrong
        top = self._space.single(expression.index)
        if (
            top is None
            or not isinstance(top.expression, TopIndices)
            or not np.array_equal(expression.index.ids, top.ids)
            or top.expression.values.ids.size != inner.size
        ):
            raise wrong
        sums = self._kept_sums(node, top.expression.values)
        if sums is None:
            raise wrong
        probs, marked, rows, columns = sums
        if rows.ascending is not columns.ascending or np.any(rows.codes != columns.codes):
            raise wrong
        if not self._opens_live(expression.updates, top.expression, threshold, marked):
            raise _reopens(node)
        return inner, rows, probs

    def _opens_live(
        self, updates: Value, top: TopIndices, threshold: float, marked: float | None
    ) -> bool:
        """Return whether scattered ``updates`` exceed ``threshold`` for live connections alone.

        ``marked`` is what stands for closed ones among the sums, which are never negative.
        """
        if isinstance(updates, Constant):
            return marked is None and bool(np.all(updates.array > threshold))
        source = self._space.single(updates)
        return (
            source is not None
            and isinstance(source.expression, TopValues)
            and np.array_equal(updates.ids, source.ids)
            and np.array_equal(source.expression.values.ids, top.values.ids)
            and source.expression.count == top.count
            and threshold < 0
            and (marked is None or marked <= threshold)
        )

    def _fixed(self, ids: Ids) -> NDArray[np.float64]:
        """Return the known values of constant elements; NaN for computed ones."""
        values = np.full(ids.shape, np.nan)
        for number in np.unique(ids):
            source = self._space.source_of(int(number))
            if isinstance(source.expression, Fixed):
                values[ids == number] = source.expression.value.array.flat[number - source.start]
        return values

    def _kept_sums(
        self, node: Node, value: Elements
    ) -> tuple[Probabilities, float | None, _Chosen, _Chosen] | None:
        """Read ``value`` as head sums of chosen query rows and chosen key columns.

        The second result is what the sums are where the attention's mask is closed; ``None``: sums.
        """
        steps: list[Gathered] = []
        while True:
            source = self._space.single(value)
            expression = source.expression if source else None
            if source is None or not isinstance(expression, Gathered):
                break
            if not np.array_equal(value.ids, source.ids):
                return None
            steps.append(expression)
            value = expression.data
        condition, marked = None, None
        if source is not None and isinstance(source.expression, Masked):
            marked = source.expression.closed
            condition = self._space.through(value, lambda e: e.condition)  # type: ignore[union-attr]
            sums = self._space.through(value, lambda e: e.x)  # type: ignore[union-attr]
            if not isinstance(sums, Elements):
                return None
            value = sums
        grid = self._head_sums(value)
        if grid is None or len(value.shape) != 3:
            return None
        known = next((ids for ids, tensor in self._masks if tensor is grid[0].mask), None)
        if known is None:
            obeyed = condition is None
        else:
            obeyed = isinstance(condition, Elements) and np.array_equal(
                condition.ids, known[grid[1], grid[2]]
            )
        if not obeyed:
            raise _reopens(node)
        probs, queries, keys = grid[0], grid[1][0], grid[2][0]
        if np.any(queries != queries[:, :1]) or np.any(keys != keys[:1]):
            return None
        chosen = [_Chosen(queries[:, 0], None), _Chosen(keys[0], None)]
        for step in reversed(steps):
            along = np.moveaxis(step.index.ids, step.axis, -1)
            flat = along.reshape(-1, along.shape[-1])
            side = step.axis - 1
            if side not in (0, 1) or np.any(flat != flat[:1]) or chosen[side].ascending is not None:
                return None
            chosen[side] = self._codes(node, flat[0], chosen[side].codes)
        return probs, marked, chosen[0], chosen[1]

    def _head_sums(self, value: Value) -> tuple[Probabilities, _Numbers, _Numbers] | None:
        """Return whose probabilities are summed over heads, with query and key of each element."""
        source = self._space.single(value)
        if source is None or not isinstance(source.expression, Reduced):
            return None
        assert isinstance(value, Elements)
        groups = source.expression.groups.ids
        members = groups.reshape(-1, groups.shape[-1])[value.ids - source.start]
        probs = self.probabilities(Elements(members))
        if probs is None or members.shape[-1] != probs.heads:
            return None
        tokens = probs.qkv.rows
        numbers = members - int(probs.ids.flat[0])
        heads, places = np.divmod(numbers, tokens * tokens)
        if np.any(np.sort(heads, axis=-1) != np.arange(probs.heads)) or np.any(
            places != places[..., :1]
        ):
            return None
        queries, keys = np.divmod(places[..., 0], tokens)
        return probs, queries, keys

    def _codes(self, node: Node, index: Ids, tokens: _Numbers) -> _Chosen:
        """Return the codes of computed row indices into rows that stand for ``tokens``."""
        codes = np.empty(len(index), np.int64)
        ascending: Source | None = None
        wrong = refuse(
            node, "tokens must be chosen by TopK on the [CLS] attention, sorted ascending"
        )
        for place, number in enumerate(index):
            offset, row = 0, None
            for term in self._space.terms(Elements(index[place : place + 1])):
                source = self._space.single(term)
                expression = source.expression if source else None
                if isinstance(term, Constant):
                    offset += int(term.array.reshape(-1)[0])
                elif isinstance(expression, Fixed):
                    offset += int(expression.value.array.flat[number - source.start])  # type: ignore[union-attr]
                elif isinstance(expression, Ascending) and row is None:
                    if ascending not in (None, source):
                        raise wrong
                    ascending, row = source, int(term.ids[0]) - source.start  # type: ignore[union-attr]
                else:
                    raise wrong
            if row is None:
                codes[place] = tokens[offset]
            elif np.array_equal(tokens, tokens[0] + np.arange(len(tokens))) and (
                tokens[0] + offset == 1
            ):
                codes[place] = -(row + 1)
            else:
                raise wrong
        return _Chosen(codes, ascending)

    def _index(
        self, node: Node, chosen: _Chosen, tokens: int, probs: Probabilities | None = None
    ) -> tuple[Tensor, Probabilities]:
        """Return the index tensor of [CLS] and the chosen rows out of ``tokens``."""
        count = len(chosen.codes)
        if chosen.ascending is None:
            if probs is None or not np.array_equal(chosen.codes, np.arange(tokens)):
                raise refuse(node, "a fixed choice of tokens is not supported")
            name = self._tensors.unique(_prefix(probs.tensor) + ".kept")
            tensor = Tensor(name, 1, count, 0, "index")
            self._operations.append(AllTokens(tensor))
            return tensor, probs
        if not np.array_equal(chosen.codes, -np.arange(count)):
            raise refuse(node, "the kept tokens must be [CLS] first, then ascending patch tokens")
        known = self._indices.get(chosen.ascending.start)
        found = known or self._select(node, chosen.ascending)
        if found[0].columns != count or found[1].qkv.rows != tokens:
            raise refuse(node, "all kept tokens must be used together")
        return found

    def _select(self, node: Node, ascending: Source) -> tuple[Tensor, Probabilities]:
        expression = ascending.expression
        assert isinstance(expression, Ascending)
        top = self._space.single(expression.values)
        wrong = refuse(node, "tokens must be kept by the head-summed [CLS] row of the attention")
        if top is None or not isinstance(top.expression, TopIndices):
            raise wrong
        sums = self._head_sums(top.expression.values)
        if sums is None or not np.array_equal(
            np.sort(expression.values.ids.ravel()), top.ids.ravel()
        ):
            raise wrong
        probs, queries, keys = sums
        tokens = probs.qkv.rows
        if np.any(queries != 0) or not np.array_equal(keys.ravel(), np.arange(1, tokens)):
            raise wrong
        keep = top.expression.count
        name = self._tensors.unique(_prefix(probs.tensor) + ".kept")
        tensor = Tensor(name, 1, 1 + keep, 0, "index")
        self._operations.append(SelectTokens(tensor, probs.tensor, tokens, keep))
        self.wanted.setdefault(probs.tensor.name, "cls")
        self._indices[ascending.start] = (tensor, probs)
        return tensor, probs


def _reopens(node: Node) -> ToolsError:
    return refuse(
        node,
        "its mask must leave closed what the attention that it is chosen by had closed: mark "
        "those head sums below 0 (Where), then scatter the highest; 'trivit quantize' writes both",
    )


def _prefix(probs: Tensor) -> str:
    """Return the name of the selector that reads these probabilities."""
    block, separator, _ = probs.name.rpartition(".attn.")
    return f"{block if separator else probs.name}.selector"
