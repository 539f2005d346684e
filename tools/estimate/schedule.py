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
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.cycles import (
    LATENCY,
    OPCODES,
    Fields,
    comes_in_bands,
    connections_time,
    head_words,
    matmul_time,
    norm_latency,
    patches_fetched,
    patches_ready,
    plan_time,
    running_time,
    written_groups,
)

_FETCH_WORDS = DESCRIPTOR_WORDS // 4  # memory words of a descriptor: 32-bit words in 128


@dataclass(frozen=True)
class Cost:
    """Cycles of one instruction for one image, split by what they went to.

    ``array``: the array issues products. ``memory``: the executor does nothing but wait for DDR.
    ``vector``: everything else, which is softmax, selection, and pipelines that fill and drain.
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
    return [
        timeline.run(index, instruction, last=index + 1 == len(program))
        for index, instruction in enumerate(program)
    ]


@dataclass
class _Claim:
    """Words of weight memory, in use until ``release``."""

    words: int
    release: int = 0


@dataclass
class _Side:
    """A selection of connections that still runs, and the time that its mask then takes."""

    end: int
    write: int


@dataclass(frozen=True)
class _Before:
    """A matmul that ran directly before: row groups it wrote, and how fast its last tile was."""

    groups: int
    pace: int
    compacts: bool


class _Timeline:
    """Times count cycles from the start of the image; names are those of docs/cycles.md."""

    def __init__(self) -> None:
        self.now = 0
        self.tail = 0
        self.side: _Side | None = None
        self.before: _Before | None = None
        self.complete: int | None = None  # of the attention directly before
        self.patches: Fields | None = None  # a patchify that waits for a matmul beside it
        self.port = 0
        self.open = False
        self.claimed = 0
        self.ring: deque[_Claim] = deque()
        self.norm_ends = [0, 0]  # of the last two normalising matmuls
        self.descriptor = 0

    def run(self, index: int, instruction: Instruction, *, last: bool) -> Cost:
        opcode = instruction.opcode
        if opcode not in OPCODES:
            raise ToolsError(f"there is no cycle formula for '{opcode}': add one")
        self.descriptor = LATENCY + _FETCH_WORDS * (index + 1) + TIMING["decode"]
        before = self.now
        if opcode == "matmul":
            array, memory = self._matmul(instruction)
        else:
            array, memory = self._other(instruction)
        if last:
            memory += self._settle()
        return Cost(self.now - before, array, memory)

    def _other(self, instruction: Instruction) -> tuple[int, int]:
        """Return the cycles of the array and those that waited for DDR."""
        opcode, f = instruction.opcode, instruction.fields
        busy = running_time(opcode, f, instruction.flags)
        complete, self.complete, self.before = self.complete, None, None
        if opcode == "select_tokens" and complete is not None:
            self.now = max(self.now, max(self.descriptor, complete) + busy.cycles)
            return 0, 0
        waited = self._settle()
        if opcode == "patchify" and comes_in_bands(f):
            self.patches = f
            return 0, waited + self._begin(0)
        claim: _Claim | None = None
        ready = 0
        if opcode == "attention":
            claim = self._claim(2 * head_words(f["tokens"], f["head_words"]))
            ready = self.claimed
        elif opcode in ("load", "patchify"):
            ready = self.port
        waited += self._begin(ready)
        if busy.complete is not None:
            self.complete = self.now + busy.complete
        self.now += busy.cycles
        if claim is not None:
            claim.release = self.now
        elif opcode in ("load", "patchify"):
            self.port, self.open = self.now, False
        elif opcode == "select_connections":
            choosing, writing = connections_time(f)
            self.side = _Side(self.now + choosing, writing)
        return busy.array, waited + busy.memory

    def _matmul(self, instruction: Instruction) -> tuple[int, int]:
        """Return the cycles of the array and those that waited for operands."""
        f, flags = instruction.fields, instruction.flags
        depth = f["depth_words"]
        time = matmul_time(f, flags)
        vectors = self._transfer(depth, self.norm_ends[0]) if "normalise" in flags else 0
        least = spec.WEIGHT_DEPTH // spec.WEIGHT_TILES
        waited = 0
        for tile, compute in enumerate(time.compute):
            claim = self._claim(max(depth, least))
            arrived = self._transfer(TILE_DEPTH * depth + 1, self.claimed)
            waited += self._begin(max(vectors, arrived) if tile == 0 else arrived)
            if tile == 0:
                waited += self._await_patches(row_groups(f["rows"]), time.pace_first)
                self.now += self._follow(instruction, time.pace_first) + plan_time(f, flags)
            self.now += compute
            claim.release = self.now
        self.tail = time.tail
        if "normalise" in flags:
            self.norm_ends = [self.norm_ends[1], self.now]
        self.before = _Before(written_groups(f, flags), time.pace_last, "compact" in flags)
        self.complete = None
        if self.side is not None:
            self._settle()
        return time.array * len(time.compute), waited

    def _follow(self, instruction: Instruction, pace: int) -> int:
        """Return how long a matmul waits for the end of the one before, and for its last means."""
        norm = norm_latency(instruction.flags)
        before, tail, self.tail = self.before, self.tail, 0
        if before is None:
            return norm
        shared = min(row_groups(instruction.fields["rows"]), before.groups) - 1 - before.compacts
        return max(0, tail + norm - max(0, shared) * min(before.pace, pace))

    def _await_patches(self, count: int, pace: int) -> int:
        """Return how long the first pass over ``count`` row groups waits for the image."""
        if self.patches is None:
            return 0
        f, self.patches = self.patches, None
        start = self.now
        self.port, self.open = start + patches_fetched(f), False
        end = start
        for group in range(count):
            end = max(end, start + patches_ready(f, group)) + pace
        self.now = end - count * pace
        return self.now - start

    def _settle(self) -> int:
        """Wait until everything issued is in memory; return how long that waits for DDR."""
        memory = 0
        if self.patches is not None:
            f, self.patches = self.patches, None
            busy = running_time("patchify", f, frozenset())
            memory = self._begin(self.port) + busy.memory
            self.now += busy.cycles
            self.port, self.open = self.now, False
        self.now += self.tail
        self.tail = 0
        if self.side is not None:
            self.now = max(self.now, self.side.end) + self.side.write
            self.side = None
        return memory

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
