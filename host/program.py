"""One program of a bundle: instructions, memory map, and what it skips."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.schedule import Schedule

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """A named activation tensor: who writes it and where it lies.

    ``instruction`` is the index of the instruction that writes it; ``address`` an activation
    address in words; ``columns`` the elements of a row that mean something; ``frac`` the fraction
    length (0 for indices and masks); ``kind`` is value, index or mask.
    """

    name: str
    instruction: int
    address: int
    rows: int
    words: int
    columns: int
    frac: int
    kind: str = "value"


@dataclass(frozen=True, kw_only=True)
class OutputInfo:
    """A named tensor in the output region, row-major from word ``offset``."""

    name: str
    offset: int
    rows: int
    words: int
    columns: int
    frac: int
    kind: str = "value"


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a uint8 image becomes the input region: a table per channel (docs/numerics.md).

    ``lut`` is (channels, 256) int16, ``frac`` its fraction length; mean and std are for people.
    """

    channels: int
    height: int
    width: int
    lut: Int16
    frac: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Program:
    """The instructions for one choice of keep ratios.

    ``instructions`` is (n, 32) uint32; ``output_words`` the size of one image's output region, in
    which the output "logits" holds the result. ``token_keep_ratio`` is that of each selector,
    ``attention_keep_ratio`` that of each kept token's keys; 1 and 1 select nothing. ``info`` holds
    the compiler's figures: ``macs``, ``open_macs``, and ``instructions`` (tensor and MACs of each).
    ``schedule`` holds the same program as commands of the accelerator; without them,
    ``unscheduled`` says why, in one line.

    Raises:
        HostError: a name that is not made of lower-case letters, digits, ``_``, ``.`` and ``-``.
    """

    name: str
    instructions: NDArray[np.uint32]
    output_words: int
    outputs: tuple[OutputInfo, ...]
    tensors: tuple[TensorInfo, ...]
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0
    info: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule | None = None
    unscheduled: str = "it was never scheduled: use a file of `trivit compile`"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise HostError(
                f"a program cannot be called {self.name!r}: use lower-case letters and digits"
            )

    def output(self, name: str) -> OutputInfo:
        """Return the named output.

        Raises:
            HostError: the program has no such output.
        """
        for output in self.outputs:
            if output.name == name:
                return output
        names = ", ".join(o.name for o in self.outputs)
        raise HostError(f"the program has no output {name!r}: it has {names}")

    def commands(self) -> Schedule:
        """Return the commands for the accelerator and what must lie in DDR for them.

        Raises:
            HostError: the accelerator cannot run this program; the message says why.
        """
        if self.schedule is None:
            raise HostError(
                f"the program '{self.name}' has no commands for the accelerator: {self.unscheduled}"
            )
        return self.schedule

    def with_instructions(self, instructions: NDArray[np.uint32], **changes: Any) -> "Program":
        """Return the program with other instructions, (n, 32) uint32, and no commands for them."""
        return replace(
            self,
            instructions=instructions,
            schedule=None,
            unscheduled="its instructions were changed; schedule it again",
            **changes,
        )
