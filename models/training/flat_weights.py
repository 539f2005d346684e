"""A model's weights in one buffer: a few kernels update all of them, whatever their number.

The parameters stay where they are in the model, under their names; each is a view of the buffer.
"""

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trivit.models.layers.sparse_transformer import SparseTransformer

#: Elements to whose multiples each parameter's place is rounded up: 128 bytes of bfloat16, as
#: matrix products read them.
_ALIGNMENT = 64

_NOT_DECAYED = ("cls_token", "pos_embed", "relative_position_bias_table")


def is_decayed(name: str, parameter: Tensor) -> bool:
    """Return whether AdamW decays the parameter: matrices only (as timm)."""
    return parameter.dim() > 1 and not name.endswith(_NOT_DECAYED)


class _Place(NamedTuple):
    name: str
    start: int
    shape: torch.Size

    @property
    def end(self) -> int:
        return self.start + math.prod(self.shape)


class FlatLayout:
    """Where each parameter of a model lies in a flat buffer.

    First those that decay, then the others; the copied ones lie next to each other. Between two
    parameters are up to 63 elements that stay zero.

    Attributes:
        decayed: elements that decay; the first ones.
        size: elements of the buffer.
        names_copied: of the parameters that may have copies: all that autocast would cast.
        copied: their elements.
    """

    def __init__(self, model: nn.Module) -> None:
        self.names_copied = _cast_by_autocast(model)

        def order(item: tuple[str, Tensor]) -> tuple[bool, bool]:
            decays, copied = is_decayed(*item), item[0] in self.names_copied
            return not decays, decays == copied

        self.places: list[_Place] = []
        self.size = self.decayed = first = last = 0
        for name, parameter in sorted(model.named_parameters(), key=order):
            self.places.append(_Place(name, self.size, parameter.shape))
            if name in self.names_copied:
                first = first if last else self.size
                last = self.places[-1].end
            self.size += math.ceil(parameter.numel() / _ALIGNMENT) * _ALIGNMENT
            if is_decayed(name, parameter):
                self.decayed = self.size
        self.copied = slice(first, last)

    def views(self, buffer: Tensor) -> dict[str, Tensor]:
        """Return the parts of ``buffer`` (size,) by parameter, in the parameters' shapes."""
        return {p.name: buffer[p.start : p.end].view(p.shape) for p in self.places}

    def parts_by_name(self, parts: list[Tensor]) -> dict[str, Tensor]:
        """Return by parameter what belongs to it.

        Args:
            parts: of what decays and of the others: buffers, or numbers () that hold for all.
        """
        found: dict[str, Tensor] = {}
        for place in self.places:
            plain = place.start >= self.decayed
            part, before = parts[plain], self.decayed if plain else 0
            if part.dim():
                part = part[place.start - before : place.end - before].view(place.shape)
            found[place.name] = part
        return found

    def flatten(self, model: nn.Module) -> Tensor:
        """Move the parameters of ``model`` into one new buffer (size,) and return that."""
        parameters = dict(model.named_parameters())
        first = parameters[self.places[0].name]
        buffer = torch.zeros(self.size, dtype=first.dtype, device=first.device)
        for name, view in self.views(buffer).items():
            view.copy_(parameters[name].data)
            parameters[name].data = view
        return buffer


class FlatWeights:
    """Weights of a model, their gradients and, on request, bfloat16 copies, each in one buffer.

    Under autocast every step casts each matrix to bfloat16, and its gradient back to float32. Steps
    on copies do not: after the backward pass one call casts all gradients, and one all weights.
    The values are those of autocast: both round once, to the nearest, at the same place.

    Attributes:
        layout: of all buffers.
        values: the weights, float32 (size,).
        gradients: of the weights, float32 (size,), from ``take_gradients`` on.
        parameters: what an optimizer changes: the part that decays, and the other one. Their
            gradients are views of one buffer.
        runs: the model that steps run: the given one, or a second one of which all that autocast
            would cast is a bfloat16 copy, and all else is shared.
    """

    def __init__(self, model: SparseTransformer, *, copies: bool) -> None:
        self.layout = FlatLayout(model)
        self.values = self.layout.flatten(model)
        self.gradients = gradients = torch.zeros_like(self.values)
        self.parameters: list[nn.Parameter] = []
        for part in (slice(0, self.layout.decayed), slice(self.layout.decayed, None)):
            parameter = nn.Parameter(self.values[part])
            parameter.grad = gradients[part]
            self.parameters.append(parameter)
        self.runs = model
        self._copies: Tensor | None = None
        if copies:
            self._copies = torch.zeros_like(self.values, dtype=torch.bfloat16)
            self.runs = self._with_copies(model, self.layout.views(self._copies))
            self.write_copies()
        views = self.layout.views(gradients)
        #: Parameters that steps run with, and where their gradients go; by type, as one call
        #: copies tensors of one type.
        self._gradients: dict[torch.dtype, list[tuple[str, nn.Parameter, Tensor]]] = {}
        for name, parameter in self.runs.named_parameters():
            self._gradients.setdefault(parameter.dtype, []).append((name, parameter, views[name]))

    def take_gradients(self) -> None:
        """Copy the gradients of ``runs`` into those of ``parameters``.

        Raises:
            RuntimeError: a parameter has none.
        """
        for group in self._gradients.values():
            sources: list[Tensor] = []
            for name, parameter, _ in group:
                if parameter.grad is None:
                    raise RuntimeError(f"the backward pass left {name} without a gradient")
                sources.append(parameter.grad)
            torch._foreach_copy_([target for _, _, target in group], sources)

    def write_copies(self) -> None:
        """Let the copies, if there are any, follow the weights."""
        if self._copies is not None:
            with torch.no_grad():
                part = self.layout.copied
                self._copies[part].copy_(self.values[part])

    def _with_copies(self, model: SparseTransformer, views: dict[str, Tensor]) -> SparseTransformer:
        """Return a model like ``model`` that shares its tensors, or has ``views`` of copies."""
        memo: dict[int, object] = {id(buffer): buffer for buffer in model.buffers()}
        for name, parameter in model.named_parameters():
            copied = name in self.layout.names_copied
            memo[id(parameter)] = nn.Parameter(views[name]) if copied else parameter
        return copy.deepcopy(model, memo)


def _cast_by_autocast(model: nn.Module) -> frozenset[str]:
    """Return the names of the parameters that autocast casts in every step."""
    return frozenset(
        f"{prefix}.{name}"
        for prefix, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d))
        for name, _ in module.named_parameters(recurse=False)
    )
