"""Attention in steps of a row group: scores and context in turn, probabilities by somebody else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from rtl.bench.engine import EngineBench
from rtl.bench.products import Int16, Product, Weights, placement
from rtl.bench.signals import from_bits, to_bits

QKV, PROBABILITY, CONTEXT, RESULT = 1, 2, 3, 4  # slots


def probabilities(scores: Int16) -> Int16:
    """What stands in for softmax: any function of the scores that is not linear."""
    return (scores.astype(np.int64) ** 2 >> 15).clip(max=32767).astype(np.int16)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Attention of `heads` heads of `head` words each, and where its tensors lie."""

    tokens: int
    heads: int
    head: int
    lag: int  # steps from scores to context
    qkv: int
    probability: int
    context: int
    result: int
    score_shift: int = 17
    context_shift: int = 17
    in_steps: bool = True  # the projection too; else it is one product, tiles outer


@dataclass
class StepAttention:
    """Sends the commands of attention and projection, and knows the results.

    Step i is row group g of head h, i = h · groups + g. The ring holds keys and values of a head
    and, placed ahead, those of the next; the projection's weights behind the last values.
    """

    bench: EngineBench
    shape: Shape
    products: list[Product] = field(default_factory=list)
    saturated: list[int] = field(default_factory=list)
    streamed: list[tuple[Product, Int16]] = field(default_factory=list)
    ring: list[tuple[str, int, Weights]] = field(default_factory=list)  # name, words, contents

    def __post_init__(self) -> None:
        shape, geometry = self.shape, self.bench.geometry
        self.groups = -(-shape.tokens // geometry.tokens)
        self.tail = shape.tokens - (self.groups - 1) * geometry.tokens
        self.wrap = shape.lag + 1
        assert shape.lag < self.groups
        self.width = shape.heads * shape.head
        self.steps = shape.heads * self.groups

    def rows(self, group: int) -> int:
        """Rows of a row group."""
        return self.tail if group + 1 == self.groups else self.bench.geometry.tokens

    def _place(self, head: int) -> None:
        """Keys and values of a head, behind what the ring holds."""
        shape, model = self.shape, self.bench.model
        common = {"source_stride": 3 * self.width, "source_slot": QKV, "last_rows": self.tail}
        at = shape.qkv + head * shape.head
        sizes = (("K", shape.head, self.groups), ("V", self.groups, shape.head))
        for place, (name, depth_words, out_words) in enumerate(sizes, 1):
            like = Product(
                source=0, source_stride=0, rows=0, depth_words=depth_words, out_words=out_words
            )
            command = placement(
                like, source=at + place * self.width, transposed=name == "V", **common
            )
            self.bench.commands.send([command.bits])
            words = command.ring_words(self.bench.geometry)
            self.ring.append((f"{name}{head}", words, model.placed(command)))

    def _run(self, name: str, product: Product, last: bool) -> Int16:
        """Send a product with the matrix `name` of the ring, which it releases if it is the last.

        Returns its result.
        """
        names = [entry[0] for entry in self.ring]
        place = names.index(name)
        offset = sum(words for _, words, _ in self.ring[:place])
        weights = self.ring[place][2]
        tag = len(self.products)
        product = product.changed(keep=not last, ring_offset=offset, tag=tag)
        if last:
            assert place == 0
            self.ring.pop(0)
        result, count = self.bench.submit(product, weights)
        self.products.append(product)
        self.saturated.append(count)
        if product.stream:
            self.streamed.append((product, result))
        return result

    def _score(self, step: int) -> None:
        shape, geometry = self.shape, self.bench.geometry
        head, group = divmod(step, self.groups)
        product = Product(
            source=shape.qkv + head * shape.head + group * 3 * self.width,
            source_stride=3 * self.width,
            source_slot=QKV,
            source_first=group,
            rows=self.rows(group),
            depth_words=shape.head,
            out_words=self.groups,
            to_banks=False,
            claim=False,
            fill=False,
            stream=1,
            clear_slot=PROBABILITY if step == 0 else 0,
            out_shift=shape.score_shift,
        )
        scores = self._run(f"K{head}", product, group + 1 == self.groups)
        begin, pairs = self.buffer(step), -(-self.rows(group) // 2)
        memory = self.bench.model.memory[begin : begin + self.groups, : 2 * pairs]
        words = self.words(probabilities(scores[:, : self.groups * geometry.depth]))
        memory[:] = words[:, : 2 * pairs]

    def buffer(self, step: int) -> int:
        """Where the probabilities of a step lie."""
        return self.shape.probability + step % self.wrap * self.groups

    def words(self, rows: Int16) -> Int16:
        """(word, bank, element) of the rows of a row group; rows that do not exist are zero."""
        geometry = self.bench.geometry
        words = np.zeros((self.groups, geometry.tokens, geometry.depth), np.int16)
        words[:, : len(rows)] = rows.reshape(len(rows), self.groups, -1).transpose(1, 0, 2)
        return words

    def _context(self, step: int) -> None:
        shape = self.shape
        head, group = divmod(step, self.groups)
        product = Product(
            source=self.buffer(step),
            source_stride=self.groups,
            source_slot=PROBABILITY,
            source_first=step,
            rows=self.rows(group),
            depth_words=self.groups,
            out_words=shape.head,
            target=shape.context + head * shape.head + group * self.width,
            target_stride=self.width,
            target_slot=CONTEXT,
            claim=step == 0,
            fill=False,
            out_shift=shape.context_shift,
        )
        self._run(f"V{head}", product, group + 1 == self.groups)

    def _project(self, group: int) -> None:
        """The projection from a row group on; the first brings the weights, the last releases them.

        It is a step of one row group, or all of them.
        """
        shape, bench = self.shape, self.bench
        product = Product(
            source=shape.context + group * self.width,
            source_stride=self.width,
            source_slot=CONTEXT,
            source_first=(shape.heads - 1) * self.groups + group,
            rows=self.rows(group) if shape.in_steps else shape.tokens,
            depth_words=self.width,
            out_words=self.width,
            has_bias=True,
            bias_shift=8,
            target=shape.result + group * self.width,
            target_stride=self.width,
            target_slot=RESULT,
            claim=group == 0,
            fill=group == 0,
            out_shift=16,
        )
        if group == 0:
            weights = bench.random_weights(product, -300, 300)
            self.ring.append(("W", product.ring_words(bench.geometry), weights))
        self._run("W", product, group + 1 == self.groups or not shape.in_steps)

    def place_first(self) -> None:
        """Send the placements of the first head's keys and values."""
        self._place(0)

    def submit(self) -> None:
        """Send all other commands."""
        shape, groups = self.shape, self.groups
        for step in range(self.steps + shape.lag):
            if step < self.steps:
                head, group = divmod(step, groups)
                if group == 1 and head + 1 < shape.heads:
                    self._place(head + 1)
                self._score(step)
            if step >= shape.lag:
                self._context(step - shape.lag)
            done = step - shape.lag - (shape.heads - 1) * groups
            if done > 0 and shape.in_steps:  # a step later, so that its rows are written
                self._project(done - 1)
        self._project(groups - 1 if shape.in_steps else 0)
        assert not self.ring

    @property
    def limit(self) -> int:
        """Cycles of the array."""
        return sum(product.cycles(self.bench.geometry) for product in self.products)


@dataclass(frozen=True)
class Write:
    """A word of two rows on its way to a pair of banks, not before a cycle."""

    cycle: int
    step: int
    pair: int
    address: int
    bits: int


class Softmax:
    """Takes the scores' rows from the stream and writes probabilities, `delay` cycles later.

    It brings a word of two rows a cycle, in the order of the block's results: tile of words, pair
    of rows, word. `waiting` of them have room in front of each pair of banks.
    """

    def __init__(
        self, work: StepAttention, *, delay: int, waiting: int = 4, pause: float = 0.0
    ) -> None:
        self.work, self.bench = work, work.bench
        self.delay, self.waiting, self.pause = delay, waiting, pause
        self.taken = 0  # rows of the stream
        self.left: list[int] = []  # words of each step that are not written
        self.told = 0  # steps whose probabilities are written
        self.writes: list[Write] = []
        self.pairs: list[list[Write]] = [[] for _ in range(self.bench.geometry.tokens // 2)]
        self.banks = [0] * len(self.pairs)  # of a pair, that have not taken its first word
        work.bench.steps.steps.append(self.step)

    def step(self) -> None:
        """Collect rows, bring a word to its banks, offer all first words, tell of a step."""
        self._collect()
        if self.writes and self.writes[0].cycle <= self.bench.steps.cycle:
            queue = self.pairs[self.writes[0].pair]
            if len(queue) < self.waiting and self.bench.rng.random() >= self.pause:
                queue.append(self.writes.pop(0))
        if any(self.pairs):
            self._offer()
        if self.told < len(self.left) and not self.left[self.told]:
            self.bench.outside.slots.append(PROBABILITY)
            self.told += 1

    def _collect(self) -> None:
        """The probabilities of a step, if all of its scores are here."""
        work, bench, geometry = self.work, self.bench, self.bench.geometry
        step = len(self.left)
        if step == work.steps:
            return
        rows = work.rows(step % work.groups)
        tiles = -(-work.groups // geometry.ports)
        if len(bench.rows.words) < self.taken + rows * tiles:
            return
        received = bench.rows.words[self.taken : self.taken + rows * tiles]
        self.taken += rows * tiles
        values = np.stack([from_bits(bits, geometry.outputs) for bits, _, _ in received])
        scores = values.reshape(tiles, rows, -1).transpose(1, 0, 2).reshape(rows, -1)
        words = work.words(probabilities(scores[:, : work.groups * geometry.depth]))
        places = [
            (pair, word)
            for tile in range(0, work.groups, geometry.ports)
            for pair in range(-(-rows // 2))
            for word in range(tile, min(tile + geometry.ports, work.groups))
        ]
        cycle, begin = bench.steps.cycle + self.delay, work.buffer(step)
        for pair, word in places:
            bits = to_bits(words[word, 2 * pair : 2 * pair + 2])
            self.writes.append(Write(cycle, step, pair, begin + word, bits))
        self.left.append(len(places))

    def _offer(self) -> None:
        """Offer each pair of banks its first word, until both have taken it."""
        pins, geometry = self.bench.pins, self.bench.geometry
        bits = (geometry.activation_depth - 1).bit_length()
        width = 2 * 16 * geometry.depth
        address = written = valid = 0
        for pair, queue in enumerate(self.pairs):
            if queue:
                self.banks[pair] = self.banks[pair] or 3
                valid |= self.banks[pair] << 2 * pair
                address |= (queue[0].address << bits | queue[0].address) << 2 * bits * pair
                written |= queue[0].bits << width * pair
        pins.bank_address.value, pins.bank_written.value = address, written
        pins.bank_valid.value = pins.bank_write.value = valid
        taken = valid & int(pins.bank_ready.value)
        for pair, queue in enumerate(self.pairs):
            self.banks[pair] &= ~(taken >> 2 * pair)
            if queue and not self.banks[pair]:
                self.left[queue.pop(0).step] -= 1
