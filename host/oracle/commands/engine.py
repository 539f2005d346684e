"""The matrix engine: guard, placer and products."""

from collections import deque
from collections.abc import Generator

import numpy as np

from trivit.host.fixed_point import Int16, Int64, requantize
from trivit.host.generated.spec import (
    ENGINE_MAX_ALIGN,
    ENGINE_SUM_BITS,
    PARAM_PORTS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
)
from trivit.host.oracle.commands.banks import Rows
from trivit.host.oracle.commands.clocks import Clock, Thread
from trivit.host.oracle.commands.ring import Matrix, Ring
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import (
    BLOCKS,
    IDLE,
    Shared,
    Unit,
    group_rows,
    largest_of,
)
from trivit.host.oracle.matmul import exact_product, unpack_weight
from trivit.host.tiles import row_groups

_MAX_ALIGN = ENGINE_MAX_ALIGN
#: Who takes a product's rows, by the field `stream`.
STREAMS = {1: "scores", 2: "sums", 3: "direct"} | {
    5 + number: f"{block}_rows" for number, block in enumerate(BLOCKS)
}
MATRIX = 4  # DDR, as parameters lie


class Engine(Unit):
    """Products in their order; placements are for the placer."""

    def __init__(self, shared: Shared) -> None:
        super().__init__("engine", shared)
        self.write_back = Thread("write_back")
        self.ring = Ring()
        self.placements: deque[tuple[int, dict[str, int], Matrix]] = deque()
        self.emptied: dict[int, Clock] = {}  # by slot: when its last product began

    def work(self) -> Work:
        """Obey commands."""
        while True:
            f = yield from self.next()
            self._check(f)
            filled = self.ring.append(f) if f["place"] or f["fill"] else None
            if f["place"] and not f["fill"]:
                assert filled is not None
                self.placements.append((self.thread.tag, f, filled))
                continue
            matrix = None if f["place"] else self.ring.accept(f, self.thread)
            if filled is not None:
                yield from self._fill(f, filled)
            if matrix is None:
                continue
            while matrix.known is None:
                yield "a placement"
            self.thread.learn(matrix.known)
            yield from self._product(f, matrix)

    def _check(self, f: dict[str, int]) -> None:
        """Refuse what the guard refuses besides the ring, and what is not interpreted."""
        target = f["target_slot"] if f["to_banks"] else 0
        stored = not (f["place"] and f["fill"]) and (f["place"] or f["transposed"])
        problem = None
        if not f["depth_words"] or not f["out_words"] or not (f["place"] or f["rows"]):
            problem = "a size of zero"
        elif max(f["bias_shift"], f["residual_shift"]) > _MAX_ALIGN:
            problem = f"a shift above {_MAX_ALIGN}"
        elif f["place"] and f["fill"] and f["transposed"] and f["has_bias"]:
            problem = "biases of a matrix by columns"
        elif f["stream"] == MATRIX and f["rows_outer"]:
            problem = "rows that nobody takes"
        elif f["partner"] != (f["stream"] > MATRIX) or f["partner"] > f["has_residual"]:
            problem = "a partner without its block, or the reverse"
        elif f["sums"] > (f["stream"] == MATRIX) or f["skip_first"] > f["sums"]:
            problem = "sums that nobody takes"
        elif stored and not 1 <= f["last_rows"] <= TILE_TOKENS:
            problem = f"{f['last_rows']} rows in the last stored row group"
        elif target and target in (f["source_slot"], f["residual_slot"] * f["has_residual"]):
            problem = f"slot {target} both read and written"
        elif f["to_banks"] and not f["place"] and self._overlap(f):
            problem = "a target that overlaps the operand"
        if problem:
            raise self.thread.error(f"has {problem}")

    @staticmethod
    def _overlap(f: dict[str, int]) -> bool:
        groups = row_groups(f["rows"])
        stored, across = groups, f["depth_words"]
        if f["transposed"]:
            stored, across = across, stored
        read = {
            f["source"] + g * f["source_stride"] + w for g in range(stored) for w in range(across)
        }
        return any(
            f["target"] + g * f["target_stride"] + w in read
            for g in range(groups)
            for w in range(f["out_words"])
        )

    def _fill(self, f: dict[str, int], matrix: Matrix) -> Work:
        if f["place"] and f["transposed"]:
            yield from self._fill_by_columns(f, matrix)
            return
        bias = f["has_bias"]
        count = matrix.tiles * (bias + TILE_DEPTH * matrix.depth_words)
        segments = []
        for port in range(PARAM_PORTS):
            segment = yield from self.take(f"weights{port}", count)
            segment = segment.reshape(matrix.tiles, -1, TILE_DEPTH)
            segments.append(segment if bias else np.pad(segment, ((0, 0), (1, 0), (0, 0))))
        matrix.weight, matrix.bias = unpack_weight(
            np.stack(segments), matrix.tiles, matrix.depth_words
        )
        matrix.known = self.thread.tell()

    def _fill_by_columns(self, f: dict[str, int], matrix: Matrix) -> Work:
        """Blocks of 8 x 8, whose words are depth: group g of the depth comes from port g mod 4."""
        groups, across = f["depth_words"], f["out_words"]
        for tile in range(0, across, PARAM_PORTS):
            words = range(tile, min(tile + PARAM_PORTS, across))
            for group in range(groups):
                count = len(words) * TILE_DEPTH
                got = yield from self.take(f"weights{group % PARAM_PORTS}", count)
                blocks = got.reshape(len(words), TILE_DEPTH, TILE_DEPTH)
                outputs = slice(words.start * TILE_DEPTH, words.stop * TILE_DEPTH)
                depth = slice(group * TILE_DEPTH, (group + 1) * TILE_DEPTH)
                matrix.weight[outputs, depth] = blocks.transpose(0, 2, 1).reshape(-1, TILE_DEPTH)
        matrix.known = self.thread.tell()

    def _product(self, f: dict[str, int], matrix: Matrix) -> Work:
        scoreboard, groups = self.shared.scoreboard, row_groups(f["rows"])
        target = f["target_slot"] if f["to_banks"] else 0
        yield from self.see(f["source_slot"], f["source_first"])
        # It begins.
        for slot in {f["clear_slot"], target if f["claim"] else 0} - {0}:
            scoreboard.clear(slot, self.thread)
        begun = self.thread.tell()
        for slot in {f["clear_slot"], target if f["claim"] else 0}:
            self.emptied[slot] = begun
        for wanted, tokens in (
            ("reader", self.shared.readers),
            ("store", self.shared.stores),
            ("load", self.shared.loads),
        ):
            if f[f"announce_{wanted}"]:
                tokens.send(begun)
        counted = scoreboard.slots[target].count
        results: list[Int16] = []
        partners: list[Int16] = []
        row_sums: list[Int64] = []
        saturated = 0
        for group in range(groups):
            x = yield from self._operand(f, group)
            sums = self._sums(f, matrix, x)
            if f["has_residual"]:
                yield from self.see(f["residual_slot"], f["residual_first"] + group)
                rows = self._rows(f, "residual", group)
                residual = self.shared.banks.read(rows, self.thread).astype(np.int64)
                if f["partner"]:
                    missing = sums.shape[1] - residual.shape[1]
                    partners.append(np.pad(residual, ((0, 0), (0, missing))).astype(np.int16))
                else:
                    sums[:, : residual.shape[1]] += residual << f["residual_shift"]
            if f["sums"]:
                row_sums.append(x[:, f["skip_first"] :].astype(np.int64).sum(axis=1))
            bound = 1 << (ENGINE_SUM_BITS - 1)
            if (np.abs(sums) + (1 << f["out_shift"] >> 1) >= bound).any():
                raise self.thread.error(f"a sum leaves {ENGINE_SUM_BITS} bits")
            columns = f["out_words"] * TILE_DEPTH
            kept, count = requantize(sums[:, :columns], f["out_shift"])
            saturated += count
            results.append(np.pad(kept, ((0, 0), (0, sums.shape[1] - columns))))
            if f["to_banks"]:
                self._write(f, kept, group, target, counted + group)
        biases, clamped = (
            requantize(np.concatenate(row_sums), f["sum_shift"]) if row_sums else (None, 0)
        )
        if f["stream"] == MATRIX:
            self._send_matrix(f, np.concatenate(results), biases, begun)
        elif f["stream"]:
            self._send(f, results, partners, matrix.tiles, begun)
        self.report(saturated, max(map(largest_of, results)))
        if biases is not None:
            self.report(clamped, largest_of(biases))

    def _rows(self, f: dict[str, int], what: str, group: int) -> Rows:
        """Return a row group of the operand or residual."""
        stride = f["source_stride" if what == "source" else "target_stride"]
        return Rows(
            f[what] + group * stride,
            group_rows(f["rows"], group, TILE_TOKENS),
            f["depth_words" if what == "source" else "out_words"],
            f[f"{what}_slot"],
            f[f"{what}_first"] + group,
        )

    def _operand(self, f: dict[str, int], group: int) -> Generator[str, None, Int16]:
        """Return a row group of the operand; stored rows are depth if it is transposed."""
        if not f["transposed"]:
            yield from self.see(f["source_slot"], f["source_first"] + group)
            return self.shared.banks.read(self._rows(f, "source", group), self.thread)
        rows = group_rows(f["rows"], group, TILE_TOKENS)
        x = np.zeros((rows, f["depth_words"] * TILE_DEPTH), dtype=np.int16)
        for word in range(f["depth_words"]):
            number = f["source_first"] + word
            yield from self.see(f["source_slot"], number)
            count = f["last_rows"] if word == f["depth_words"] - 1 else TILE_TOKENS
            address = f["source"] + word * f["source_stride"] + group
            stored = Rows(address, count, 1, f["source_slot"], number)
            block = self.shared.banks.read(stored, self.thread)
            x[:, word * TILE_DEPTH :][:, :count] = block.T[:rows]
        return x

    def _sums(self, f: dict[str, int], matrix: Matrix, x: Int16) -> Int64:
        sums = exact_product(x, matrix.weight.T)
        if f["has_bias"]:
            sums += matrix.bias.astype(np.int64) << f["bias_shift"]
        return sums

    def _write(self, f: dict[str, int], values: Int16, group: int, slot: int, number: int) -> None:
        self.write_back.tag = self.thread.tag
        self.write_back.learn(self.thread.tell())
        address = f["target"] + group * f["target_stride"]
        rows = Rows(address, len(values), f["out_words"], slot, number)
        self.shared.banks.write(rows, values, self.write_back)
        self.shared.scoreboard.complete(slot, self.write_back)

    def _send(
        self,
        f: dict[str, int],
        results: list[Int16],
        partners: list[Int16],
        tiles: int,
        begun: Clock,
    ) -> None:
        """Send whole tiles; with the first rows, the last operands are not read yet."""
        sent = [results, partners] if f["partner"] else [results]
        groups = range(len(results))
        for part in [[g] for g in groups] if f["rows_outer"] else [groups]:
            tensors = [np.concatenate([values[g] for g in part]) for values in sent]
            rows = [t.reshape(len(t), tiles, TILE_OUTPUTS).transpose(1, 0, 2) for t in tensors]
            words = np.concatenate(rows, axis=2)
            self.send(STREAMS[f["stream"]], words, begun)

    def _send_matrix(
        self, f: dict[str, int], result: Int16, biases: Int16 | None, begun: Clock
    ) -> None:
        """Send row groups to the ports in turn, tile after tile; rows that are not there are 0.

        A word of biases, if there are any, stands before a row group's piece of the first tile.
        """
        groups = row_groups(len(result))
        padded = np.pad(result, ((0, groups * TILE_TOKENS - len(result)), (0, 0)))
        blocks = padded.reshape(groups, TILE_TOKENS, -1, TILE_DEPTH)
        for tile in range(0, f["out_words"], PARAM_PORTS):
            words = slice(tile, min(tile + PARAM_PORTS, f["out_words"]))
            for group in range(groups):
                piece = blocks[group, :, words].transpose(1, 0, 2)
                if biases is not None and tile == 0:
                    word = biases[group * TILE_DEPTH :][:TILE_DEPTH]
                    word = np.pad(word, (0, TILE_DEPTH - len(word)))
                    self.send(f"matrix{group % PARAM_PORTS}", word, begun)
                self.send(f"matrix{group % PARAM_PORTS}", piece.reshape(-1, TILE_DEPTH), begun)


