"""Products for the engine: commands, a model of the banks, and what a product does to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rtl.designs import Geometry

from trivit.host.commands import encode
from trivit.host.fixed_point import requantize
from trivit.host.oracle.matmul import matmul

Int16 = NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Product:
    """A command of the engine (hls/kernel.yaml). Addresses and strides count words of a bank.

    What is not said otherwise takes its weights from the streams, releases them, writes its result
    to the banks and claims its slot.
    """

    source: int
    source_stride: int
    rows: int
    depth_words: int
    out_words: int
    target: int = 0
    target_stride: int = 0
    residual: int = 0
    last_rows: int = 0
    bias_shift: int = 0
    residual_shift: int = 0
    out_shift: int = 0
    source_slot: int = 0
    residual_slot: int = 0
    target_slot: int = 0
    clear_slot: int = 0
    source_first: int = 0
    residual_first: int = 0
    ring_offset: int = 0
    tag: int = 0
    transposed: bool = False
    rows_outer: bool = False
    has_bias: bool = False
    has_residual: bool = False
    to_banks: bool = True
    stream: int = 0
    partner: bool = False
    sums: bool = False
    skip_first: bool = False
    sum_shift: int = 0
    fill: bool = True
    keep: bool = False
    claim: bool = True
    announce_reader: bool = False
    announce_store: bool = False
    announce_load: bool = False
    place: bool = False

    @property
    def bits(self) -> int:
        """The command word."""
        return encode("engine", **vars(self))

    @property
    def announces(self) -> int:
        """Whom it tells that it begins: bit 0 the row reader, bit 1 the store."""
        return (
            int(self.announce_reader) | int(self.announce_store) << 1 | int(self.announce_load) << 2
        )

    def cycles(self, geometry: Geometry) -> int:
        """Cycles of the array alone."""
        groups = -(-self.rows // geometry.tokens)
        return groups * self.ring_words(geometry)

    def ring_words(self, geometry: Geometry) -> int:
        """Depth words that its matrix takes in the ring."""
        return -(-self.out_words // geometry.ports) * self.depth_words

    def changed(self, **values: object) -> Product:
        """A copy with other values."""
        return replace(self, **values)  # type: ignore[arg-type]


def placement(product: Product, **values: int | bool) -> Product:
    """The command that places the weights of `product`; `values` say where they lie.

    `source`, `source_stride`, `last_rows`; `transposed` if stored rows are depth; `source_slot`.
    """
    return Product(
        place=True,
        rows=0,
        depth_words=product.depth_words,
        out_words=product.out_words,
        to_banks=False,
        fill=False,
        claim=False,
        **values,  # type: ignore[arg-type]
    )


def ahead(product: Product, *, transposed: bool = False) -> Product:
    """The command that fills the ring with the weights of a later product.

    `transposed`: they come by columns of the matrix that lies in memory.
    """
    return placement(product, source=0, source_stride=0, transposed=transposed).changed(
        fill=True, has_bias=product.has_bias
    )


@dataclass(frozen=True)
class Weights:
    """Weights (outputs, elements) and biases of a product, padded to whole tiles."""

    weight: Int16
    bias: Int16

    def words(self, geometry: Geometry, *, bias: bool) -> list[list[Int16]]:
        """The words of each port in their order in memory (docs/numerics.md, Parameters)."""
        depth, ports = geometry.depth, geometry.ports
        tiles, elements = len(self.weight) // geometry.outputs, self.weight.shape[1]
        # tile, port, output, depth word, element
        split = self.weight.reshape(tiles, ports, depth, elements // depth, depth)
        biases = self.bias.reshape(tiles, ports, depth)
        return [
            [
                word
                for tile in range(tiles)
                for word in (
                    *([biases[tile, port]] if bias else []),
                    *split[tile, port].transpose(1, 0, 2).reshape(-1, depth),
                )
            ]
            for port in range(ports)
        ]

    def columns(self, geometry: Geometry, out_words: int) -> list[list[Int16]]:
        """The words of each port when this is the transpose of a matrix that is read by columns."""
        depth, ports = geometry.depth, geometry.ports
        stored = self.weight.T
        return [
            [
                stored[depth * group + output, depth * word : depth * (word + 1)]
                for tile in range(0, out_words, ports)
                for group in range(port, len(stored) // depth, ports)
                for word in range(tile, min(tile + ports, out_words))
                for output in range(depth)
            ]
            for port in range(ports)
        ]


class Banks:
    """A model of the activation banks: memory[address, bank] is a word."""

    def __init__(self, geometry: Geometry, rng: np.random.Generator) -> None:
        self.geometry, self.rng = geometry, rng
        shape = (geometry.activation_depth, geometry.tokens, geometry.depth)
        self.memory = rng.integers(-32768, 32768, shape).astype(np.int16)
        self.largest: list[int] = []  # magnitude of what each product wrote

    def _addresses(self, start: int, stride: int, groups: int, words: int) -> NDArray[np.int64]:
        return start + stride * np.arange(groups)[:, None] + np.arange(words)

    def read(self, start: int, stride: int, rows: int, words: int) -> Int16:
        """Rows (rows, words · depth) of a tensor whose row groups lie `stride` apart."""
        groups = -(-rows // self.geometry.tokens)
        blocks = self.memory[self._addresses(start, stride, groups, words)]  # group, word, bank
        return blocks.transpose(0, 2, 1, 3).reshape(groups * self.geometry.tokens, -1)[:rows]

    def write(self, start: int, stride: int, value: Int16) -> None:
        """Write rows (rows, words · depth); memory beyond them stays."""
        rows, words = len(value), value.shape[1] // self.geometry.depth
        for row in range(rows):
            group, bank = divmod(row, self.geometry.tokens)
            begin = start + stride * group
            self.memory[begin : begin + words, bank] = value[row].reshape(words, -1)

    def randomize(self, start: int, end: int) -> None:
        """Others write random words from `start` to before `end`."""
        shape = self.memory[start:end].shape
        self.memory[start:end] = self.rng.integers(-32768, 32768, shape)

    def operand(self, product: Product) -> Int16:
        """The left operand (rows, depth_words · depth) of a product."""
        if not product.transposed:
            return self.read(
                product.source, product.source_stride, product.rows, product.depth_words
            )
        depth = self.geometry.depth
        stored = (product.depth_words - 1) * self.geometry.tokens + product.last_rows
        words = -(-product.rows // depth)
        tensor = self.read(product.source, product.source_stride, stored, words)
        operand = np.zeros((product.rows, product.depth_words * depth), np.int16)
        operand[:, :stored] = tensor.T[: product.rows]
        return operand

    def placed(self, command: Product) -> Weights:
        """What a placement puts into the ring: zero beyond the tensor, no biases."""
        geometry = self.geometry
        groups, words = command.out_words, command.depth_words
        if command.transposed:
            groups, words = words, groups
        stored = (groups - 1) * geometry.tokens + command.last_rows
        tensor = self.read(command.source, command.source_stride, stored, words)
        matrix = tensor.T if command.transposed else tensor
        outputs = -(-command.out_words // geometry.ports) * geometry.outputs
        weight = np.zeros((outputs, command.depth_words * geometry.depth), np.int16)
        weight[: matrix.shape[0], : matrix.shape[1]] = matrix
        return Weights(weight, np.zeros(outputs, np.int16))

    def partners(self, product: Product) -> Int16:
        """The residual (rows, tiles · outputs) of a product; zero beyond the tensor."""
        geometry = self.geometry
        tiles = -(-product.out_words // geometry.ports)
        residual = np.zeros((product.rows, tiles * geometry.outputs), np.int16)
        stored = (product.residual, product.target_stride, product.rows)
        residual[:, : product.out_words * geometry.depth] = self.read(*stored, product.out_words)
        return residual

    def sums(self, product: Product) -> tuple[Int16, int]:
        """The sums (rows,) of a product's operand over its depth, and what they saturated."""
        operand = self.operand(product).astype(np.int64)
        return requantize(operand[:, int(product.skip_first) :].sum(axis=1), product.sum_shift)

    def execute(self, product: Product, weights: Weights) -> tuple[Int16, int]:
        """Run a product; its result (rows, tiles · outputs), and what it saturated.

        The result's columns beyond `out_words` reach the stream but neither banks nor the count.
        """
        geometry = self.geometry
        columns = product.out_words * geometry.depth
        residual = None
        if product.has_residual and not product.partner:
            residual = self.partners(product)
        operand = self.operand(product)
        bias = weights.bias if product.has_bias else np.zeros_like(weights.bias)

        def run(n: int) -> tuple[Int16, int]:
            return matmul(
                operand,
                weights.weight[:n],
                bias[:n],
                bias_shift=product.bias_shift,
                out_shift=product.out_shift,
                residual=None if residual is None else residual[:, :n],
                residual_shift=product.residual_shift,
            )

        counted, saturated = run(columns)
        self.largest.append(int(np.abs(counted.astype(np.int64)).max()))
        result, _ = run(len(weights.weight))
        if product.to_banks:
            self.write(product.target, product.target_stride, result[:, :columns])
        return result, saturated
