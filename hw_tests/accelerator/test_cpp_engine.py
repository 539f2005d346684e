"""The accelerator with its engine in HLS C++: the oracle's integers from what Vitis HLS reads."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle
from accelerator.tiny import load_product_store, through_ddr
from networks import (
    deit_384,
    heads_in_turn,
    most_row_groups,
    random_network,
    random_shape,
)

from trivit.host.backends.compile_cache import KERNEL_FOLDER
from trivit.host.commands import decode, encode, from_words, to_words
from trivit.host.errors import HostError
from trivit.host.log import saturated_values
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.simulation.backend import SimulationBackend
from trivit.tools.simulation.simulator_build import Engine, ap_types, build_simulator
from trivit.tools.simulation.simulator_run import SimulationSettings, simulate

HERE = Path(__file__).resolve().parent
ENGINE = KERNEL_FOLDER / "include" / "trivit" / "engine"
#: Makes a matrix for later products, which is no error, of a product.
PLACE_AHEAD = {"place": 1, "to_banks": 0, "claim": 0, "announce_store": 0, "source_slot": 0}


@pytest.fixture(scope="session")
def cpp_simulator() -> Path:
    return build_simulator(engine=Engine.hls)


@pytest.mark.parametrize("rows", [1, 13])
def test_load_product_store(rows: int, cpp_simulator: Path) -> None:
    """Two jobs after each other: counts of one do not reach the other."""
    tiny = load_product_store(np.random.default_rng(rows), rows=rows, images=2)
    run = simulate(cpp_simulator, tiny.program, tiny.images, SimulationSettings())
    assert np.array_equal(run.outputs.reshape(tiny.expected.shape), tiny.expected)
    for log, saturated in zip(run.logs, tiny.saturated, strict=True):
        assert [tuple(entry)[1:5] for entry in log] == [
            (10, 0, False, 0),
            (1, 1, False, saturated),
            (11, 2, False, 0),
        ]


@pytest.mark.parametrize("rows", [1, 13])
def test_rows_through_ddr(rows: int, cpp_simulator: Path) -> None:
    """Stored over all ports, loaded behind a fence; counts go on from job to job."""
    made = load_product_store(np.random.default_rng(rows), rows=rows, images=3)
    tiny = through_ddr(made, rows=rows)
    for settings in (SimulationSettings(), SimulationSettings(pauses=100, seed=rows, latency=150)):
        run = simulate(cpp_simulator, tiny.program, tiny.images, settings)
        words = tiny.expected[0].size
        assert np.array_equal(run.outputs[:, :words].reshape(tiny.expected.shape), tiny.expected)


@pytest.mark.parametrize("seed", range(4))
def test_every_tensor_of_random_networks(seed: int, cpp_simulator: Path, simulator: Path) -> None:
    """The tensors of the oracle, and the saturations that the RTL counts."""
    bundle = random_network(seed)
    expected, simulated = run_bundle(cpp_simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)
    _, rtl = run_bundle(simulator, bundle, SimulationSettings())
    tags = expected.schedule.tags
    counted = saturated_values(simulated.logs[0], tags)
    assert np.array_equal(counted, saturated_values(rtl.logs[0], tags))
    assert len(simulated.logs[0]) == len(rtl.logs[0])


@pytest.mark.parametrize(
    ("seed", "depth", "groups", "waits"), [(0, 400, 4, 0), (2, 350, 8, 0), (0, 300, 4, 4)]
)
def test_heads_in_groups(
    seed: int, depth: int, groups: int, waits: int, cpp_simulator: Path
) -> None:
    """One head of four at a time, of one attention or two; context may wait in DDR meanwhile.

    Of queries, keys and values all but the last that is written are products of slot 0.
    """
    shape = random_shape(np.random.default_rng(seed))
    shape = replace(shape, channels=1, grid=4, patch=2, heads=4, head_words=8, hidden_words=30)
    bundle = random_network(seed, shape)
    expected, simulated = run_bundle(cpp_simulator, bundle, SimulationSettings(), depth=depth)
    assert_tensors(expected, simulated)
    commands = [decode(word) for word in from_words(expected.schedule.commands)]
    assert sum(c.unit == "softmax" for c in commands) == groups
    assert sum(c.fields["spread"] for c in commands if c.unit == "store") == waits


def test_loads_wait_for_their_place(cpp_simulator: Path) -> None:
    """Biases of scores: streams four times as deep bring the loads before their places are free.

    As deep as they are, streams happen to hold back the commands of these loads.
    """
    settings = SimulationSettings(depth_factor=4)
    expected, simulated = run_bundle(cpp_simulator, heads_in_turn(1), settings)
    commands = [decode(word) for word in from_words(expected.schedule.commands)]
    loads = [c for c in commands if c.unit == "load" and c.fields["announced"]]
    assert len(loads) == 3  # the first head's, and those that follow another
    assert_tensors(expected, simulated)


@pytest.mark.parametrize(
    "settings",
    [
        SimulationSettings(pauses=100, seed=2, latency=150),
        SimulationSettings(depth_factor=2, stream_latency=4, seed=3),
    ],
    ids=["pauses", "twice as deep"],
)
def test_time_changes_no_integer(settings: SimulationSettings, cpp_simulator: Path) -> None:
    expected, simulated = run_bundle(cpp_simulator, random_network(7), settings)
    assert_tensors(expected, simulated)


def test_order_of_processes_changes_no_cycle(cpp_simulator: Path) -> None:
    """Asking whether a stream has a word finds what was there before the clock."""
    bundle = random_network(2)
    _, steady = run_bundle(cpp_simulator, bundle, SimulationSettings())
    _, shuffled = run_bundle(cpp_simulator, bundle, SimulationSettings(seed=7))
    assert np.array_equal(steady.logs[0], shuffled.logs[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": 15359}, "refused a command: activation address"),
        ({"bias_shift": 24}, "refused a command: shift range"),
        ({"ring_offset": 1}, "refused a command: size limit"),
        ({"claim": 1, "target_slot": 1}, "refused a command: size limit"),
        ({"place": 1}, "refused a command: unknown opcode"),
        ({**PLACE_AHEAD, "announce_load": 1}, "refused a command: unknown opcode"),
    ],
)
def test_refused_commands(fields: dict[str, int], message: str, cpp_simulator: Path) -> None:
    tiny = load_product_store(np.random.default_rng(1), rows=8, images=1)
    commands = from_words(tiny.program.commands)
    for place, command in enumerate(commands):
        known = decode(command)
        if known.unit == "engine":
            commands[place] = encode("engine", tag=known.tag, **{**known.fields, **fields})
    program = replace(tiny.program, commands=to_words(commands))
    with pytest.raises(HostError, match="the simulation failed: .*" + message):
        simulate(cpp_simulator, program, tiny.images, SimulationSettings())


def test_it_has_no_waveform() -> None:
    with pytest.raises(HostError, match="no waveform: leave it out"):
        build_simulator(engine=Engine.hls, waves=True)


def test_its_cycles_are_no_simulation_of_rtl(cpp_simulator: Path) -> None:
    assert cpp_simulator.is_file()
    assert SimulationBackend(engine=Engine.hls).form == "engine in HLS C++"


def test_as_vitis_hls_compiles_it(tmp_path: Path) -> None:
    """``__SYNTHESIS__`` and Xilinx's types; loops as they stand; transposed operands, too."""
    folders = ("include", "simulation", "simulation/clocked")
    command = [
        *(os.environ.get("CXX", "g++"), "-std=c++14", "-O1", "-Wall", "-Wextra", "-Werror"),
        *("-Wno-unknown-pragmas", "-Wno-uninitialized", "-Wno-maybe-uninitialized"),
        *("-include", HERE.parent / "blocks" / "synthesis.hpp"),
        *(f"-I{KERNEL_FOLDER / folder}" for folder in folders),
        *("-isystem", ap_types(), HERE / "bench_engine.cpp", "-o", tmp_path / "bench"),
    ]
    built = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[:4000]
    result = subprocess.run([tmp_path / "bench"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert result.stderr == "", "the types warn of widths that do not match"


def test_distances_of_memories_are_those_of_the_pragmas() -> None:
    """The simulation holds memories to distances that Vitis HLS is told."""
    source = (KERNEL_FOLDER / "src" / "engine.cpp").read_text("utf-8")
    told = dict(re.findall(r"DEPENDENCE variable = (\S+) inter RAW distance = (\d+) true", source))
    ring = re.search(r"kRingDistance = (\d+);", (ENGINE / "ring.hpp").read_text("utf-8"))
    rows = re.search(r"kDistance = (\d+);", (ENGINE / "results.hpp").read_text("utf-8"))
    assert ring and rows
    assert told == {
        "process.dispatch.ring.weight": ring[1],
        "process.dispatch.ring.bias.value": ring[1],
        "process.results.rows.value": rows[1],
    }


def test_depths_are_the_sums_of_their_stages() -> None:
    pattern = r'name\(\) \{ return "(\w+)"; \}\n((?: +//.*\n)+) +static const int kDepth = (\d+);'
    text = "".join(path.read_text("utf-8") for path in ENGINE.glob("*.hpp"))
    found = {name: (comment, depth) for name, comment, depth in re.findall(pattern, text)}
    movers = {"mover_read", "mover_write", "mover_gate", "mover_fences"}
    assert set(found) == {"engine", "guard", "load", *movers}
    for name, (comment, depth) in found.items():
        assert sum(map(int, re.findall(r"\d+", comment))) == int(depth), name


def test_as_many_tokens_as_deit_384(cpp_simulator: Path) -> None:
    """Softmax holds fewer row groups of so many keys, and the engine knows."""
    expected, simulated = run_bundle(cpp_simulator, deit_384(0.7, depth=1), SimulationSettings())
    assert_tensors(expected, simulated)


@pytest.mark.full
def test_more_row_groups_than_nine_bits_count(cpp_simulator: Path) -> None:
    expected, simulated = run_bundle(cpp_simulator, most_row_groups(), SimulationSettings())
    assert_tensors(expected, simulated)


@pytest.mark.full
def test_deit_tiny(cpp_simulator: Path) -> None:
    config = model_config("deit_tiny", token_keep_ratio=0.7)
    bundle = untrained_program(config, "deit_tiny", seed=1)
    expected, simulated = run_bundle(cpp_simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)


@pytest.mark.full
def test_two_blocks_of_deit_tiny(cpp_simulator: Path) -> None:
    config = model_config("deit_tiny", depth=2, selector_blocks=())
    bundle = untrained_program(config, "deit_tiny", seed=1)
    expected, simulated = run_bundle(cpp_simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)
