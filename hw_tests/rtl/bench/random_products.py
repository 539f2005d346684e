"""Random programs of products: operands that earlier products wrote, both ways round, any size."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rtl.bench.products import Product
from rtl.designs import SUM_BITS, Geometry


@dataclass(frozen=True)
class Tensor:
    """A tensor in the banks and the slot that tracks its rows (0: it was there before)."""

    start: int
    rows: int
    words: int
    slot: int

    def end(self, tokens: int) -> int:
        """The first address behind it."""
        return self.start + -(-self.rows // tokens) * self.words


class Programs:
    """Draws products. The lower half of the banks holds constants, the upper half results."""

    def __init__(self, geometry: Geometry, rng: random.Random) -> None:
        self.geometry, self.rng = geometry, rng
        self.half = geometry.activation_depth // 2
        self.next = self.half
        self.results: list[Tensor] = []
        self.slot = 0

    def constant(self) -> Tensor:
        """A tensor of constants."""
        geometry, rng = self.geometry, self.rng
        words = rng.randint(geometry.min_depth_words, 12)
        rows = rng.randint(1, 6 * geometry.tokens)
        size = -(-rows // geometry.tokens) * words
        return Tensor(rng.randrange(self.half - size + 1), rows, words, 0)

    def room(self, rows: int, words: int, keep: list[Tensor]) -> int | None:
        """A place for a result that none of `keep` needs; results that lie there are forgotten."""
        size = -(-rows // self.geometry.tokens) * words
        if self.next + size > self.geometry.activation_depth:
            self.next = self.half
        start, end = self.next, self.next + size
        if end > self.geometry.activation_depth:
            return None
        tokens = self.geometry.tokens
        hit = [t for t in self.results if t.start < end and start < t.end(tokens)]
        if any(tensor in hit for tensor in keep):
            return None
        self.results = [t for t in self.results if t not in hit]
        self.next = end
        return start

    def _operand(self) -> tuple[Tensor, dict[str, int | bool]]:
        geometry, rng = self.geometry, self.rng
        least = geometry.min_depth_words
        tensor = rng.choice(self.results) if self.results and rng.random() < 0.7 else None
        tensor = tensor or self.constant()
        groups = -(-tensor.rows // geometry.tokens)
        if groups >= least and (rng.random() < 0.5 or tensor.words < least):
            words = rng.randint(1, tensor.words)
            return tensor, {
                "transposed": True,
                "source": tensor.start,
                "rows": rng.randint((words - 1) * geometry.depth + 1, words * geometry.depth),
                "depth_words": groups,
                "last_rows": tensor.rows - (groups - 1) * geometry.tokens,
            }
        if tensor.words < least:
            tensor = self.constant()
        depth_words = rng.randint(least, tensor.words)
        return tensor, {
            "source": tensor.start + rng.randrange(tensor.words - depth_words + 1),
            "rows": rng.randint(1, tensor.rows),
            "depth_words": depth_words,
        }

    def draw(self, tag: int) -> Product:
        """The next product."""
        geometry, rng = self.geometry, self.rng
        ports = geometry.ports
        while True:
            operand, values = self._operand()
            rows, depth_words = int(values["rows"]), int(values["depth_words"])
            out_words = rng.randint(1, 6)
            tiles = -(-out_words // ports)
            keep = [operand]
            residual = None
            if rng.random() < 0.4:
                fits = [t for t in self.results if t.rows >= rows and t.words == out_words]
                residual = rng.choice(fits) if fits else Tensor(0, rows, out_words, 0)
                keep.append(residual)
            in_place = residual is not None and residual.slot != 0 and rng.random() < 0.5
            to_banks = rng.random() < 0.85
            target = 0
            slot = rng.choice([s for s in range(1, 8) if s not in [t.slot for t in keep]])
            if to_banks and in_place and residual is not operand:
                assert residual is not None
                target = residual.start
                self.results.remove(residual)
            elif to_banks:
                found = self.room(rows, out_words, keep)
                if found is None:
                    self.next = self.half
                    self.results.clear()
                    continue
                target = found
            if to_banks:
                self.results = [t for t in self.results if t.slot != slot]
                self.results.append(Tensor(target, rows, out_words, slot))
            fits_ring = (
                tiles * depth_words <= geometry.weight_depth and tiles <= geometry.weight_tiles
            )
            return Product(
                **values,  # type: ignore[arg-type]
                source_stride=operand.words,
                out_words=out_words,
                target=target,
                target_stride=out_words,
                residual=0 if residual is None else residual.start,
                has_residual=residual is not None,
                has_bias=rng.random() < 0.6,
                rows_outer=fits_ring and rng.random() < 0.5,
                to_banks=to_banks,
                to_stream=not to_banks or rng.random() < 0.4,
                bias_shift=rng.randint(0, SUM_BITS - 18),
                residual_shift=rng.randint(0, SUM_BITS - 18),
                out_shift=rng.choice([0, rng.randint(1, 31), rng.randint(18, 26)]),
                source_slot=operand.slot,
                residual_slot=0 if residual is None else residual.slot,
                target_slot=slot,
                tag=tag,
            )
