"""Programs on the simulated accelerator: RTL, HLS blocks and memory together."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle
from accelerator.tiny import Tiny, load_product_store, through_ddr
from networks import Compared, random_network

from trivit.host.backends.reference import ReferenceBackend
from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.host.commands import decode, encode, from_words, to_words
from trivit.host.errors import HostError
from trivit.host.images import preprocess
from trivit.host.instructions import decode as decode_instruction
from trivit.host.log import saturated_values
from trivit.tools.schedule import with_commands
from trivit.tools.simulation.backend import SimulationBackend
from trivit.tools.simulation.simulator_run import (
    Simulated,
    SimulatedProgram,
    SimulationSettings,
    simulate,
)

STEADY = SimulationSettings()


def run_network(
    simulator: Path, seed: int, settings: SimulationSettings = STEADY
) -> tuple[Bundle, Compared, Simulated]:
    """Simulate a random network and run it in the oracle."""
    bundle = random_network(seed)
    return bundle, *run_bundle(simulator, bundle, settings)


@pytest.mark.parametrize("rows", [1, 8, 13])
def test_load_product_store(rows: int, simulator: Path) -> None:
    """Two jobs after each other: counts of one do not reach the other."""
    tiny = load_product_store(np.random.default_rng(rows), rows=rows, images=2)
    run = simulate(simulator, tiny.program, tiny.images, STEADY)
    assert np.array_equal(run.outputs.reshape(tiny.expected.shape), tiny.expected)
    for tensors, expected in zip(run.tensors, tiny.expected, strict=True):
        assert np.array_equal(tensors[0], expected)
    for log, saturated in zip(run.logs, tiny.saturated, strict=True):
        assert saturated > 0
        assert [tuple(entry)[1:5] for entry in log] == [
            (10, 0, False, 0),  # load
            (1, 1, False, saturated),  # engine
            (11, 2, False, 0),  # store
        ]
        assert log["begun"][1] > log["cycle"][0] - 20  # its rows were there at the earliest


@pytest.mark.parametrize("rows", [1, 13])
def test_rows_through_ddr(rows: int, simulator: Path) -> None:
    """Stored over all ports, loaded behind a fence; counts go on from job to job."""
    made = load_product_store(np.random.default_rng(rows), rows=rows, images=3)
    tiny = through_ddr(made, rows=rows)
    for settings in (SimulationSettings(), SimulationSettings(pauses=100, seed=rows, latency=150)):
        run = simulate(simulator, tiny.program, tiny.images, settings)
        words = tiny.expected[0].size
        assert np.array_equal(run.outputs[:, :words].reshape(tiny.expected.shape), tiny.expected)


@pytest.mark.parametrize("seed", range(6))
def test_every_tensor_of_random_networks(seed: int, simulator: Path) -> None:
    bundle, expected, simulated = run_network(simulator, seed)
    assert_tensors(expected, simulated)
    log = simulated.logs[0]
    assert not log["failed"].any()
    assert (np.diff(log["cycle"].astype(np.int64)) > 0).all()
    assert log["cycle"][-1] < simulated.cycles[0] < log["cycle"][-1] + 400
    counted = saturated_values(log, expected.schedule.tags)
    for tag, words in enumerate(bundle.program):
        instruction = decode_instruction(words)
        assert instruction is not None
        # Rows that a selector drops are computed too, and counted, as v4 does not; instruction 2
        # is the patch embedding, whose row of [CLS] v4 alone computes.
        if "compact" in instruction.flags or tag == 2:
            assert counted[tag] >= expected.saturations[tag] or tag == 2
        else:
            assert counted[tag] == expected.saturations[tag], tag


def test_backends_agree(simulator: Path) -> None:
    """Two images through the interface of all backends, with the commands that a file holds."""
    bundle = Bundle.from_bytes(with_commands(random_network(4)).to_bytes())
    p = bundle.preprocessing
    shape = (2, p.channels, p.height, p.width)
    images = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    backend = SimulationBackend()
    result = backend.run(bundle, images)
    assert np.array_equal(result.logits, ReferenceBackend().run(bundle, images).logits)
    assert backend.last is not None
    assert result.cycles.sum() == sum(int(log["cycle"][-1]) for log in backend.last.logs)
    assert len(result.cycles) == len(bundle.program)


def test_session() -> None:
    """Jobs one by one give what the backend gives, each from the slot that it was put into."""
    bundle = Bundle.from_bytes(with_commands(random_network(4)).to_bytes())
    p = bundle.preprocessing
    shape = (2, p.channels, p.height, p.width)
    inputs = preprocess(bundle, np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8))
    backend = SimulationBackend()
    batch = backend.run_batch(bundle, inputs)
    assert backend.last is not None
    with backend.open_session(bundle) as session:
        assert session.source is CycleSource.simulated and session.clock_mhz == 150
        with pytest.raises(HostError, match="no job is running"):
            session.wait()
        regions = bundle.first.commands().image.arrange(inputs)
        for slot, region in enumerate(regions):
            session.put(slot, region)
        for slot in (1, 0):
            session.start(slot)
            with pytest.raises(HostError, match="a job is still running"):
                session.start(0)
            outcome = session.wait()
            assert np.array_equal(outcome.output, batch.regions[slot])
            assert outcome.wall_seconds > 0
        # The first image of a batch finds the memory as a session's job does, the second does not.
        assert np.array_equal(outcome.log, backend.last.logs[0])
        assert outcome.cycles == backend.last.cycles[0]
        session.start(0)
        with pytest.raises(HostError, match=r"took longer than 0\.001 s and was ended"):
            session.wait(0.001)
        with pytest.raises(HostError, match=r"slot 2: this session has 0 \.\. 1"):
            session.start(2)
        with pytest.raises(HostError, match=r"an image region of shape \(3,\)"):
            session.put(0, np.zeros(3, dtype=np.int16))


@pytest.mark.parametrize(
    "settings",
    [
        SimulationSettings(pauses=64, seed=1),
        SimulationSettings(pauses=150, seed=2, latency=200),
        SimulationSettings(depth_factor=2, latency=120, stream_latency=4),
        SimulationSettings(bandwidth=2.0),
    ],
    ids=["pauses", "many pauses", "twice as deep", "slow memory"],
)
def test_time_changes_no_integer(settings: SimulationSettings, simulator: Path) -> None:
    """Random pauses of every stream and AXI channel, and other latencies."""
    _, expected, simulated = run_network(simulator, 1, settings)
    assert_tensors(expected, simulated)
    _, _, steady = run_network(simulator, 1)
    assert simulated.cycles[0] > steady.cycles[0]


def test_order_of_processes_changes_no_cycle(simulator: Path) -> None:
    _, _, steady = run_network(simulator, 2)
    _, _, shuffled = run_network(simulator, 2, SimulationSettings(seed=7))
    assert np.array_equal(steady.logs[0], shuffled.logs[0])


def test_a_program_that_cannot_go_on(simulator: Path) -> None:
    """Without its weights a product waits for ever; the message says who waits for what."""
    tiny = load_product_store(np.random.default_rng(1), rows=8, images=1)
    units = [decode(command).unit for command in from_words(tiny.program.commands)]
    keep = [place for place, unit in enumerate(units) if unit != "move_weights"]
    program = replace(tiny.program, commands=tiny.program.commands[keep])
    with pytest.raises(HostError) as error:
        simulate(simulator, program, tiny.images, SimulationSettings(patience=500))
    message = str(error.value)
    assert "nothing moves" in message
    assert "array: weights" in message
    assert "store works at instruction 2" in message
    assert "sequencer waits for jobs" in message


def changed(tiny: Tiny, unit: str, **fields: int) -> SimulatedProgram:
    """Return the program with other values in the unit's command."""
    commands = from_words(tiny.program.commands)
    for place, command in enumerate(commands):
        known = decode(command)
        if known.unit == unit:
            values = {**known.fields, **fields}
            commands[place] = encode(unit, tag=known.tag, end=known.end, **values)
    return replace(tiny.program, commands=to_words(commands))


