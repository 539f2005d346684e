"""What a training step takes in DDR, whether or not its values find places in the banks."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.generated.commands import COMMAND_BITS
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.training.program import TrainingProgram
from trivit.tools.training.schedule.lower import commands, image_layout
from trivit.tools.training.schedule.memory import logits_words

_WORD_BYTES = 2 * TILE_DEPTH


@dataclass(frozen=True)
class Footprint:
    """Bytes in DDR: planes of parameters, constants, the input, logits and what waits, commands."""

    planes: int
    constants: int
    inputs: int
    waiting: int
    commands: int

    @property
    def total(self) -> int:
        """All bytes."""
        return self.planes + self.constants + self.inputs + self.waiting + self.commands

    def __str__(self) -> str:
        parts = ("planes", "constants", "inputs", "waiting", "commands", "total")
        return ", ".join(f"{name} {getattr(self, name) / 1e6:.1f} MB" for name in parts)


def footprint(program: TrainingProgram) -> Footprint:
    """Return what a step takes if all that backward reads waits in DDR.

    Raises:
        ToolsError: what training on the accelerator does not have yet.
    """
    c = commands(program, wait=True)
    planes = c.ddr.planes
    return Footprint(
        planes=len(planes.names) * planes.words * _WORD_BYTES,
        constants=planes.constants.nbytes,
        inputs=(image_layout(program).region_words + logits_words(program)) * _WORD_BYTES,
        waiting=c.waiting.words * _WORD_BYTES,
        commands=(len(c.listing.drafts) + 1) * COMMAND_BITS // 8,
    )
