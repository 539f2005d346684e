"""The timeline of an image: fetcher, parameter stream and executor (docs/cycles.md).

An instruction's cycles depend on the program around it, because the parameter stream works ahead
of the executor as far as its buffers reach.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.generated import spec
from trivit.host.generated.spec import DESCRIPTOR_WORDS, TILE_DEPTH, TIMING
from trivit.host.instructions import Instruction
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.cycles import (
    LATENCY,
    OPCODES,
    Busy,
    head_words,
    matmul_time,
    running_time,
)

_FETCH_WORDS = DESCRIPTOR_WORDS // 4  # memory words of a descriptor: 32-bit words in 128


@dataclass(frozen=True)
class Cost:
    """Cycles of one instruction for one image, split by what they went to.

    ``array``: the array issues products. ``memory``: the executor does nothing but wait for DDR.
    ``vector``: everything else, which is softmax, layer normalisation, selection, copies on chip,
    and pipelines that fill and drain.
    """

    cycles: int
    array: int
    memory: int

    @property
    def vector(self) -> int:
        """Cycles that neither the array nor the memory accounts for."""
        return self.cycles - self.array - self.memory

    @property
    def bound(self) -> str:
        """Where most cycles went: array, vector or memory."""
        shares = {"array": self.array, "vector": self.vector, "memory": self.memory}
        return max(shares, key=lambda name: shares[name])


def program_costs(program: Sequence[Instruction]) -> list[Cost]:
    """Return the cost of every instruction of a program for one image.

    Raises:
        ToolsError: an opcode without a formula.
    """
    timeline = _Timeline()
    return [timeline.run(index, instruction) for index, instruction in enumerate(program)]


@dataclass
class _Claim:
    """Words of weight memory, in use until ``release``."""

    words: int
    release: int = 0


class _Timeline:
    """Times count cycles from the start of the image; names are those of docs/cycles.md."""

    def __init__(self) -> None:
        self.now = 0
        self.port = 0
        self.open = False
        self.claimed = 0
        self.ring: deque[_Claim] = deque()
        self.norm_ends = [0, 0]  # of the last two layernorms
        self.descriptor = 0

    def run(self, index: int, instruction: Instruction) -> Cost:
        opcode, f, flags = instruction.opcode, instruction.fields, instruction.flags
        if opcode not in OPCODES:
            raise ToolsError(f"there is no cycle formula for '{opcode}': add one")
        self.descriptor = LATENCY + _FETCH_WORDS * (index + 1) + TIMING["decode"]
        before = self.now
        if opcode == "matmul":
            array, waited = self._matmul(instruction)
            return Cost(self.now - before, array, waited)
        claim: _Claim | None = None
        ready = 0
        if opcode == "layernorm":
            ready = self._transfer(f["words"], self.norm_ends[0])
        elif opcode == "attention":
            claim = self._claim(2 * head_words(f["tokens"], f["head_words"]))
            ready = self.claimed
        elif opcode in ("load", "patchify"):
            ready = self.port
        waited = self._begin(ready)
        busy: Busy = running_time(opcode, f, flags)
        self.now += busy.cycles
        if opcode == "layernorm":
            self.norm_ends = [self.norm_ends[1], self.now]
        elif claim is not None:
            claim.release = self.now
        elif opcode in ("load", "patchify"):
            self.port, self.open = self.now, False
        return Cost(self.now - before, busy.array, waited + busy.memory)

    def _matmul(self, instruction: Instruction) -> tuple[int, int]:
        """Return the cycles of the array and those that waited for tiles."""
        depth = instruction.fields["depth_words"]
        time = matmul_time(instruction.fields, instruction.flags)
        least = spec.WEIGHT_DEPTH // spec.WEIGHT_TILES
        waited = 0
        for compute in time.compute:
            claim = self._claim(max(depth, least))
            waited += self._begin(self._transfer(TILE_DEPTH * depth + 1, self.claimed))
            self.now += compute
            claim.release = self.now
        self.now += time.drain
        return time.array * len(time.compute), waited

    def _claim(self, words: int) -> _Claim:
        """Take a piece of the weight ring; ``claimed`` is when it is free."""
        while self.ring and sum(c.words for c in self.ring) + words > spec.WEIGHT_DEPTH:
            self.claimed = max(self.claimed, self.ring.popleft().release)
        self.ring.append(_Claim(words))
        return self.ring[-1]

    def _transfer(self, words: int, earliest: int) -> int:
        """Bring ``words`` over each parameter port; return when the last one is there."""
        start = max(self.port, earliest, self.descriptor)
        self.port = start + (0 if self.open else LATENCY) + words
        self.open = True
        return self.port

    def _begin(self, ready: int) -> int:
        """Wait until the instruction is known and its operands are there; return how long."""
        waited = max(0, self.descriptor - self.now, ready - self.now)
        self.now += waited
        return waited
