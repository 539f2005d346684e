"""Programs for fuzzing: placement in memory, parameters, and stores of everything written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from fuzz.case import Case
from programs import Builder

from trivit.host.fixed_point import Int16
from trivit.host.generated import spec
from trivit.host.generated.operands import OPERANDS
from trivit.host.instructions import decode, encode
from trivit.host.oracle.checks import memory_regions


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor in activation memory; ``bits`` says about how large its values are."""

    address: int
    rows: int
    words: int
    bits: int = 15


@dataclass(frozen=True, kw_only=True)
class Target(Tensor):
    """Where an instruction writes; with ``border`` the memory around it is watched."""

    border: bool = False


def groups(rows: int) -> int:
    """Return the row groups of a tensor."""
    return -(-rows // spec.TILE_TOKENS)


class FuzzBuilder(Builder):
    """A Builder that places tensors anywhere and stores what each instruction leaves."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.output_words = 0
        self.hoist = False  # loads go where memory was last forgotten, not to the end
        self._hoisted = 0
        self._occupied: list[tuple[int, int]] = []

    def gaps(self) -> list[tuple[int, int]]:
        """Return the free (first, end) intervals of activation memory."""
        found, first = [], 0
        for start, end in sorted(self._occupied):
            found.append((first, start))
            first = end
        return [gap for gap in [*found, (first, spec.PROGRAM_DEPTH)] if gap[1] > gap[0]]

    def room(self) -> int:
        """Return the depth words of the largest free interval."""
        return max((end - first for first, end in self.gaps()), default=0)

    def release_all(self) -> None:
        """Forget every tensor, so that its memory is used again."""
        self._occupied.clear()
        self._hoisted = len(self.program)

    def place(self, depth: int, where: str) -> int:
        """Reserve ``depth`` words of each bank and return their address.

        ``where`` is first or last (the edges of memory while they are free) or within.
        """
        fitting = [gap for gap in self.gaps() if gap[1] - gap[0] >= depth]
        first, end = fitting[-1] if where == "last" else fitting[0]
        address = {"first": first, "last": end - depth}.get(where)
        if address is None:
            first, end = fitting[int(self.rng.integers(len(fitting)))]
            address = int(self.rng.integers(first, end - depth + 1))
        self._occupied.append((address, address + depth))
        return address

    def operands(
        self,
        opcode: str,
        flags: tuple[str, ...],
        fill: Callable[[str, int], Int16],
        **fields: int,
    ) -> None:
        """Append an instruction with parameters that ``fill(field, words)`` gives.

        How many words each field needs is asked of the oracle, so no layout is repeated here.
        Parameters in ``fields`` are not used by the instruction.
        """
        names = [
            operand.name
            for operand in OPERANDS[opcode]
            if operand.memory == "params" and operand.name not in fields
        ]
        draft = decode(encode(opcode, flags, **dict.fromkeys(names, 0), **fields))
        assert draft is not None
        regions = memory_regions(draft)
        addresses = {name: self.constants(fill(name, regions[name][2])) for name in names}
        self.add(opcode, flags, **fields, **addresses)

    def load(self, tensor: Tensor, values: Int16, *flags: str) -> None:
        """Append a load of (rows, words·8) values.

        The memory was free since it was last forgotten, so the load may stand anywhere since then.
        """
        self.operands(
            "load",
            flags,
            lambda _, words: values.ravel()[: words * spec.TILE_DEPTH],
            dst=tensor.address,
            rows=tensor.rows,
            words=tensor.words,
        )
        if self.hoist:
            self.program.insert(self._hoisted, self.program.pop())
            self._hoisted += 1

    def store(self, tensor: Tensor, gap: int = 0) -> None:
        """Append a store that leaves ``gap`` words of the output region untouched before it."""
        self.add(
            "store",
            src=tensor.address,
            target=self.output_words + gap,
            rows=tensor.rows,
            words=tensor.words,
        )
        self.output_words += gap + tensor.rows * tensor.words

    def target(self, rows: int, words: int, where: str, *, border: bool, bits: int = 15) -> Target:
        """Reserve memory for a result and return where it is."""
        depth = groups(rows) * words
        address = self.place(depth + 2 * border, where) + border
        return Target(address=address, rows=rows, words=words, bits=bits, border=border)

    def stored(self, target: Target, gap: int) -> None:
        """Store a result, and with a border the rows that complete its last group and the words
        before and behind it: nothing there may have changed.
        """
        if not target.border:
            self.store(target, gap)
            return
        self.store(
            Tensor(
                address=target.address,
                rows=groups(target.rows) * spec.TILE_TOKENS,
                words=target.words,
            ),
            gap,
        )
        for address in (target.address - 1, target.address + groups(target.rows) * target.words):
            self.store(Tensor(address=address, rows=spec.TILE_TOKENS, words=1))

    def case(self, inputs: Int16) -> Case:
        """Return the finished case; the output region ends with the last store."""
        return Case(
            program=np.stack(self.program),
            params=np.concatenate(self.params) if self.params else np.zeros(0, dtype=np.int16),
            inputs=inputs,
            output_words=self.output_words,
        )
