"""Which element numbers make up which tensor of the program."""

from __future__ import annotations

import numpy as np

from trivit.tools.compiler.calls import refuse
from trivit.tools.compiler.graph import Node
from trivit.tools.compiler.ir import Tensor
from trivit.tools.compiler.values import Elements, Ids, Source, Space


class Tensors:
    """Finds the tensor, and how many of its leading rows, behind a matrix of element numbers."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._names: set[str] = set()
        self._matrices: dict[str, Ids] = {}
        # A tensor is found by the number of its first element.
        self._by_first: dict[int, list[Tensor]] = {}
        self._by_source: dict[int, Tensor] = {}

    def unique(self, name: str) -> str:
        """Return ``name``, with a suffix when another tensor has it already."""
        candidate, count = name, 1
        while candidate in self._names:
            count += 1
            candidate = f"{name}.{count}"
        self._names.add(candidate)
        return candidate

    def bind(self, tensor: Tensor, matrix: Ids) -> None:
        """Say that ``tensor`` holds ``matrix`` (rows, columns)."""
        self._matrices[tensor.name] = matrix
        self._by_first.setdefault(int(matrix[0, 0]), []).append(tensor)
        start = self._space.source_of(int(matrix[-1, -1])).start
        self._by_source.setdefault(start, tensor)

    def matrix(self, tensor: Tensor) -> Ids:
        """Return the element numbers of a tensor, (rows, columns)."""
        return self._matrices[tensor.name]

    def find(self, ids: Ids) -> Tensor | None:
        """Return the tensor whose leading rows are ``ids`` (rows, columns)."""
        for tensor in self._by_first.get(int(ids[0, 0]), []):
            if np.array_equal(self._matrices[tensor.name][: len(ids)], ids):
                return tensor
        return None

    def owner(self, value: Elements) -> tuple[Tensor | None, Ids]:
        """Return the tensor that the last element of ``value`` belongs to, and its matrix."""
        source = self._space.source_of(int(value.ids.reshape(-1)[-1]))
        tensor = self._by_source.get(source.start)
        return (None, value.ids) if tensor is None else (tensor, self._matrices[tensor.name])

    def whole(self, node: Node, value: Elements) -> Source:
        """Return the source whose leading elements ``value`` is, in their own order."""
        source = self._space.single(value)
        assert source is not None
        flat = value.ids.reshape(-1)
        if not np.array_equal(flat, np.arange(source.start, source.start + flat.size)):
            raise refuse(node, f"it rounds a rearrangement of {source.label}")
        return source
