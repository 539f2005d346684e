"""The backend `board`, unmodified, on PYNQ's own code and the accelerator in Verilator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerator.comparison import WithoutRefresh
from board.test_pynq import python_of, run_scenarios, small_model
from cosim.design import chosen_design
from networks import random_network
from simulator import FOLDER, build

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.commands import decode, from_words, to_words
from trivit.tools.schedule import with_commands
from trivit.tools.simulation.backend import SimulationBackend


def that_hangs(bundle: Bundle) -> Bundle:
    """Return a program whose engine waits for weights that nobody moves."""
    schedule = bundle.first.commands()
    commands = from_words(schedule.commands)
    place = [decode(command).unit for command in commands].index("move_weights")
    left = to_words([*commands[:place], *commands[place + 1 :]])
    first = replace(bundle.first, schedule=replace(schedule, commands=left))
    return replace(bundle, programs=(first,))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write programs, and what they must give: logits of oracle and emulator, the simulation's
    counts."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    network = with_commands(random_network(4))
    dense, sparse = small_model(1.0, "dense"), small_model(0.7, "sparse")
    model = with_commands(replace(dense, programs=(dense.first, sparse.first)))
    for name, bundle in (("network", network), ("model", model), ("hangs", that_hangs(network))):
        (folder / f"{name}.trivit").write_bytes(bundle.to_bytes())
    images = {
        name: rng.integers(0, 256, (1, p.channels, p.height, p.width)).astype(np.uint8)
        for name, p in (("network", network.preprocessing), ("model", model.preprocessing))
    }
    expected = {f"{name}_images": pixels for name, pixels in images.items()}
    expected["network_logits"] = open_backend("reference").run(network, images["network"]).logits
    for program in model.programs:
        name, pixels = program.name, images["model"]
        exact = open_backend("emulator").run(model, pixels, program=name)
        counted = SimulationBackend(WithoutRefresh()).run(model, pixels, program=name)
        assert exact.logits.any() and np.array_equal(exact.logits, counted.logits)
        expected[f"model_logits_{name}"] = exact.logits
        expected[f"model_saturations_{name}"] = counted.saturations
        expected[f"model_cycles_{name}"] = counted.cycles
    np.savez(folder / "expected.npz", **expected)
    return folder


@contextmanager
def board_with_the_accelerator(folder: Path) -> Iterator[None]:
    """Run a board in ``folder``, with this Python, which has Verilator and cocotb."""
    folder.mkdir(parents=True)
    words = [sys.executable, "-m", "board.hardware.server", str(folder), "--engine", "rtl"]
    with (folder / "board.log").open("w") as log:
        board = subprocess.Popen(words, cwd=FOLDER, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert board.stdout is not None
        ready = board.stdout.readline()
        assert ready == "ready\n", (folder / "board.log").read_text()
        yield
    finally:
        board.terminate()
        board.communicate()


@pytest.mark.parametrize("version", ["4.0.0", pytest.param("3.1.2", marks=pytest.mark.full)])
def test_backend_board(version: str, data: Path, tmp_path: Path) -> None:
    """Whole programs, a memory error, a job that hangs: scenarios/rtl.py in PYNQ's environment."""
    python_of(version)
    build(chosen_design())
    with board_with_the_accelerator(tmp_path / "rtl" / "hardware"):
        wrong = run_scenarios(version, tmp_path, data, "rtl")
    assert wrong == {"rtl": ""}, wrong["rtl"]
