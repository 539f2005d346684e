"""Commands of updates: planes go through the block `update` and back, behind a fence."""

from __future__ import annotations

from dataclasses import dataclass, field

from trivit.host.training.accelerator.schedule import Figure
from trivit.host.training.program import writes
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule.context import Context
from trivit.tools.training.schedule.listing import ALL_PORTS, PLANES, Source

_NUMBERS = ("stochastic", "momentum", "decay", "decay_shift")


@dataclass
class Updates:
    """Updates whose gradients are on their way, by the op that states them."""

    pending: list[int] = field(default_factory=list)

    def add(self, c: Context) -> None:
        """Note the update at work."""
        self.pending.append(c.index)

    def flush(self, c: Context) -> None:
        """Append the updates noted so far; the first one waits for all stores before it.

        Raises:
            ToolsError: a weight without its biases, or the reverse.
        """
        by_parameter = {c.operations[i].operands["high"].tensor: i for i in self.pending}
        weights = {bias: weight for weight, bias in c.ddr.biases.items()}
        first = True
        for parameter in by_parameter:
            partner = c.ddr.biases.get(parameter) or weights.get(parameter)
            if partner is not None and partner not in by_parameter:
                raise ToolsError(
                    f"'{parameter}' is updated and '{partner}' is not: the accelerator updates "
                    "weights and biases together, train with the backend emulator"
                )
            if parameter in weights:
                continue  # with its weight
            _update(c, parameter, by_parameter, fenced=first)
            first = False
        self.pending.clear()


def _update(c: Context, parameter: str, operations: dict[str, int], fenced: bool) -> None:
    place, planes = c.place_of(parameter), c.ddr.planes
    masters = int("low" in planes.names)
    index = operations[parameter]
    moved = {
        "base": PLANES, "ports": ALL_PORTS, "words": place.segment, "address": place.address,
        "port_stride": place.segment, "update": 1, "plane_stride": planes.words,
    }  # fmt: skip
    c.listing.add("move_rows", index, fenced=int(fenced), planes=len(planes.names), **moved)
    sources: dict[str, Source] = {n: (index, n) for n in _NUMBERS}
    sources |= {"clip": (index, "number", "clip"), "rate": (index, "number", "rate")}
    bias = c.ddr.biases.get(parameter)
    if place.kind == "biases":  # [CLS], below it a matrix of zeros
        sources |= _of_tensor(index, "bias_")
        figures = [None] * 3 + _figures(c, index)
    elif bias is not None:
        sources |= _of_tensor(index, "") | _of_tensor(operations[bias], "bias_")
        figures = _figures(c, index) + _figures(c, operations[bias])
    else:
        sources |= _of_tensor(index, "")
        figures = _figures(c, index) + [None] * (3 if place.line else 0)
    # Behind its fence, and in front of whoever makes the words.
    c.listing.add("move_store", index, planes=len(planes.names) - 1, **moved)
    c.listing.add(
        "update", index, figures, sources, words=place.segment, line=place.line,
        depth_words=place.depth_words, masters=masters,
    )  # fmt: skip


def _of_tensor(index: int, prefix: str) -> dict[str, Source]:
    return {
        f"{prefix}gradient_shift": (index, "gradient_shift"),
        f"{prefix}rate_shift": (index, "rate_shift", "rate_shift"),
        f"{prefix}key": (index, "number", "key"),
    }


def _figures(c: Context, index: int) -> list[Figure | None]:
    """Return what the three reports of a tensor mean: momentum, high plane, gradient's squares."""
    gradient = c.operations[index].operands["gradient"]
    squares = None
    if gradient.rows is None:  # rows of a gradient are counted with the others
        squares = Figure(*_writer(c, gradient.tensor), squares=True)
    return [Figure(index, 1), Figure(index, 0), squares]


def _writer(c: Context, tensor: str) -> tuple[int, int]:
    """Return the op that writes a tensor, and the tensor's place among what it writes."""
    for index, operation in enumerate(c.operations):
        for slot, operand in enumerate(writes(operation)):
            if operation.operands[operand].tensor == tensor:
                return index, slot
    raise AssertionError(tensor)
