"""Attention with a bias on its scores: from Brevitas to the simulated accelerator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accelerator.comparison import assert_tensors, run_bundle
from exported_model import build
from networks import heads_in_turn, region

from trivit.host.backends.emulator import EmulatorBackend
from trivit.host.bundle import Bundle
from trivit.host.commands import decode, from_words
from trivit.host.images import extract
from trivit.host.tracing import with_trace
from trivit.models.families import model_config
from trivit.tools.compiler import compile_model
from trivit.tools.compiler.named import untrained_program
from trivit.tools.simulation.simulator_run import SimulationSettings

RELATIVE: dict[str, Any] = {
    "selector_blocks": (),
    "token_keep_ratio": 1.0,
    "attention_keep_ratio": 1.0,
    "relative_position_bias": True,
    "count": 1,
}
PSS = {**RELATIVE, "pooling": "mean"}
#: 8 x 8 patches, which see their own window of 4 x 4.
WINDOWS = {**RELATIVE, "image_size": 24, "window": 4}


def assert_same_everywhere(simulator: Path, bundle: Bundle) -> None:
    """Compare every tensor of emulator and simulation with the oracle's."""
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings())
    assert_tensors(expected, simulated)
    assert not simulated.logs[0]["failed"].any()
    traced = with_trace(bundle)
    emulated = EmulatorBackend().run_batch(traced, region(bundle)[None]).regions
    assert {o.name for o in traced.outputs} == expected.tensors.keys()
    for output in traced.outputs:
        tensor = extract(output, emulated)[0]
        assert np.array_equal(tensor, expected.tensors[output.name]), output.name


@pytest.mark.parametrize("sizes", [PSS, WINDOWS], ids=["pss", "windows"])
def test_exported_models(sizes: dict[str, Any], simulator: Path, tmp_path: Path) -> None:
    """As quantized by Brevitas; its own numbers are compared in sw_tests/compiler."""
    assert_same_everywhere(simulator, compile_model(build(**sizes).save(tmp_path)))


def test_heads_share_places(simulator: Path) -> None:
    """Which are loaded while the head before is at work, so that no product waits for them long."""
    bundle = heads_in_turn(1)
    expected, simulated = run_bundle(simulator, bundle, SimulationSettings())
    commands = [decode(word) for word in from_words(expected.schedule.commands)]
    loads = [c for c in commands if c.unit == "load" and c.fields["announced"]]
    assert len(loads) == 3  # the first head's, and those that follow another
    assert_tensors(expected, simulated)


@pytest.mark.full
@pytest.mark.parametrize("window", [None, 7])
def test_as_large_as_deit_tiny(window: int | None, simulator: Path, tmp_path: Path) -> None:
    """The model of PSS, or 14 x 14 patches in windows, through Brevitas; two blocks."""
    sizes = {"image_size": 224, "patch_size": 16, "in_channels": 3, "embed_dim": 192}
    sizes |= {"num_heads": 3, "mlp_ratio": 4.0, "depth": 2, "window": window}
    bundle = compile_model(build(**{**PSS, **sizes}).save(tmp_path))
    assert_same_everywhere(simulator, bundle)


@pytest.mark.full
def test_whole_deit_tiny_of_pss(simulator: Path) -> None:
    whole = replace(model_config("deit_tiny"), selector_blocks=())
    config = replace(whole, relative_position_bias=True, pooling="mean")
    assert_same_everywhere(simulator, untrained_program(config, "pss", seed=1))
