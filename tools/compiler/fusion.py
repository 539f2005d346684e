"""Puts GELU, LayerNorm and the dropping of rows inside the linear layers that the kernel has.

A mean of rows becomes an attention between two of them (pooling.py).

LayerNorm happens between memory and the array, with the sums of its input that were noted when
the input was written; GELU and dropped rows happen behind the array. None of them exists as an
instruction of its own, so a graph that uses them anywhere else is refused here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from trivit.tools.compiler.ir import (
    Attention,
    Gather,
    Gelu,
    LayerNorm,
    Linear,
    MeanPool,
    Model,
    Operation,
    PatchEmbed,
    SelectTokens,
    inputs,
)
from trivit.tools.compiler.pooling import pooling_operations
from trivit.tools.errors import ToolsError


def fused(model: Model) -> Model:
    """Return the model without Gelu, LayerNorm, Gather and MeanPool: linear layers do their work.

    Raises:
        ToolsError: a place where the kernel cannot do one of them.
    """
    model = Model(tuple(_with_pooling(model.operations)), model.logits)
    fusion = _Fusion(model)
    for operation in model.operations:
        fusion.add(operation)
    operations = fusion.finished()
    return Model(tuple(_with_statistics(operations)), model.logits)


def _with_pooling(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, MeanPool):
            yield from pooling_operations(operation)
        else:
            yield operation


class _Fusion:
    """The operations so far, each linear layer with what was fused into it."""

    def __init__(self, model: Model) -> None:
        self._readers = Counter(t.name for o in model.operations for t in inputs(o))
        self._readers[model.logits.name] += 1
        self._operations: list[Operation] = []
        self._norms: dict[str, LayerNorm] = {}
        # Position of the attention whose scores choose the rows of an index tensor.
        probs = [o.probs.name if isinstance(o, Attention) else "" for o in model.operations]
        self._chosen_by = {
            o.output.name: model.operations[probs.index(o.probs.name)]
            for o in model.operations
            if isinstance(o, SelectTokens)
        }

    def add(self, operation: Operation) -> None:
        """Append an operation, or fuse it into one that is there."""
        match operation:
            case Gelu():
                self._gelu(operation)
            case Gather():
                self._gather(operation)
            case LayerNorm():
                self._norms[operation.output.name] = operation
            case Linear(x=x) if x.name in self._norms:
                norm = self._norms[x.name]
                self._readers[x.name] -= 1
                self._operations.append(replace(operation, x=norm.x, norm=norm))
            case _:
                self._operations.append(operation)

    def finished(self) -> list[Operation]:
        """Return the operations once all are added."""
        for name, norm in self._norms.items():
            if self._readers[name]:
                raise ToolsError(
                    f"LayerNorm '{name}' of '{norm.x.name}' is read by something else than the "
                    "product of a linear layer; the kernel normalises rows on their way into a "
                    "product only"
                )
        return self._operations

    def _gelu(self, gelu: Gelu) -> None:
        place, before = self._writer(gelu.x.name)
        if before is None or before.hidden or self._readers[gelu.x.name] > 1:
            raise ToolsError(
                f"GELU '{gelu.output.name}' must follow a linear layer whose result "
                f"nothing else reads; '{gelu.x.name}' is no such result"
            )
        self._operations[place] = replace(before, output=gelu.output, hidden=gelu.x)

    def _gather(self, gather: Gather) -> None:
        name = gather.x.name
        place, before = self._writer(name)
        if before is None or before.gather or self._readers[name] > 1:
            raise ToolsError(
                f"'{gather.output.name}' drops rows of '{name}', which must be the result of a "
                "linear layer that keeps all rows and that nothing else reads; the kernel drops "
                "rows where they are written"
            )
        attention = self._chosen_by[gather.index.name]
        if attention not in self._operations[:place]:
            raise ToolsError(
                f"'{gather.output.name}' drops rows of '{name}', which is written before the "
                f"attention '{attention.output.name}' that chooses them; the kernel drops rows "
                "where they are written"
            )
        self._operations[place] = replace(before, output=gather.output, gather=gather)

    def _writer(self, name: str) -> tuple[int, Linear | None]:
        """Return the linear layer that writes a tensor, and its place."""
        for place, operation in enumerate(self._operations):
            if operation.output.name == name and isinstance(operation, Linear):
                return place, operation
        return 0, None


def _with_statistics(operations: Sequence[Operation]) -> list[Operation]:
    """Let the writers of normalised tensors note the sums of their rows.

    Raises:
        ToolsError: an input of LayerNorm that no linear layer writes, or whose sums are
            overwritten before they are read.
    """
    normalised = {o.x.name: o.norm for o in operations if isinstance(o, Linear) and o.norm}
    noted: list[Operation] = []
    held = ""
    for operation in operations:
        if isinstance(operation, Linear) and operation.norm and operation.x.name != held:
            raise ToolsError(
                f"LayerNorm '{operation.norm.output.name}' reads '{operation.x.name}' after "
                f"'{held}' was written to be normalised; the kernel keeps the sums of the last "
                "such tensor only"
            )
        norm = normalised.pop(operation.output.name, None)
        if norm is None:
            noted.append(operation)
            continue
        if not isinstance(operation, Linear | PatchEmbed):
            raise ToolsError(
                f"LayerNorm '{norm.output.name}' reads '{operation.output.name}', which is the "
                "result of neither a linear layer nor the patch embedding; the kernel notes the "
                "sums of such rows only"
            )
        noted.append(replace(operation, statistics=True))
        held = operation.output.name
    return noted
