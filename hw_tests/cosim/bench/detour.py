"""Rows that go to memory and come back on their way through the accelerator."""

from __future__ import annotations

import numpy as np
from accelerator.tiny import PORTS, WORD, reports_of
from cosim.bench.job import Job, JobBench

from trivit.host.commands import encode, to_words
from trivit.tools.simulation.simulator_run import SimulatedProgram

_PRODUCT_AT = 12000  # of the banks


def detour_job(bench: JobBench, rows: int, words: int) -> Job:
    """Return rows from memory to the banks, spread over the ports to memory behind the output,
    back to other banks behind a fence, and to the output.

    A product with weights of zero, whose result nobody reads, announces each store.
    """
    rng = np.random.default_rng(bench.rng.randrange(1 << 30))
    segment = -(-rows // PORTS) * words
    values = rng.integers(-(1 << 15), 1 << 15, (PORTS, segment, WORD)).astype(np.int16)
    loaded, reloaded = 3, 3 + -(-rows // 8) * words
    spilled = {"base": 2, "ports": 15, "words": segment, "address": rows * words}
    spilled["port_stride"] = segment

    def move(unit: str, address: int, slot: int, **more: int) -> int:
        what = "target" if unit == "load" else "source"
        place = {what: address, f"{what}_stride": words, "slot": slot}
        return encode(unit, tag=5, end=False, rows=rows, words=words, **place, **more)

    def product(slot: int, source: int, target_slot: int) -> list[int]:
        sizes = {"rows": min(8, rows), "depth_words": 1, "out_words": 1, "target_slot": target_slot}
        return [
            encode("move_weights", ports=15, words=WORD, address=0, port_stride=WORD),
            encode(
                "engine",
                tag=6,
                end=False,
                source=source,
                source_stride=words,
                source_slot=slot,
                target=_PRODUCT_AT,
                target_stride=1,
                to_banks=1,
                fill=1,
                claim=1,
                announce_store=1,
                **sizes,
            ),
        ]

    commands = [
        encode("move_rows", base=1, ports=15, words=segment, address=0, port_stride=segment),
        move("load", loaded, 1, complete=1),
        encode("move_store", end=False, **spilled),
        move("store", loaded, 1, spread=1),
        *product(1, loaded, 4),
        encode("move_rows", end=False, fenced=1, **spilled),
        move("load", reloaded, 2, complete=1),
        encode("move_store", base=2, ports=1, words=rows * words),
        move("store", reloaded, 2),
        *product(2, reloaded, 5),
    ]
    reports = reports_of(commands)
    commands.append(encode("sequencer", end=True, reports=reports))
    stored = [values[row % PORTS].reshape(-1, words, WORD)[row // PORTS] for row in range(rows)]
    program = SimulatedProgram(
        commands=to_words(commands),
        params=np.zeros(PORTS * WORD * WORD, dtype=np.int16),
        reports=reports,
        output_words=rows * words + PORTS * segment,
    )
    return Job(bench, program, values.reshape(-1), np.concatenate(stored).reshape(-1))
