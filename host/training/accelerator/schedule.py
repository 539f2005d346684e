"""A training program as the accelerator runs it: commands, and which fields a step changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trivit.host.commands import decode, encode, from_words, to_words
from trivit.host.errors import HostError
from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import ENGINE_MAX_ALIGN
from trivit.host.oracle.training import tensor_key
from trivit.host.schedule import ImageLayout, Schedule
from trivit.host.training.accelerator.planes import PlaneMap
from trivit.host.training.descriptors import Resolved, StepConstants

#: A field is a number of an op, or that and a constant of the step.
Kind = Literal["number", "rate", "rate_shift", "key", "clip"]
SIGNED = {
    ("normalise_backward", "addend_shift"),
    ("update", "decay_shift"),
    ("update", "gradient_shift"),
    ("update", "bias_gradient_shift"),
}
_LARGEST = {("engine", n): ENGINE_MAX_ALIGN for n in ("bias_shift", "residual_shift")}


@dataclass(frozen=True)
class Patch:
    """A field of a command that follows from an op of the program."""

    command: int
    unit: str
    field: str
    operation: int
    number: str
    kind: Kind = "number"

    def value(self, fields: Mapping[str, int], step: StepConstants) -> int:
        """Return the field's value from the op's numbers and the step's constants.

        Raises:
            HostError: the field does not hold it.
        """
        if self.kind == "rate":
            return step.rate
        if self.kind == "clip":
            return step.clip
        if self.kind == "key":
            return tensor_key(step.key, fields["number"])
        wanted = fields[self.number]
        if self.kind == "rate_shift":
            # A rate of zero has no exponent; larger shifts drop all that is left of the product.
            wanted = wanted + step.rate_exponent if step.rate else 0
        low, high = self.bounds
        if not low <= wanted <= high:
            raise HostError(
                f"{self.unit}.{self.field} of the accelerator would be {wanted}, it has "
                f"{low}..{high}: give its tensors closer fraction lengths"
            )
        _, width = COMMANDS[self.unit].fields[self.field]
        return wanted & ((1 << width) - 1)

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the largest value that the field holds."""
        _, width = COMMANDS[self.unit].fields[self.field]
        if (self.unit, self.field) in SIGNED:
            return -(1 << (width - 1)), (1 << (width - 1)) - 1
        return 0, _LARGEST.get((self.unit, self.field), (1 << width) - 1)


@dataclass(frozen=True)
class Figure:
    """Which figures of which op a report gives: (op, slot), its squares alone, or nothing."""

    operation: int
    slot: int
    squares: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingSchedule:
    """The commands of a training program.

    ``commands`` is (n, 4) uint64 without the patches. ``figures``: what the reports of each unit
    mean, in the order of its commands. The input region has the image as ``image`` arranges it and
    behind that the row of the target, ``target_words`` words; the output region the logits.
    ``opcodes`` are those of the program's ops.
    """

    commands: NDArray[np.uint64]
    patches: tuple[Patch, ...]
    figures: Mapping[str, tuple[Figure | None, ...]]
    planes: PlaneMap
    image: ImageLayout
    target_words: int
    output_words: int
    reports: int
    opcodes: tuple[str, ...]
    logits: str

    def patched(self, operations: Sequence[Resolved], step: StepConstants) -> NDArray[np.uint64]:
        """Return the commands of a step.

        Raises:
            HostError: a number that its field does not hold.
        """
        decoded = [decode(word) for word in from_words(self.commands)]
        for patch in self.patches:
            value = patch.value(operations[patch.operation].fields, step)
            decoded[patch.command].fields[patch.field] = value
        return to_words(encode(c.unit, tag=c.tag, end=c.end, **c.fields) for c in decoded)

    def check(self, operation: int, numbers: Mapping[str, int]) -> None:
        """Refuse numbers of an op that the accelerator's fields do not hold.

        Raises:
            HostError: one of them is out of its field's range.
        """
        for patch in self.patches:
            if patch.operation == operation and patch.kind == "number":
                patch.value(numbers, _NO_STEP)

    def for_interpreter(self, commands: NDArray[np.uint64]) -> Schedule:
        """Return a schedule of these commands as ``host.oracle.commands`` takes them."""
        return Schedule(
            commands=commands,
            extra_params=np.zeros(0, np.int16),
            image=self.image,
            output_words=self.output_words,
            reports=self.reports,
            tags=len(self.opcodes),
            watched=(),
        )


_NO_STEP = StepConstants(rate=0, rate_exponent=0, key=0)
