"""The bank agents with somebody at each of their streams, and what their commands must do."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge
from numpy.typing import NDArray
from rtl.bench.signals import Receiver, Sender, Steps, from_bits, to_bits

from trivit.host.generated.commands import COMMANDS

Int16 = NDArray[np.int16]
Word = tuple[int, int]  # bank, address

# Streams that go in and come out, besides commands and reports; `word` and `stored` are one for
# each port.
STREAMS = {
    "row_writer": (
        ("gelu", "direct", "list", "gelu_backward", "softmax_backward", "cross_entropy"),
        (),
    ),
    "softmax_writer": (("results",), ()),
    "norm_writer": (("results", "backward"), ()),
    "load": (("word",), ("vectors",)),
    "row_reader": ((), ("rows",)),
    "store": ((), ("stored",)),
}
# Streams whose words go to one of two blocks: the signal that tells, above the word's bits.
BACKWARD = {"rows": "row_reader_rows_backward", "vectors": "load_vectors_backward"}
WRITERS = ("row_writer", "softmax_writer", "norm_writer", "load")
READERS = {"row_reader": 0, "store": 1}  # and their bits of `announce`
LOAD_ANNOUNCED = 2  # and that of load
SLOT_BITS = COMMANDS["store"].fields["first"][1]


@dataclass(frozen=True)
class Group:
    """A row group that a writer completes: its slot (0: nobody is told) and its words."""

    slot: int
    words: dict[Word, list[Int16]]  # several: a later row group may be there already


@dataclass(frozen=True)
class Tensor:
    """What a reader reads: its place, its slot, its words [row groups, words, banks, depth].

    `others`: places and words of tensors that are read with it and are there before.
    """

    slot: int
    first: int
    address: int
    stride: int
    values: Int16
    others: tuple[tuple[int, Int16], ...] = ()


@dataclass
class Work:
    """What an agent is sent, and what it must do: the commands' sum; `results` by port."""

    commands: list[int] = field(default_factory=list)
    streams: dict[str, list[int]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    results: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    tags: list[int] = field(default_factory=list)


class BankBench:
    """`send` work, `finish`, compare."""

    def __init__(
        self, dut: Any, seed: int, pause: float = 0.0, busy: float | Callable[[int, int], bool] = 0
    ) -> None:
        """`busy`: share of the cycles in which a bank takes nothing, or a function of both."""
        self.dut, self.pause, self.busy = dut, pause, busy
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.banks = len(dut.busy)
        self.depth = len(dut.row_writer_list) // 16
        self.tile = len(dut.row_writer_gelu) // 16 // self.depth
        self.address_bits = len(dut.fill_address)
        self.memory: Int16 = np.zeros((self.banks, 512, self.depth), np.int16)
        self.want = self.memory.copy()
        self.steps = Steps(dut.clk)
        self.free = 0  # address from which on nothing lies

    # Numbers

    def draw(self, *shape: int) -> Int16:
        """Random words: int16 [*shape, depth]."""
        return self.numbers.integers(-32768, 32768, (*shape, self.depth)).astype(np.int16)

    def place(self, words: int) -> int:
        """An address from which on `words` words are free in every bank."""
        start = self.free + self.rng.randrange(3)
        self.free = start + words
        assert self.free <= self.memory.shape[1], "the test's tensors do not fit"
        return start

    def slot(self) -> int:
        """A slot, sometimes none."""
        return self.rng.randrange(8)

    def tag(self) -> int:
        """A tag of a command that does something."""
        return self.rng.randrange(1, 1 << 11)

    # Streams

    def _lanes(self, unit: str, stream: str) -> list[tuple[Any, Any, Any]]:
        data, valid, ready = (
            getattr(self.dut, f"{unit}_{stream}{end}") for end in ("", "_valid", "_ready")
        )
        if stream == "word":
            return [(data[p], valid[p], ready[p]) for p in range(self.tile)]
        if stream == "stored":  # the same word to all ports, valid to one
            return [(data, valid[p], ready[p]) for p in range(self.tile)]
        return [(data, valid, ready)]

    def _sender(self, lane: tuple[Any, Any, Any]) -> Sender:
        return Sender(*lane, self.rng, self.pause)

    def _receiver(self, lane: tuple[Any, Any, Any], flag: Any = None) -> Receiver:
        data, valid, ready = lane
        ready.value = 0

        def read() -> tuple[int, int]:
            marks = int(flag.value) << len(data) if flag is not None else 0
            return int(data.value) | marks, self.steps.cycle

        return Receiver(read, valid, ready, self.rng, self.pause)

    async def reset(self) -> None:
        """Reset all agents; the banks keep their words, the streams are empty."""
        dut = self.dut
        self.senders: dict[str, Sender] = {}
        self.receivers: dict[str, Receiver] = {}
        for unit, (inputs, outputs) in STREAMS.items():
            for name in ("command", *inputs):
                for n, lane in enumerate(self._lanes(unit, name)):
                    key = f"{unit}.{name}{n if name == 'word' else ''}"
                    self.senders[key] = self._sender(lane)
            for name in (*outputs, *(() if unit == "row_reader" else ("report",))):
                for n, lane in enumerate(self._lanes(unit, name)):
                    key = f"{unit}.{name}{n if name == 'stored' else ''}"
                    flag = getattr(dut, BACKWARD[name]) if name in BACKWARD else None
                    self.receivers[key] = self._receiver(lane, flag)
        self.fills: deque[tuple[int, Int16]] = deque()
        self.counts = [0] * 8
        self.announcing = 0
        self.expected: dict[str, deque[Group]] = {unit: deque() for unit in WRITERS}
        dut.busy.value = dut.fill.value = dut.announce.value = dut.slot_groups.value = 0
        dut.reset.value = 1
        self.steps.steps = []
        if not self.steps.cycle:
            self.steps.start()
        await self.steps.run(4)
        dut.reset.value = 0
        self.steps.steps = [
            *(sender.step for sender in self.senders.values()),
            *(receiver.step for receiver in self.receivers.values()),
            self._step_banks,
            self._step_readers,
        ]

    def send(self, unit: str, work: Work) -> None:
        """Give an agent its commands and its streams; what its row groups must hold is checked."""
        self.senders[f"{unit}.command"].send(work.commands)
        for name, words in work.streams.items():
            self.senders[f"{unit}.{name}"].send(words)
        if unit in WRITERS:
            self.expected[unit].extend(group for group in work.groups if group.slot)

    # Every cycle

    def _step_banks(self) -> None:
        dut, cycle = self.dut, self.steps.cycle
        taken = int(dut.written.value)
        if taken:
            addresses, words = int(dut.written_address.value), int(dut.written_words.value)
            for bank in range(self.banks):
                if taken >> bank & 1:
                    address = addresses >> bank * self.address_bits & (1 << self.address_bits) - 1
                    word = words >> bank * 16 * self.depth & (1 << 16 * self.depth) - 1
                    self.memory[bank, address] = from_bits(word, self.depth)
        for unit in WRITERS:
            if int(getattr(dut, f"{unit}_complete").value):
                assert self.expected[unit], f"{unit} completes a row group too many"
                self._check(unit, self.expected[unit].popleft())
        if callable(self.busy):
            busy = sum(1 << t for t in range(self.banks) if self.busy(cycle, t))
        else:
            busy = sum(1 << t for t in range(self.banks) if self.rng.random() < self.busy)
        dut.busy.value = busy
        dut.fill.value = int(bool(self.fills))
        if self.fills:
            address, words_of = self.fills.popleft()
            self.memory[:, address] = self.want[:, address] = words_of
            dut.fill_address.value = address
            dut.fill_words.value = to_bits(words_of)

    def _check(self, unit: str, group: Group) -> None:
        slot = int(getattr(self.dut, f"{unit}_complete_slot").value)
        assert slot == group.slot, f"{unit} completes in slot {slot}, not {group.slot}"
        for (bank, address), allowed in group.words.items():
            found = self.memory[bank, address]
            assert any(np.array_equal(found, word) for word in allowed), (
                f"{unit}: word {address} of bank {bank} is not there when its row group is complete"
            )

    def _step_readers(self) -> None:
        self.dut.announce.value = self.announcing
        self.announcing = 0  # for a cycle
        self.dut.slot_groups.value = sum(n << SLOT_BITS * s for s, n in enumerate(self.counts))

    async def fill(self, address: int, rows: Int16) -> None:
        """Put words [words, banks, depth] into the banks, past the agents."""
        self.fills.extend((address + n, words) for n, words in enumerate(rows))
        await self._until(lambda: not self.fills)
        await self._run(3)

    async def become_complete(self, bit: int, tensors: Sequence[Tensor]) -> None:
        """Begin products one after the other, whose row groups become complete.

        Until then a tensor's place holds other words and its slot an old count. A tensor without a
        slot is there when its product begins.
        """
        rng = self.rng
        for tensor in tensors:
            for n in range(len(tensor.values)):
                await self.fill(
                    tensor.address + n * tensor.stride, self.draw(*tensor.values.shape[1:3])
                )
                for address, values in tensor.others:
                    await self.fill(address + n * tensor.stride, values[n])
        for tensor in tensors:
            self.counts[tensor.slot] = (1 << SLOT_BITS) - 1
        for tensor in tensors:
            await self._run(rng.randrange(40))
            if tensor.slot:
                self.announcing |= 1 << bit
                self.counts[tensor.slot] = rng.randrange(tensor.first + 1)
            for n, values in enumerate(tensor.values):
                await self._run(rng.randrange(30))
                await self.fill(tensor.address + n * tensor.stride, values)
                if tensor.slot:
                    self.counts[tensor.slot] = tensor.first + n + 1
            if not tensor.slot:
                self.announcing |= 1 << bit
                await self._run(1)

    async def _run(self, cycles: int) -> None:
        """Let others step the clock."""
        until = self.steps.cycle + cycles
        await self._until(lambda: self.steps.cycle >= until)

    async def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            await RisingEdge(self.dut.clk)

    # Results

    def received(self, name: str) -> list[int]:
        """Words of a stream so far."""
        return [word for word, _ in self.receivers[name].words]

    async def finish(self, works: dict[str, Work], limit: int = 20_000) -> None:
        """Wait for all that the agents must send; compare it, and that nothing more comes."""
        wanted: dict[str, Sequence[int]] = {}
        for unit, work in works.items():
            for name in STREAMS[unit][1]:
                for port in range(self.tile if name == "stored" else 1):
                    key = f"{unit}.{name}{port if name == 'stored' else ''}"
                    wanted[key] = work.results[port]
            if unit != "row_reader":
                wanted[f"{unit}.report"] = [tag << 52 for tag in work.tags]
        await self.steps.until(
            lambda: all(len(self.receivers[n].words) >= len(w) for n, w in wanted.items()), limit
        )
        await self.steps.run(30)
        for name, words in wanted.items():
            assert self.received(name) == list(words), name
        for name, sender in self.senders.items():
            assert sender.empty, f"{name} was not taken"
        for unit, groups in self.expected.items():
            assert not groups, f"{unit} did not complete {len(groups)} row groups"
        wrong = np.argwhere((self.memory != self.want).any(axis=2))
        assert not wrong.size, f"bank, address of wrong words: {wrong[:8].tolist()}"


def pack(words: Int16) -> list[int]:
    """Words [n, elements] as bits."""
    return [to_bits(word) for word in words]
