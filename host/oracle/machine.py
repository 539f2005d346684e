"""Execute a program on integer arrays: the reference that every other backend must equal."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trivit.host import oracle
from trivit.host.fixed_point import Int16, Int64
from trivit.host.generated import spec
from trivit.host.instructions import Instruction, KernelError, decode
from trivit.host.oracle.checks import (
    check,
    column_tiles,
    matrix_words,
    tensors,
)
from trivit.host.oracle.matmul import unpack_weight
from trivit.host.oracle.selection import pack_mask, unpack_mask
from trivit.host.tiles import ceil_div, depth_words

WORD = spec.TILE_DEPTH
BANKS = spec.TILE_TOKENS

# Row and key; rows but that of [CLS] are read by the selection of connections alone.
HEAD_SUMS = spec.MAX_CONNECTION_TOKENS, spec.MAX_TOKENS


class ActivationMemory:
    """Banked on-chip memory: row r of a tensor lies in bank r mod 8."""

    def __init__(self) -> None:
        self.banks = np.zeros((BANKS, spec.PROGRAM_DEPTH, WORD), dtype=np.int16)

    def read(self, address: int, rows: int, words: int) -> Int16:
        """Return a copy of the (rows, words·8) tensor at ``address``."""
        groups = ceil_div(rows, BANKS)
        block = self.banks[:, address : address + groups * words]
        tensor = block.reshape(BANKS, groups, words * WORD).transpose(1, 0, 2)
        return tensor.reshape(-1, words * WORD)[:rows].copy()

    def write(self, address: int, tensor: Int16) -> None:
        """Write a (rows, words·8) tensor; other rows keep their contents."""
        words = tensor.shape[1] // WORD
        for row, values in enumerate(tensor):
            start = address + (row // BANKS) * words
            self.banks[row % BANKS, start : start + words] = values.reshape(words, WORD)


class Machine:
    """One kernel: its activation, statistics and score memory and the op of each opcode."""

    def __init__(self) -> None:
        self.memory = ActivationMemory()
        self.head_sum: Int64 = np.zeros(HEAD_SUMS, dtype=np.int64)
        self.sums: Int64 = np.zeros(spec.MAX_TOKENS, dtype=np.int64)
        self.squares: Int64 = np.zeros(spec.MAX_TOKENS, dtype=np.int64)
        self._ops: dict[str, Callable[[Instruction], int]] = {
            "load": self._load,
            "store": self._store,
            "patchify": self._patchify,
            "matmul": self._matmul,
            "attention": self._attention,
            "select_tokens": self._select_tokens,
            "select_connections": self._select_connections,
        }

    def run(
        self,
        program: NDArray[np.uint32],
        params: Int16,
        image: Int16,
        output_words: int,
    ) -> tuple[Int16, NDArray[np.uint64]]:
        """Run one image.

        Args:
            program: (instructions, 32) descriptors.
            params: (params_words·8,) parameter region.
            image: (input_words·8,) input region.
            output_words: size of the output region.

        Returns:
            The (output_words·8,) output region and the saturation count of each instruction.

        Raises:
            KernelError: a descriptor that the kernel refuses.
        """
        count = len(program)
        if not 1 <= count <= spec.MAX_INSTRUCTIONS:
            raise KernelError(spec.ERRORS["program_length"], 0)
        self._params, self._input = params, image
        self._output: Int16 = np.zeros(output_words * WORD, dtype=np.int16)
        regions = {
            "params": len(params) // WORD,
            "input": len(image) // WORD,
            "output": output_words,
        }
        saturations = np.zeros(count, dtype=np.uint64)
        for index, words in enumerate(program):
            instruction = decode(words)
            verdict = check(instruction, regions)
            if instruction is None or verdict != "ok":
                raise KernelError(spec.ERRORS[verdict], index)
            self._index = index
            saturations[index] = self._ops[instruction.opcode](instruction)
        return self._output, saturations

    def _read(self, instruction: Instruction, name: str) -> Int16:
        return self.memory.read(*tensors(instruction)[name])

    def _write(self, instruction: Instruction, tensor: Int16) -> None:
        """Write the result of an op that may have the statistics flag."""
        self.memory.write(instruction.fields["dst"], tensor)
        if "statistics" in instruction.flags:
            rows = len(tensor)
            self.sums[:rows], self.squares[:rows] = oracle.row_statistics(tensor)

    def _rows_from(self, region: Int16, start: int, rows: int, words: int) -> Int16:
        return region[start * WORD : (start + rows * words) * WORD].reshape(rows, words * WORD)

    def _load(self, instruction: Instruction) -> int:
        f = instruction.fields
        block = self._rows_from(self._params, f["source"], f["rows"], f["words"])
        self._write(instruction, block)
        return 0

    def _store(self, instruction: Instruction) -> int:
        block = self._read(instruction, "src")
        start = instruction.fields["target"] * WORD
        self._output[start : start + block.size] = block.ravel()
        return 0

    def _patchify(self, instruction: Instruction) -> int:
        f = instruction.fields
        shape = (f["channels"], f["height"], f["width"])
        start = f["source"] * WORD
        image = self._input[start : start + int(np.prod(shape))].reshape(shape)
        self.memory.write(f["dst"], oracle.patchify(image, f["patch"]))
        return 0

    def _matmul(self, instruction: Instruction) -> int:
        f, flags = instruction.fields, instruction.flags
        columns = f["out_words"] * WORD
        tiles = column_tiles(f["out_words"])
        packed = self._rows_from(
            self._params, f["weight"], matrix_words(tiles, f["depth_words"]), 1
        )
        weight, bias = unpack_weight(packed, tiles, f["depth_words"])
        kept = self._indices(instruction, f["kept"], f["rows"]) if "compact" in flags else None
        x, clamped = self._read(instruction, "src"), 0
        if "normalise" in flags:
            x, clamped = self._normalise(x, f)
        y, saturated = oracle.matmul(
            x,
            weight[:columns],
            bias[:columns],
            bias_shift=f["bias_shift"],
            out_shift=f["out_shift"],
            residual=self._read(instruction, "residual") if "residual" in flags else None,
            residual_shift=f["residual_shift"],
            gelu=(f["gelu_in_frac"], f["gelu_out_frac"]) if "gelu" in flags else None,
            kept=kept,
        )
        self._write(instruction, y)
        return clamped + saturated

    def _normalise(self, x: Int16, f: dict[str, int]) -> tuple[Int16, int]:
        rows = len(x)
        return oracle.normalise(
            x,
            (self.sums[:rows], self.squares[:rows]),
            self._rows_from(self._params, f["gamma"], 1, f["depth_words"])[0],
            self._rows_from(self._params, f["beta"], 1, f["depth_words"])[0],
            inv_width=f["inv_width"],
            sqrt_width=f["sqrt_width"],
            epsilon=f["epsilon"],
            beta_shift=f["beta_shift"],
            norm_shift=f["norm_shift"],
        )

    def _attention(self, instruction: Instruction) -> int:
        f = instruction.fields
        mask = None
        if "mask" in instruction.flags:
            mask = unpack_mask(self._read(instruction, "mask"), f["tokens"])
        bias = None
        if "bias" in instruction.flags:
            rows = f["heads"] * f["tokens"]
            block = self._rows_from(self._params, f["bias"], rows, depth_words(f["tokens"]))
            bias = block[:, : f["tokens"]].reshape(f["heads"], f["tokens"], -1)
        result = oracle.attention(
            self._read(instruction, "src"),
            heads=f["heads"],
            score_shift=f["score_shift"],
            exp_multiplier=f["exp_multiplier"],
            exp_shift=f["exp_shift"],
            prob_frac=f["prob_frac"],
            out_shift=f["out_shift"],
            mask=mask,
            bias=bias,
            bias_shift=f["bias_shift"],
        )
        self.memory.write(f["dst"], result.context)
        tokens = f["tokens"]
        if "score_all" in instruction.flags:
            self.head_sum[:tokens, :tokens] = result.head_sum
        elif "score_cls" in instruction.flags:
            self.head_sum[0, :tokens] = result.head_sum[0]
        return result.saturated

    def _select_tokens(self, instruction: Instruction) -> int:
        f = instruction.fields
        kept = oracle.select_tokens(self.head_sum[0, : f["tokens"]], f["keep"])
        row = np.zeros((1, ceil_div(len(kept), WORD) * WORD), dtype=np.int16)
        row[0, : len(kept)] = kept
        self.memory.write(f["dst"], row)
        return 0

    def _indices(self, instruction: Instruction, count: int, bound: int) -> Int16:
        """Return ``count`` strictly ascending row numbers below ``bound`` of the index tensor."""
        index = self._read(instruction, "index")[0, :count]
        if index[0] < 0 or index[-1] >= bound or (index[1:] <= index[:-1]).any():
            raise KernelError(spec.ERRORS["index_range"], self._index)
        return index

    def _select_connections(self, instruction: Instruction) -> int:
        f = instruction.fields
        index = self._indices(instruction, f["rows"], f["tokens"])
        mask = oracle.select_connections(self.head_sum, index, f["keep"])
        self.memory.write(f["dst"], pack_mask(mask))
        return 0
