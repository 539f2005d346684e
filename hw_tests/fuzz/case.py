"""A fuzzing case: a program, its parameters and raw input regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis.vendor.pretty import RepresentationPrinter
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.instructions import decode


@dataclass(frozen=True, kw_only=True, repr=False)
class Case:
    """What the kernel is started with.

    ``program`` is (instructions, 32) uint32, ``params`` (params_words·8,) int16, ``inputs``
    (images, input_words·8) int16; ``output_words`` is the size of one image's output region.
    ``num_instructions`` may differ from the program's length, to try lengths that are refused.
    """

    program: NDArray[np.uint32]
    params: Int16
    inputs: Int16
    output_words: int
    num_instructions: int | None = None

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.inputs)

    @property
    def params_words(self) -> int:
        """Size of the parameter region in memory words."""
        return len(self.params) // TILE_DEPTH

    @property
    def input_words(self) -> int:
        """Size of one image's input region in memory words."""
        return self.inputs.shape[1] // TILE_DEPTH

    @property
    def length(self) -> int:
        """The number of instructions that the kernel is told."""
        return len(self.program) if self.num_instructions is None else self.num_instructions

    def __repr__(self) -> str:
        return f"<case of {len(self.program)} instructions>"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """Keep hypothesis from printing the arrays: the listing says more."""
        printer.text(repr(self))

    def save(self, path: Path) -> None:
        """Write a numpy archive that holds the case."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                program=self.program,
                params=self.params,
                inputs=self.inputs,
                output_words=self.output_words,
                length=self.length,
            )

    @staticmethod
    def load(path: Path) -> Case:
        """Read what save wrote."""
        with np.load(path) as file:
            return Case(
                program=file["program"],
                params=file["params"],
                inputs=file["inputs"],
                output_words=int(file["output_words"]),
                num_instructions=int(file["length"]),
            )

    def listing(self) -> str:
        """Return the program in words, a line for each instruction."""
        lines = [
            f"{self.images} images, {self.params_words} params words, "
            f"{self.input_words} input words, {self.output_words} output words"
        ]
        if self.length != len(self.program):
            lines.append(f"num_instructions={self.length}")
        for index, words in enumerate(self.program):
            instruction = decode(words)
            if instruction is None:
                lines.append(f"{index:3} ? {' '.join(f'{word:x}' for word in words)}")
                continue
            name = "+".join([instruction.opcode, *sorted(instruction.flags)])
            fields = " ".join(f"{key}={value}" for key, value in instruction.fields.items())
            lines.append(f"{index:3} {name} {fields}")
        return "\n".join(lines)
