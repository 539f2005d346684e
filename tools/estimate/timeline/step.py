"""A training step's commands: what they do beyond those of inference."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from trivit.host.commands import Command, decode, from_words
from trivit.host.tiles import ceil_div
from trivit.tools.estimate.timeline.blocks import RowWriter, Store
from trivit.tools.estimate.timeline.gradients import (
    Gradients,
    MatrixWriter,
    NormaliseAndBack,
    NormalisedRows,
    RowStream,
    StoredMatrix,
)
from trivit.tools.estimate.timeline.latencies import (
    COLUMNS_REST,
    END,
    FENCED,
    FIRST_WORD,
    MEMORY_LATENCY,
    MEMORY_TURN,
    MEMORY_WORDS,
    PORTS,
    QUEUE,
    REFRESH_SHARE,
    STREAM_ROWS,
    STREAMED,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
    UPDATE_CLOCKS,
    UPDATE_FIRST,
    VECTOR_WORD,
    WRITER_REST,
)
from trivit.tools.estimate.timeline.predict import Prediction, Timeline
from trivit.tools.estimate.timeline.ring import Fill
from trivit.tools.estimate.timeline.slots import RowGroups

#: `stream` of a product.
_MATRIX, _GELU_BACKWARD, _SOFTMAX_BACKWARD, _CROSS_ENTROPY = range(4, 8)


class StepPrediction(Prediction):
    """Forward, backward and update.

    What stands behind a product that announces it waits here until both are there; what is stored
    is finished in the order of the commands, so a fence is a cycle.
    """

    def __init__(self, later: int, commands: int, stream_rows: int) -> None:
        super().__init__(later, commands, stream_rows)
        self.lines = NormaliseAndBack()
        self.readers: deque[int] = deque()  # cycles in which products announced a reader
        self.storers: deque[int] = deque()  # ... a store
        self.rows = RowStream()
        self.gradients = Gradients(self.rows)
        self.matrices = MatrixWriter(self.rows)
        self.moves: list[StoredMatrix] = []  # all, for fences
        self.open: deque[StoredMatrix] = deque()  # whose pieces come next
        self.loss: deque[Command] = deque()
        self.updates: deque[int] = deque()  # when their planes have been read
        self.queued = 0  # when the port has brought all rows that were asked for so far
        self.vectors: deque[int] = deque()  # when the block has them
        self.columns: tuple[int, int] | None = None  # of the next matrix: words, groups

    def command(self, command: Command) -> None:
        """Take the next command."""
        unit, fields = command.unit, command.fields
        if unit == "move_rows":
            self._move_rows(command)
        elif unit == "move_weights":
            self.columns = (fields["words"], fields["groups"]) if fields["groups"] else None
        elif unit == "move_store":
            move = StoredMatrix(command)
            if fields["update"]:
                self._update(move)
            elif fields["groups"]:
                self.open.append(move)
                self.moves.append(move)
        elif unit == "load" and fields["vectors"]:
            self.vectors.append(self.queued)
        elif unit == "cross_entropy":
            self.loss.append(command)
        else:
            super().command(command)
            if unit in ("row_reader", "norm_writer"):
                self._match_readers()
            elif unit == "store":
                self._match_stores()

    def _fence(self) -> int:
        """Return when everything that was to be stored so far is in memory."""
        self.flush()
        stored = [move.sent for move in self.moves] + [store.sent for store in self.stores]
        return max(stored, default=0) + FENCED

    def _move_rows(self, command: Command) -> None:
        fields = command.fields
        begin = max(self.queued, self.rows_in, self.start + FIRST_WORD)
        if fields["fenced"]:
            begin = max(begin, self._fence())
        words = fields["words"]
        if fields["update"]:
            self.queued = begin + _update_cycles(words, fields["planes"])
            self.ring.intervals.append((begin, self.queued))
            self.updates.append(self.queued)
        elif fields["ports"] == 1:
            self.queued = begin + VECTOR_WORD * words
        else:
            super().command(command)

    def _update(self, move: StoredMatrix) -> None:
        move.sent = self.updates.popleft() + UPDATE_FIRST
        self.moves.append(move)

    def _fill(self, fill: Fill) -> Fill:
        fill.behind = len(self.ring.intervals)
        if fill.rows is None and fill.transposed and self.columns is not None:
            _, groups = self.columns
            # The port with most pieces sets the pace of a tile.
            pieces = ceil_div(groups, PORTS) * PORTS
            fill.pace = ceil_div(TILE_DEPTH * pieces, groups)
            fill.rest = COLUMNS_REST
        return fill

    def _announce(self, command: Command, cycle: int) -> None:
        if command.fields["announce_reader"]:
            self.readers.append(cycle)
            self._match_readers()
        if command.fields["announce_store"]:
            self.storers.append(cycle)
            self._match_stores()
        if command.fields["announce_load"]:
            self.announced.append(cycle)

    def _match_readers(self) -> None:
        readers, writers = self.waiting["row_reader"], self.waiting["norm_writer"]
        while self.readers and readers:
            backward = bool(readers[0].fields["tensors"])
            if len(writers) < 1 + backward:
                return
            reader, result = readers.popleft(), writers.popleft()
            if backward:
                writers.popleft()  # of dgamma
            self.lines.add(
                NormalisedRows(
                    reader=reader,
                    source=self.board[reader.fields["slot"]],
                    result=self.board[result.fields["slot"]],
                    announced=self.readers.popleft(),
                    vectors=self.vectors.popleft() if self.vectors else 0,
                )
            )

    def _match_stores(self) -> None:
        while self.storers and self.waiting["store"]:
            store = Store(self.waiting["store"].popleft())
            source = self.board[store.command.fields["slot"]]
            source.listen(store, store.command.fields["first"], self.storers.popleft())
            self.stores.append(store)

    def _room(self, command: Command, rows: int) -> int:
        if command.fields["stream"] >= _MATRIX:
            return self.rows.room(rows)
        return super()._room(command, rows)

    def _result(
        self, command: Command, tile: int, tiles: int, group: int, rows: int, last: int
    ) -> None:
        fields = command.fields
        stream = fields["stream"]
        if stream < _MATRIX:
            super()._result(command, tile, tiles, group, rows, last)
            return
        arrivals = range(last + STREAMED, last + STREAMED + rows)
        last_tile = tile + 1 == tiles
        words = fields["out_words"] - tile * PORTS if last_tile else PORTS
        if stream == _MATRIX:
            bias = int(fields["sums"] and tile == 0)
            move = self.open[0]
            move.piece(self.matrices.piece(arrivals, group, words, bias))
            self.finish = max(self.finish, move.sent)
            if move.complete:
                self.open.popleft()
            return
        if fields["to_banks"] and last_tile:  # logits
            self.board[fields["target_slot"]].complete(last + WRITER_REST + STREAMED)
        writer = self._writer()
        slot = self.board[writer.command.fields["slot"]]
        if stream == _GELU_BACKWARD:
            cycle = self.gradients.gelu(arrivals)
        elif stream == _SOFTMAX_BACKWARD:
            whole = rows * fields["out_words"] if last_tile else None
            cycle = self.gradients.softmax(arrivals, words, whole)
        else:
            classes = self.loss[0].fields["classes"]
            values = min(TILE_OUTPUTS, classes - tile * TILE_OUTPUTS)
            cycle = self.gradients.loss(arrivals, values, classes if last_tile else None)
            if last_tile:
                self.loss.popleft()
        self._written(writer, slot, rows, last_tile, cycle)

    def _written(
        self, writer: RowWriter, slot: RowGroups, rows: int, last_tile: bool, cycle: int
    ) -> None:
        writer.taken += rows
        if last_tile:
            writer.rows += rows
            groups = ceil_div(writer.rows, TILE_TOKENS)
            while writer.done < groups:
                writer.done += 1
                slot.complete(cycle)


def _update_cycles(words: int, planes: int) -> int:
    """Return the cycles for planes that are read, and all but the last one written.

    At the pace of DDR, whose direction a port turns twice for each whole piece, or at the block's.
    """
    moved = words * (2 * planes - 1) * PORTS / MEMORY_WORDS / (1 - REFRESH_SHARE)
    turns = 2 * MEMORY_TURN * words // (PORTS * TILE_DEPTH)
    return max(round(moved) + turns, UPDATE_CLOCKS * words)


def predict_step(commands: NDArray[np.uint64], memory_latency: int = MEMORY_LATENCY) -> Timeline:
    """Return the modelled timeline of a training step, or of its forward part alone.

    Args:
        commands: (n, 4) uint64 of a training schedule, patched or not.
        memory_latency: of DDR in cycles.
    """
    later = memory_latency - MEMORY_LATENCY
    prediction = StepPrediction(later, QUEUE, STREAM_ROWS)
    for word in from_words(commands):
        prediction.command(decode(word))
    prediction.flush()
    stored = [store.sent for store in prediction.stores] + [m.sent for m in prediction.moves]
    finish = max(prediction.finish, *stored, 0)
    return Timeline(products=tuple(prediction.products), cycles=finish + END + later)
