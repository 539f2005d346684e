"""Random programs: matrices that stay in the ring, tensors that others write, all sizes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from rtl.bench.products import Banks, Product, Weights, ahead, placement
from rtl.designs import MAX_ALIGN

LARGEST = 3 * 12  # depth words of the largest new matrix


@dataclass(frozen=True)
class Tensor:
    """A tensor in the banks and the slot that tracks its rows (0: it was there before)."""

    start: int
    rows: int
    words: int
    slot: int

    def groups(self, tokens: int) -> int:
        """Its row groups."""
        return -(-self.rows // tokens)

    def end(self, tokens: int) -> int:
        """The first address behind it."""
        return self.start + self.groups(tokens) * self.words


@dataclass
class Matrix:
    """A matrix in the ring; `source` is what it was placed from, until a product has used it."""

    weights: Weights
    depth_words: int
    out_words: int
    bias: bool = False
    source: Tensor | None = None


@dataclass
class Step:
    """A product, matrices placed and filled before it, and what others write when it has begun."""

    product: Product
    weights: Weights  # that it multiplies by
    fed: Weights | None = None  # that the streams bring for it
    fed_ahead: Weights | None = None  # and for the last of `placements`
    placements: list[Product] = field(default_factory=list)
    written: Tensor | None = None


class Programs:
    """Draws steps. The banks hold constants, then results, then one tensor that others write.

    Each step must have been executed on `banks` when the next is drawn.
    """

    def __init__(
        self,
        banks: Banks,
        rng: random.Random,
        random_weights: Callable[[Product], Weights],
    ) -> None:
        self.banks, self.rng, self.random_weights = banks, rng, random_weights
        self.geometry = banks.geometry
        self.half = self.geometry.activation_depth // 2
        self.area = self.geometry.activation_depth * 7 // 8
        self.next = self.half
        self.results: list[Tensor] = []
        self.growing: tuple[Tensor, int] | None = None  # the newest result, and groups it may have
        self.outside: Tensor | None = None
        self.outside_read = True
        self.ring: list[Matrix] = []

    @property
    def pinned(self) -> list[Tensor]:
        """Tensors that placements may yet have to read: no product has used them."""
        return [matrix.source for matrix in self.ring if matrix.source is not None]

    @property
    def held(self) -> int:
        """Depth words in the ring."""
        return sum(self._words(matrix) for matrix in self.ring)

    def _words(self, matrix: Matrix | Product) -> int:
        return -(-matrix.out_words // self.geometry.ports) * matrix.depth_words

    def _constant(self, words: int) -> Tensor:
        rows = self.rng.randint(1, 6 * self.geometry.tokens)
        size = -(-rows // self.geometry.tokens) * words
        return Tensor(self.rng.randrange(self.half - size + 1), rows, words, 0)

    def _tensor(self) -> Tensor:
        rng = self.rng
        tensors = [*self.results, *([self.outside] * 2 if self.outside else [])]
        if tensors and rng.random() < 0.75:
            return rng.choice(tensors)
        return self._constant(rng.randint(1, 12))

    def _room(self, groups: int, words: int, keep: list[Tensor], start: int | None) -> int | None:
        """A place (or `start`) that none of `keep` needs; results that lie there are forgotten."""
        tokens, size = self.geometry.tokens, groups * words
        free = [self.next, *(self.rng.randint(self.half, self.area) for _ in range(8))]
        for begin in free if start is None else [start]:
            end = begin + size
            if end <= self.area and not any(t.start < end and begin < t.end(tokens) for t in keep):
                self.results = [t for t in self.results if t.start >= end or begin >= t.end(tokens)]
                self.next = end
                return begin
        return None

    def _operand(self, depth_words: int | None) -> tuple[Tensor, dict[str, int]]:
        """Rows or columns of a tensor, from any row group on; of `depth_words` if given."""
        rng, tokens, depth = self.rng, self.geometry.tokens, self.geometry.depth
        tensor = self._tensor()
        groups = tensor.groups(tokens)
        if rng.random() < 0.4 and groups >= (depth_words or 1):
            count = depth_words or rng.randint(1, min(groups, 12))
            first = rng.randint(0, groups - count)
            words = rng.randint(1, tensor.words)
            ends = first + count == groups
            return tensor, {
                "transposed": True,
                "source": tensor.start + first * tensor.words,
                "source_first": first,
                "rows": rng.randint((words - 1) * depth + 1, words * depth),
                "depth_words": count,
                "last_rows": tensor.rows - (groups - 1) * tokens if ends else tokens,
            }
        if tensor.words < (depth_words or 1):
            tensor = self._constant(rng.randint(depth_words or 1, max(depth_words or 1, 12)))
            groups = tensor.groups(tokens)
        depth_words = depth_words or rng.randint(1, min(tensor.words, 12))
        first = rng.randrange(groups)
        rows = rng.randint(1, tensor.rows - first * tokens)
        if rows > tokens and rng.random() < 0.8:
            rows -= rows % tokens
        return tensor, {
            "source": tensor.start
            + first * tensor.words
            + rng.randrange(tensor.words - depth_words + 1),
            "source_first": first,
            "rows": rows,
            "depth_words": depth_words,
        }

    def _place(self) -> Product | None:
        """Place a matrix behind what the ring holds, if it has room."""
        rng, tokens = self.rng, self.geometry.tokens
        tensor = self._tensor()
        groups = tensor.groups(tokens)
        transposed = rng.random() < 0.5
        count = rng.randint(1, groups)
        first = rng.randint(0, groups - count)
        ends = first + count == groups
        words = rng.randint(1, min(tensor.words, 8))
        command = placement(
            Product(
                source=0,
                source_stride=0,
                rows=0,
                depth_words=count if transposed else words,
                out_words=words if transposed else count,
            ),
            source=tensor.start + first * tensor.words + rng.randint(0, tensor.words - words),
            source_stride=tensor.words,
            source_slot=tensor.slot,
            source_first=first,
            last_rows=tensor.rows - (groups - 1) * tokens if ends else tokens,
            transposed=transposed,
        )
        if self.held + self._words(command) > self.geometry.weight_depth:
            return None
        weights = self.banks.placed(command)
        matrix = Matrix(weights, command.depth_words, command.out_words, source=tensor)
        self.ring.append(matrix)
        return command

    def _ahead(self) -> tuple[Product, Weights] | None:
        """Fill the ring with a matrix for later products, if it has room."""
        rng = self.rng
        product = Product(
            source=0,
            source_stride=0,
            rows=0,
            depth_words=rng.randint(1, 8),
            out_words=rng.randint(1, 6),
            has_bias=rng.random() < 0.2 and not any(m.bias for m in self.ring),
        )
        if self.held + self._words(product) > self.geometry.weight_depth:
            return None
        transposed = not product.has_bias and rng.random() < 0.8
        weights = self.random_weights(product)
        if transposed:  # there are no outputs beyond these words
            weights.weight[product.out_words * self.geometry.depth :] = 0
        size = (product.depth_words, product.out_words)
        self.ring.append(Matrix(weights, *size, product.has_bias))
        return ahead(product, transposed=transposed), weights

    def _result(self, product: Product, keep: list[Tensor], slots: set[int]) -> Product:
        """Where the result goes: behind the newest one's rows, in the residual's place, elsewhere.

        Or not to the banks, if no slot is free or by chance.
        """
        rng, tokens = self.rng, self.geometry.tokens
        groups, whole = -(-product.rows // tokens), product.rows % tokens == 0
        growing, self.growing = self.growing, None
        if growing and growing[0] in self.results and growing[0].words == product.out_words:
            tensor, most = growing
            if tensor.groups(tokens) + groups <= most and tensor.slot not in slots:
                rows = tensor.rows + product.rows
                longer = Tensor(tensor.start, rows, tensor.words, tensor.slot)
                self.results[self.results.index(tensor)] = longer
                self.growing = (longer, most) if whole else None
                target = tensor.end(tokens)
                return product.changed(target=target, target_slot=tensor.slot, claim=False)
        start = None
        residual = [t for t in keep if product.residual_slot and t.start == product.residual]
        if len(residual) == 1 and rng.random() < 0.5:  # nothing else reads it
            start = product.residual
            keep = [t for t in keep if t is not residual[0]]
        most = groups + (rng.randint(1, 4) if whole and start is None else 0)
        free = sorted(set(range(1, 8)) - slots)
        begin = None
        if free and rng.random() < 0.85:
            begin = self._room(most, product.out_words, keep, start)
        if begin is None:
            stream = product.stream or rng.randint(1, 3)
            return product.changed(to_banks=False, claim=False, stream=stream)
        slot = rng.choice(free)
        tensor = Tensor(begin, product.rows, product.out_words, slot)
        self.results = [t for t in self.results if t.slot != slot] + [tensor]
        if most > groups:
            self.growing = (tensor, most)
        return product.changed(target=begin, target_slot=slot)

    def _load(self, product: Product, offset: int, matrix: Matrix | None) -> Step:
        """The product with `matrix`, or with a new one if None; what the ring holds then."""
        rng, geometry = self.rng, self.geometry
        words = self._words(product)
        fed = None
        if matrix is None:
            weights = fed = self.random_weights(product)
            keep = bool(self.ring) or rng.random() < 0.4
            bias = rng.random() < 0.6 and not any(m.bias for m in self.ring)
            if keep:
                added = Matrix(weights, product.depth_words, product.out_words, bias)
                self.ring.append(added)
        else:
            weights, matrix.source = matrix.weights, None
            keep = matrix is not self.ring[0] or rng.random() < 0.5
            bias = matrix.bias and (not keep or rng.random() < 0.8)
            if not bias and self.held + words <= geometry.weight_depth and rng.random() < 0.1:
                fed = self.random_weights(product)  # for later products
                self.ring.append(Matrix(fed, product.depth_words, product.out_words))
            if not keep:
                self.ring.pop(0)
        flags = {
            "fill": fed is not None,
            "keep": keep,
            "has_bias": bias,
            "rows_outer": offset + words <= geometry.weight_depth and rng.random() < 0.5,
        }
        return Step(product.changed(ring_offset=offset, **flags), weights, fed)

    def _matrix(self) -> tuple[Matrix | None, int]:
        """A matrix in the ring (None: a new one), and the words in front of it."""
        rng = self.rng
        full = self.held + LARGEST > self.geometry.weight_depth
        if not self.ring or not (full or rng.random() < 0.6):
            return None, self.held
        number = 0 if full and rng.random() < 0.5 else rng.randrange(len(self.ring))
        return self.ring[number], sum(map(self._words, self.ring[:number]))

    def draw(self, tag: int) -> Step:
        """The next step."""
        rng, tokens = self.rng, self.geometry.tokens
        placed = self._place() if rng.random() < 0.25 else None
        filled = self._ahead() if rng.random() < 0.25 else None
        matrix, offset = self._matrix()
        operand, values = self._operand(matrix.depth_words if matrix else None)
        out_words, rows = rng.randint(1, 6), values["rows"]
        if matrix is not None:
            out_words = matrix.out_words
        elif self.growing is not None and rng.random() < 0.8:
            out_words = min(self.growing[0].words, 6)
        keep = [operand, *self.pinned]
        residual, first = None, 0
        if rng.random() < 0.4:
            fits = [t for t in self.results if t.rows >= rows and t.words == out_words]
            residual = rng.choice(fits) if fits else Tensor(0, rows, out_words, 0)
            first = rng.randint(0, (residual.rows - rows) // tokens)
            keep.append(residual)
        product = Product(
            **values,  # type: ignore[arg-type]
            source_stride=operand.words,
            out_words=out_words,
            target_stride=out_words,
            residual=0 if residual is None else residual.start + first * out_words,
            residual_first=first,
            has_residual=residual is not None,
            stream=rng.choice([0, 0, 1, 2, 3]),
            bias_shift=rng.randint(0, MAX_ALIGN - 1),
            residual_shift=rng.randint(0, MAX_ALIGN - 1),
            out_shift=rng.choice([0, rng.randint(1, 31), rng.randint(18, 26)]),
            source_slot=operand.slot,
            residual_slot=0 if residual is None else residual.slot,
            announce_reader=rng.random() < 0.3,
            announce_store=rng.random() < 0.3,
            announce_load=rng.random() < 0.3,
            tag=tag,
        )
        others = [self.outside] if self.outside is not None else []
        slots = {tensor.slot for tensor in (*keep, *others)}
        step = self._load(self._result(product, keep, slots), offset, matrix)
        if placed is not None:
            step.placements.append(placed)
        if filled is not None:
            step.placements.append(filled[0])
            step.fed_ahead = filled[1]
        if operand is self.outside:
            steps = product.depth_words if product.transposed else -(-rows // tokens)
            self.outside_read |= product.source_first + steps == operand.groups(tokens)
        elif self.outside_read and self.outside not in self.pinned and rng.random() < 0.6:
            self._outside(step, {step.product.target_slot, *(t.slot for t in keep)})
        return step

    def _outside(self, step: Step, taken: set[int]) -> None:
        """Others write a tensor when the step's product has begun."""
        rng, geometry = self.rng, self.geometry
        free = sorted(set(range(1, 8)) - taken)
        if not free:
            return
        slot = rng.choice(free)
        self.results = [t for t in self.results if t.slot != slot]
        words, groups = rng.randint(1, 10), rng.randint(1, 6)
        rows = rng.randint((groups - 1) * geometry.tokens + 1, groups * geometry.tokens)
        assert self.area + words * groups <= geometry.activation_depth
        self.outside = step.written = Tensor(self.area, rows, words, slot)
        self.outside_read = False
        step.product = step.product.changed(clear_slot=slot)
