"""The modelled timeline beside the simulation, op by op."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from accelerator.comparison import assert_tensors, run_bundle
from networks import random_network

from trivit.host.bundle import Bundle
from trivit.host.commands import decode, from_words
from trivit.host.schedule import Schedule
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.estimate.timeline import predict
from trivit.tools.profile import profile, read_trace
from trivit.tools.simulation.simulator_run import SimulationSettings

#: Cycles within which a program and an op agree however short they are. What the model leaves out
#: costs a short program as much as a long one: queues that are empty at the start, turns at port B,
#: which rows a selector keeps, weights that wait for a place behind short attentions, and how far
#: those of the head have come when it begins.
SHORT = 240
#: A refresh of the memory may fall behind the last product: 53 cycles.
END = 64


def assert_close(simulator: Path, bundle: Bundle, folder: Path, **options: int) -> Schedule:
    """Hold a program within 1 % of its simulated cycles, each op within 2 %.

    Returns:
        Its schedule, made with ``options``; the simulation has given every tensor of it.
    """
    trace = folder / "trace.csv"
    settings = SimulationSettings(trace=trace)
    expected, simulated = run_bundle(simulator, bundle, settings, **options)
    assert_tensors(expected, simulated)
    measured = profile(bundle, read_trace(trace).of_job(0), int(simulated.cycles[0]))
    tags = expected.schedule.tags
    timeline = predict(expected.schedule)
    assert abs(timeline.cycles - measured.cycles) <= max(SHORT, 0.01 * measured.cycles)
    limits, waits = timeline.limits(tags), timeline.waits(tags)
    end = waits[-1].pop("end")
    assert abs(end - measured.waits["end"]) <= END
    for op in measured.instructions:
        cycles = limits[op.index] + sum(waits[op.index].values())
        assert limits[op.index] == op.work, op
        assert abs(cycles - op.cycles) <= max(SHORT, 0.02 * op.cycles), (op, waits[op.index])
    return expected.schedule


@pytest.mark.parametrize("seed", range(3))
def test_small_networks(seed: int, simulator: Path, tmp_path: Path) -> None:
    assert_close(simulator, random_network(seed), tmp_path)


@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_two_blocks_of_deit_tiny(keep: float, simulator: Path, tmp_path: Path) -> None:
    """With 0.7, a selector in the first block."""
    whole = model_config("deit_tiny", token_keep_ratio=keep)
    config = replace(whole, depth=2, selector_blocks=(0,) if keep < 1 else ())
    assert_close(simulator, untrained_program(config, "two", seed=1), tmp_path)


def test_a_block_with_relative_positions(simulator: Path, tmp_path: Path) -> None:
    """Whose biases come while their heads are computed, and the mean of the patches."""
    whole = replace(model_config("deit_tiny"), depth=1, selector_blocks=())
    config = replace(whole, relative_position_bias=True, pooling="mean")
    assert_close(simulator, untrained_program(config, "pss", seed=1), tmp_path)


def test_a_program_larger_than_its_banks(simulator: Path, tmp_path: Path) -> None:
    """Heads in groups, which choose tokens together; rows of an MLP in pieces; a pause."""
    config = model_config("deit_tiny", token_keep_ratio=0.7)
    config = replace(config, image_size=64, patch_size=8, depth=2, selector_blocks=(1,))
    bundle = untrained_program(config, "two", seed=1)
    made = assert_close(simulator, bundle, tmp_path, depth=930)
    units = Counter(decode(command).unit for command in from_words(made.commands))
    assert (units["softmax"], units["gelu"], units["select"]) == (6, 3, 1)


def test_context_waits_in_ddr(simulator: Path) -> None:
    """Stored over all ports head by head, and loaded back behind fences."""
    config = replace(model_config("deit_tiny"), image_size=112, patch_size=8)
    bundle = untrained_program(replace(config, depth=1, selector_blocks=()), "one", seed=1)
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings(), depth=1850)
    assert_tensors(expected, simulated)
    commands = map(decode, from_words(expected.schedule.commands))
    assert sum(c.fields["spread"] for c in commands if c.unit == "store") == 3
    cycles = int(simulated.cycles[0])
    # Loads of narrow pieces rest longer than the model says.
    assert abs(predict(expected.schedule).cycles - cycles) <= 0.02 * cycles


@pytest.mark.full
def test_a_block_of_deit_base_at_384_pixels(simulator: Path) -> None:
    """Every tensor, and the cycles that the estimate for the whole model stands on."""
    config = replace(model_config("deit_base"), image_size=384, depth=1, selector_blocks=())
    bundle = untrained_program(config, "one_block", seed=1)
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)
    cycles = int(simulated.cycles[0])
    assert abs(predict(expected.schedule).cycles - cycles) <= 0.01 * cycles


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3, 103))
def test_many_networks(seed: int, simulator: Path, tmp_path: Path) -> None:
    assert_close(simulator, random_network(seed), tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("keep", [1.0, 0.7])
@pytest.mark.parametrize("name", ["deit_tiny", "deit_small"])
def test_deit(name: str, keep: float, simulator: Path, tmp_path: Path) -> None:
    config = model_config(name, token_keep_ratio=keep)
    assert_close(simulator, untrained_program(config, name, seed=1), tmp_path)
