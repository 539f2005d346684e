"""Programs of a few commands, written by hand, and what they must give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trivit.host.commands import Command, decode, encode, from_words, to_words
from trivit.host.oracle.matmul import matmul
from trivit.host.schedule import Watched, port_order
from trivit.tools.simulation.simulator_run import SimulatedProgram

PORTS, WORD, TILE = 4, 8, 32


@dataclass(frozen=True)
class Tiny:
    """A program, its images (B, words·8), and the rows that each must give."""

    program: SimulatedProgram
    images: NDArray[np.int16]
    expected: NDArray[np.int16]
    saturated: list[int]


def weight_words(weight: NDArray[np.int16], bias: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return weights (outputs, depth) and biases in port order, flattened; outputs % 32 == 0."""
    tiles, depth = len(weight) // TILE, weight.shape[1] // WORD
    split = weight.reshape(tiles, PORTS, WORD, depth, WORD).transpose(1, 0, 3, 2, 4)
    biases = bias.reshape(tiles, PORTS, 1, WORD).transpose(1, 0, 2, 3)
    words = split.reshape(PORTS, tiles, depth * WORD, WORD)
    return np.concatenate([biases, words], axis=2).reshape(-1)


def load_product_store(rng: np.random.Generator, *, rows: int, images: int) -> Tiny:
    """Rows from DDR to the banks, one product with bias, its result to DDR."""
    depth_words, out_words = 9, 5
    tiles = -(-out_words // PORTS)
    values = rng.integers(-3000, 3000, (images, rows, depth_words * WORD)).astype(np.int16)
    weight = rng.integers(-3000, 3000, (tiles * TILE, depth_words * WORD)).astype(np.int16)
    bias = rng.integers(-3000, 3000, tiles * TILE).astype(np.int16)
    bias_shift, out_shift = 7, 10
    segment = -(-rows // PORTS) * depth_words
    port_words = tiles * (1 + depth_words * WORD)
    source, target = 100, 200
    commands = [
        encode("move_rows", base=1, ports=15, words=segment, address=0, port_stride=segment),
        encode(
            "load",
            rows=rows,
            words=depth_words,
            target=source,
            target_stride=depth_words,
            slot=1,
            complete=1,
        ),
        encode("move_weights", ports=15, words=port_words, address=0, port_stride=port_words),
        encode("move_store", base=2, ports=1, words=rows * out_words),
        encode("store", tag=2, rows=rows, words=out_words, source=target, source_stride=8, slot=2),
        encode(
            "engine",
            tag=1,
            has_bias=1,
            to_banks=1,
            fill=1,
            claim=1,
            announce_store=1,
            source_slot=1,
            target_slot=2,
            source=source,
            source_stride=depth_words,
            target=target,
            target_stride=8,
            rows=rows,
            depth_words=depth_words,
            out_words=out_words,
            bias_shift=bias_shift,
            out_shift=out_shift,
        ),
        encode("sequencer", end=True, reports=3),
    ]
    columns = out_words * WORD
    expected, saturated = [], []
    for image in values:
        result, clamped = matmul(
            image, weight[:columns], bias[:columns], bias_shift=bias_shift, out_shift=out_shift
        )
        expected.append(result)
        saturated.append(clamped)
    watched = Watched(
        name="result",
        instruction=1,
        address=target,
        stride=8,
        rows=rows,
        words=out_words,
        columns=columns,
        unit="engine",
        report=0,
    )
    return Tiny(
        SimulatedProgram(
            commands=to_words(commands),
            params=weight_words(weight, bias),
            reports=reports_of(commands),
            output_words=rows * out_words,
            watched=(watched,),
        ),
        np.stack([port_order(image) for image in values]),
        np.stack(expected),
        saturated,
    )


def through_ddr(tiny: Tiny, *, rows: int) -> Tiny:
    """Return `load_product_store` with its result spread to DDR and loaded back before its store.

    Another product, on rows that are there, announces that store.
    """
    words, there = 5, 300
    *before, end = (decode(command) for command in from_words(tiny.program.commands))
    segment = -(-rows // PORTS) * words
    spilled = {"base": 2, "ports": 15, "words": segment, "port_stride": segment}
    spilled["address"] = rows * words
    commands = []
    for command in before:
        fields = dict(command.fields)
        if command.unit == "move_store":
            fields = {**fields, **spilled}
        if command.unit == "store":
            fields["spread"] = 1
        commands.append(encode(command.unit, tag=command.tag, end=False, **fields))
    rows_back = {"rows": rows, "words": words, "slot": 3}
    again = dict(next(c.fields for c in before if c.unit == "engine"), target=400, target_slot=4)
    weights = next(c.fields for c in before if c.unit == "move_weights")
    commands += [
        encode("move_rows", end=False, fenced=1, **spilled),
        encode("load", end=False, target=there, target_stride=8, complete=1, **rows_back),
        encode("move_weights", end=False, **weights),
        encode("move_store", base=2, ports=1, words=rows * words),
        encode("store", tag=2, end=False, source=there, source_stride=8, **rows_back),
        encode("engine", tag=1, end=False, **again),
    ]
    reports = reports_of(commands)
    commands.append(encode(end.unit, end=True, reports=reports))
    program = replace(
        tiny.program,
        commands=to_words(commands),
        reports=reports,
        output_words=rows * words + PORTS * segment,
    )
    return replace(tiny, program=program)


def reports_of(commands: list[int]) -> int:
    """Count the commands that are answered."""
    decoded: list[Command] = [decode(command) for command in commands]
    return sum(command.reports for command in decoded)