class Placer(Unit):
    """Keys and values from the banks to the ring."""

    def __init__(self, engine: Engine) -> None:
        super().__init__("placer", engine.shared)
        self.engine = engine

    def work(self) -> Work:
        """Obey placements; each may look when the last product that empties its slot has begun."""
        while True:
            while not self.engine.placements:
                yield IDLE
            self.thread.tag, f, matrix = self.engine.placements.popleft()
            if f["source_slot"] in self.engine.emptied:
                self.thread.learn(self.engine.emptied[f["source_slot"]])
            by_depth = f["transposed"]
            groups = f["depth_words"] if by_depth else f["out_words"]
            across = f["out_words"] if by_depth else f["depth_words"]
            for group in range(groups):
                yield from self.see(f["source_slot"], f["source_first"] + group)
                count = f["last_rows"] if group == groups - 1 else TILE_TOKENS
                address = f["source"] + group * f["source_stride"]
                rows = Rows(address, count, across, f["source_slot"], f["source_first"] + group)
                values = self.shared.banks.read(rows, self.thread)
                start = group * TILE_TOKENS
                if by_depth:
                    matrix.weight[: values.shape[1], start : start + count] = values.T
                else:
                    matrix.weight[start : start + count] = values
            matrix.known = self.thread.tell()