def test_refused_commands(simulator: Path) -> None:
    """What the engine refuses, a read outside of the memory, a wrong number of reports."""
    tiny = load_product_store(np.random.default_rng(1), rows=8, images=1)
    cases = [
        (changed(tiny, "engine", source=15359), "refused a command: activation address"),
        (changed(tiny, "move_weights", address=1 << 30), "gmem[1-4] read outside of the memory"),
        (changed(tiny, "sequencer", reports=2), "other reports than the job says"),
    ]
    for program, message in cases:
        with pytest.raises(HostError, match="the simulation failed: .*" + message):
            simulate(simulator, program, tiny.images, STEADY)


def test_trace_accounts_for_every_cycle(simulator: Path, tmp_path: Path) -> None:
    """Each cycle of the array belongs to one product and has one cause."""
    trace = tmp_path / "trace.csv"
    _, expected, simulated = run_network(simulator, 3, SimulationSettings(trace=trace))
    lines = trace.read_text().splitlines()
    products = [line.split(",") for line in lines if line.startswith("product,")]
    log = simulated.logs[0]
    engine = log[log["unit"] == 1]
    assert [int(p[2]) for p in products] == engine["tag"].tolist()
    assert [int(p[3]) for p in products] == engine["begun"].tolist()
    assert [int(p[4]) for p in products] == engine["cycle"].tolist()
    counts = [[int(part.split("=")[1]) for part in p[5:]] for p in products]
    depth_words = sum(
        -(-c.fields["rows"] // 8) * -(-c.fields["out_words"] // 4) * c.fields["depth_words"]
        for c in map(decode, from_words(expected.schedule.commands))
        if c.unit == "engine" and not c.fields["place"]
    )
    assert sum(count[0] for count in counts) == depth_words
    # From reset on: behind the last product nothing is issued.
    assert sum(map(sum, counts)) <= int(simulated.cycles[0]) + 10
    spans = [line.split(",") for line in lines if line.startswith("command,")]
    reported = {(u, t) for u, t in zip(log["unit"].tolist(), log["tag"].tolist(), strict=True)}
    units = {5: "select", 6: "row_writer", 7: "softmax_writer", 8: "norm_writer", 10: "load"}
    units |= {2: "gelu", 3: "softmax", 4: "normalise", 11: "store"}
    traced = {(span[5], int(span[2])) for span in spans}
    assert {(units[u], t) for u, t in reported if u != 1} <= traced
    assert all(int(span[3]) <= int(span[4]) for span in spans)


def test_memory_limits_what_moves(simulator: Path) -> None:
    """At a tenth of the bandwidth, weights alone need as many cycles as the run takes."""
    bandwidth = 0.4
    _, expected, simulated = run_network(simulator, 5, SimulationSettings(bandwidth=bandwidth))
    moved = sum(
        c.fields["words"] * bin(c.fields["ports"]).count("1")
        for c in map(decode, from_words(expected.schedule.commands))
        if re.match("move_", c.unit)
    )
    words_a_cycle = bandwidth * 1e9 / 150e6 / 16
    assert simulated.cycles[0] > moved / words_a_cycle
