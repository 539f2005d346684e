"""Programs of a linear layer's backward products, written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from accelerator.tiny import PORTS, WORD, reports_of
from numpy.typing import NDArray

from trivit.host.commands import encode, to_words
from trivit.host.oracle.matmul import matmul
from trivit.host.schedule import ImageLayout, Schedule, port_order
from trivit.host.tiles import ceil_div
from trivit.tools.compiler.params import pack_weight
from trivit.tools.simulation.simulator_run import SimulatedProgram

Int16 = NDArray[np.int16]
#: Nothing comes with the image.
NO_IMAGE = ImageLayout(channels=1, height=1, width=1, patch=1, rows=1, words=1)
# Where tensors lie in the banks, and the slots that count their row groups.
DY, X, DX, DW = (0, 1), (3000, 2), (6000, 3), (9000, 4)


@dataclass(frozen=True)
class Backward:
    """A program, its parameters, and what it must store."""

    schedule: Schedule
    params: Int16
    expected: Int16
    saturated: list[int]

    @property
    def program(self) -> SimulatedProgram:
        """The program for the simulator."""
        return SimulatedProgram(
            commands=self.schedule.commands,
            params=self.params,
            reports=self.schedule.reports,
            output_words=self.schedule.output_words,
            watched=(),
        )


def padded(matrix: Int16) -> Int16:
    """Return rows of whole words."""
    return np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % WORD)))


def load(rows: int, words: int, address: int, place: tuple[int, int]) -> list[int]:
    """Commands that bring rows, in the ports' order at ``address`` of DDR, to the banks."""
    target, slot = place
    segment = ceil_div(rows, PORTS) * words
    moved = {"ports": 15, "words": segment, "address": address, "port_stride": segment}
    where = {"target": target, "target_stride": words, "slot": slot, "complete": 1}
    return [encode("move_rows", **moved), encode("load", rows=rows, words=words, **where)]


def linear_backward(rng: np.random.Generator, tokens: int, n: int, k: int) -> Backward:
    """dX = dY·W with W as forward reads it, and dWᵀ's transpose dYᵀ·X, both to DDR.

    Args:
        rng: draws dY (tokens, n), X (tokens, k) and W (n, k), and a bias that must not matter.
        tokens: rows.
        n: outputs of the layer.
        k: its inputs.
    """

    def draw(*shape: int) -> Int16:
        return rng.integers(-9000, 9000, shape).astype(np.int16)

    weight, dy, x = draw(n, k), draw(tokens, n), draw(tokens, k)
    packed = pack_weight(weight, draw(n))
    rows = [port_order(padded(dy)), port_order(padded(x))]
    params = np.concatenate([packed, *rows])
    at = np.cumsum([packed.size, rows[0].size]) // WORD
    n_words, k_words = ceil_div(n, WORD), ceil_div(k, WORD)
    segment = packed.size // WORD // PORTS
    groups, last_rows = ceil_div(tokens, WORD), tokens - (ceil_div(tokens, WORD) - 1) * WORD
    shift = 10
    dx = {
        "depth_words": n_words,
        "out_words": k_words,
    }
    dw = {
        "depth_words": groups,
        "out_words": k_words,
        "last_rows": last_rows,
    }
    result = {"to_banks": 1, "claim": 1, "announce_store": 1, "out_shift": shift}
    commands = [
        *load(tokens, n_words, int(at[0]), DY),
        *load(tokens, k_words, int(at[1]), X),
        # Behind the bias, by columns.
        encode(
            "move_weights",
            ports=15,
            words=k_words,
            groups=n_words,
            address=1,
            port_stride=segment,
        ),
        encode("move_store", base=2, ports=1, words=tokens * k_words),
        encode("store", rows=tokens, words=k_words, source=DX[0], source_stride=k_words, slot=3),
        encode("move_store", base=2, ports=1, words=n * k_words, address=tokens * k_words),
        encode("store", rows=n, words=k_words, source=DW[0], source_stride=k_words, slot=4),
        encode("engine", place=1, fill=1, transposed=1, **dx),
        encode(
            "engine",
            place=1,
            transposed=1,
            source=X[0],
            source_stride=k_words,
            source_slot=X[1],
            **dw,
        ),
        encode(
            "engine",
            rows=tokens,
            source=DY[0],
            source_stride=n_words,
            source_slot=DY[1],
            target=DX[0],
            target_stride=k_words,
            target_slot=DX[1],
            **result,
            **dx,
        ),
        encode(
            "engine",
            tag=1,
            transposed=1,
            rows=n,
            source=DY[0],
            source_stride=n_words,
            source_slot=DY[1],
            target=DW[0],
            target_stride=k_words,
            target_slot=DW[1],
            **result,
            **dw,
        ),
        encode("sequencer", end=True, reports=6),
    ]
    zeros = np.zeros(k_words * WORD, np.int16)
    wide = padded(weight)
    made = [
        matmul(operand, matrix, zeros, bias_shift=0, out_shift=shift)
        for operand, matrix in ((dy, wide.T), (dy.T, padded(x).T))
    ]
    assert reports_of(commands) == 6
    stored = np.concatenate([values.reshape(-1) for values, _ in made])
    schedule = Schedule(
        commands=to_words(commands),
        extra_params=np.zeros(0, np.int16),
        image=NO_IMAGE,
        output_words=stored.size // WORD,
        reports=6,
        tags=2,
        watched=(),
    )
    return Backward(schedule, params, stored, [count for _, count in made])
