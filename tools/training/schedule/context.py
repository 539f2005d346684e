"""What the parts of the lowering share: the program, commands, banks, slots, pending updates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from trivit.host.training.accelerator.planes import PlanePlace
from trivit.host.training.accelerator.schedule import Figure
from trivit.host.training.program import Operation, TrainingProgram
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule.listing import ALL_PORTS, PLANES, Draft, Listing
from trivit.tools.training.schedule.memory import DdrMap, ddr_map, logits_words
from trivit.tools.training.schedule.slots import Slots
from trivit.tools.training.schedule.stored import Waiting
from trivit.tools.training.schedule.values import Banks, Value

FOREVER = 1 << 30
#: Of the image the host cuts the patches; what [CLS] attends to is not told.
NO_COMMANDS = ("patchify", "cls_moments")


class Context:
    """The state of a lowering; ``index`` is the op at work."""

    def __init__(self, program: TrainingProgram) -> None:
        self.program = program
        self.operations = program.operations
        self.tensors = program.by_name
        self.ddr: DdrMap = ddr_map(program)
        self.listing, self.banks, self.slots = Listing(), Banks(), Slots()
        self.values: dict[str, Value] = {}
        self.writers: dict[str, Draft] = {}  # of a value: the product that writes or feeds it
        self.reserved: dict[str, int] = {}  # slots of what is normalised from a product's rows
        self.normalised_from: dict[str, str] = {}  # normalised rows: from which ones
        self.hidden_slots: dict[str, int] = {}  # by what GELU gave: slot of what it read
        self.done: set[int] = set()  # ops whose commands stand already
        self.index = 0
        self.waiting = Waiting(words=logits_words(program))
        self._held: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self._readers: dict[str, list[int]] = defaultdict(list)
        for index, operation in enumerate(self.operations):
            if operation.opcode in NO_COMMANDS:
                continue
            for operand in operation.operands.values():
                self._readers[operand.tensor].append(index)

    @property
    def trains(self) -> bool:
        """Whether the program has a backward pass."""
        return any(o.phase == "backward" for o in self.operations)

    def reads(self, tensor: str, phase: str | None = None) -> list[int]:
        """Return the later ops that read a tensor, in their order, the one at work left out."""
        return [
            i
            for i in self._readers[tensor]
            if i > self.index and (phase is None or self.operations[i].phase == phase)
        ]

    def reader(self, tensor: str, opcode: str, operand: str) -> int | None:
        """Return the next op of this kind that reads a tensor as this operand."""
        for index in self.reads(tensor):
            operation = self.operations[index]
            if operation.opcode == opcode and operation.operands[operand].tensor == tensor:
                return index
        return None

    def name(self, operand: str) -> str:
        """Return the tensor of an operand of the op at work."""
        return self.operation.operands[operand].tensor

    @property
    def operation(self) -> Operation:
        """The op at work."""
        return self.operations[self.index]

    def hold(self, slot: int, until: int | None, stored: bool = False) -> None:
        """Release a slot behind the op ``until``; None: never. ``stored``: then behind a fence."""
        if slot:
            self._held[FOREVER if until is None else until].append((slot, stored))

    def finish(self) -> None:
        """Release what was held until the op at work."""
        for slot, stored in self._held.pop(self.index, []):
            (self.slots.stored if stored else self.slots.release)(slot)

    def place_of(self, parameter: str) -> PlanePlace:
        """Return where a parameter lies in each plane."""
        return self.ddr.planes.places[parameter]

    def fill(self, parameter: str, tag: int) -> None:
        """Append the move of a matrix to the ring, as it lies."""
        place = self.place_of(parameter)
        self.listing.add(
            "move_weights",
            tag,
            base=PLANES,
            ports=ALL_PORTS,
            words=place.segment,
            address=place.address,
            port_stride=place.segment,
        )

    def load(
        self, value: Value, base: int, address: int, port_stride: int, segment: int, **fields: int
    ) -> None:
        """Append a load of rows into a value, `segment` words from each port."""
        self.listing.add(
            "move_rows",
            self.index,
            base=base,
            ports=ALL_PORTS,
            words=segment,
            address=address,
            port_stride=port_stride,
        )
        self.listing.add(
            "load",
            self.index,
            words=value.words,
            target=value.address,
            target_stride=value.stride,
            **fields,
        )

    def refuse(self, what: str) -> ToolsError:
        """Return the error of something that is not there yet."""
        return ToolsError(
            f"op {self.index} ({self.operation.opcode}) has {what}, which training on the "
            "accelerator does not have yet: train with the backend emulator"
        )


def operand(value: Value) -> dict[str, int]:
    """Return the engine's fields of a straight operand."""
    return {
        "source": value.address,
        "source_stride": value.stride,
        "source_slot": value.slot,
        "source_first": value.first,
        "rows": value.rows,
        "depth_words": value.words,
    }


def transposed(value: Value, rows: int) -> dict[str, int]:
    """Return the fields of an operand whose stored rows are depth, of ``rows`` columns."""
    return {
        **operand(value),
        "transposed": 1,
        "rows": rows,
        "depth_words": value.groups,
        "last_rows": value.last_rows,
    }


def placement(value: Value, by_depth: bool) -> dict[str, int]:
    """Return the fields that place a value in the ring: its rows are depth, or outputs."""
    return {
        "place": 1,
        "source": value.address,
        "source_stride": value.stride,
        "source_slot": value.slot,
        "source_first": value.first,
        "last_rows": value.last_rows,
        "transposed": int(by_depth),
        "depth_words": value.groups if by_depth else value.words,
        "out_words": value.words if by_depth else value.groups,
    }


def seen_by(value: Value, other: Value) -> Value:
    """Return ``value``, for which a placement waits as long as for ``other``, made later."""
    return value if value.brought else replace(value, slot=other.slot, first=other.first)


def target(value: Value, claim: bool = True) -> dict[str, int]:
    """Return the fields of a result that goes to the banks."""
    return {
        "to_banks": 1,
        "target": value.address,
        "target_stride": value.stride,
        "target_slot": value.slot,
        "claim": int(claim),
        "out_words": value.words,
    }


def complete(value: Value) -> Value:
    """Return a value that needs no waiting; of one that was brought, placements must know."""
    return value if value.brought else replace(value, slot=0, first=0)


def figure(operation: int, slot: int = 0) -> list[Figure | None]:
    """Return what the only report of a command means."""
    return [Figure(operation, slot)]
