"""Whole DeiT models, a random image: every tensor, and the cycles that the README states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle
from accelerator.tiny import load_product_store
from networks import deit_384, most_row_groups

from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.estimate import estimate_bundle
from trivit.tools.estimate.estimate import modelled_cycles
from trivit.tools.profile import profile, read_trace
from trivit.tools.simulation.simulator_build import build_simulator
from trivit.tools.simulation.simulator_run import SimulationSettings, simulate


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "keep", "most"),
    [
        ("deit_tiny", 1.0, 4.6),
        ("deit_tiny", 0.7, 3.2),
        ("deit_small", 1.0, 16.5),
        ("deit_small", 0.7, 11.3),
        ("deit_tiny_384", 1.0, 15.8),
        ("deit_tiny_384", 0.7, 9.8),
    ],
)
def test_deit(name: str, keep: float, most: float, simulator: Path) -> None:
    """``most`` milliseconds at 150 MHz."""
    config = model_config(name, token_keep_ratio=keep)
    expected, simulated = run_bundle(
        simulator, untrained_program(config, name, seed=1), SimulationSettings()
    )
    assert_tensors(expected, simulated)
    assert len(np.unique(simulated.outputs)) > 100
    assert int(simulated.cycles[0]) / 150e3 <= most


def test_as_many_tokens_as_deit_384(simulator: Path, tmp_path: Path) -> None:
    """577 tokens in the first block, 405 in the second; softmax keeps pace with the array."""
    bundle, trace = deit_384(0.7), tmp_path / "trace.csv"
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings(trace=trace))
    assert_tensors(expected, simulated)
    measured = profile(bundle, read_trace(trace).of_job(0), int(simulated.cycles[0]))
    attentions = [op for op in measured.instructions if op.opcode == "attention"]
    assert len(attentions) == 2
    for attention in attentions:
        assert attention.work < attention.cycles < 1.04 * attention.work


@pytest.mark.full
def test_more_row_groups_than_nine_bits_count(simulator: Path) -> None:
    expected, simulated = run_bundle(simulator, most_row_groups(), SimulationSettings())
    assert_tensors(expected, simulated)


@pytest.mark.full
def test_four_blocks_of_deit_base(simulator: Path) -> None:
    """Every tensor, and the cycles that the estimate for the whole model stands on."""
    config = replace(model_config("deit_base"), depth=4, selector_blocks=())
    bundle = untrained_program(config, "four_blocks", seed=1)
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)
    cycles = int(simulated.cycles[0])
    assert abs(modelled_cycles(bundle) - cycles) <= 0.01 * cycles
    whole = untrained_program(model_config("deit_base"), "deit_base")
    assert estimate_bundle(whole).latency_ms <= 61.5


@pytest.mark.full
def test_waveform(tmp_path: Path) -> None:
    """Another build, which writes the cycles that it is asked for."""
    wave = tmp_path / "window.vcd"
    tiny = load_product_store(np.random.default_rng(1), rows=8, images=1)
    settings = SimulationSettings(wave=wave, wave_from=100, wave_to=150)
    run = simulate(build_simulator(waves=True), tiny.program, tiny.images, settings)
    assert np.array_equal(run.outputs.reshape(tiny.expected.shape), tiny.expected)
    text = wave.read_text()
    times = [int(line[1:]) for line in text.splitlines() if line.startswith("#")]
    assert 100 <= len(times) <= 102  # both edges
    assert "job_cycle" in text and "stall" in text
