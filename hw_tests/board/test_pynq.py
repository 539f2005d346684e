"""The backend `board`, unmodified, on PYNQ's own code and a simulated board, with every fault.

PYNQ pins numpy below 2, so each release has an environment of its own (`tools/bootstrap.sh pynq`);
scenarios/ runs there, one process for each scenario.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import random_network

from trivit.host.backends import open_backend
from trivit.host.board.compare import handoff_differences
from trivit.host.board.hwh import read_handoff
from trivit.host.bundle import Bundle
from trivit.host.images import preprocess
from trivit.models.families.vision_transformer import ViTConfig
from trivit.tools.compiler.named import untrained_program
from trivit.tools.schedule import with_commands

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = Path(__file__).parent / "scenarios"
#: For the scenario that the simulator runs: its program, and the cycles of its job.
SIMULATOR_VARIABLE, CYCLES_VARIABLE = "TRIVIT_TEST_SIMULATOR", "TRIVIT_TEST_CYCLES"
VERSIONS = ("3.1.2", "4.0.0")
NAMES = [
    name
    for module in ("runs", "faults")
    for name in re.findall(r"^def scenario_(\w+)", (SCENARIOS / f"{module}.py").read_text(), re.M)
    if name != "simulator"
]


def python_of(version: str) -> Path:
    """Return the interpreter of a PYNQ's environment; skip where there is none."""
    if sys.version_info >= (3, 13):
        pytest.skip(f"PYNQ {version} needs numpy below 2, which has no wheels for Python 3.13")
    found = ROOT / ".venv" / f"pynq-{version}" / "bin" / "python"
    if not found.is_file():
        pytest.skip(f"no PYNQ {version}: `sh tools/bootstrap.sh pynq` makes it, and says why not")
    return found


def small_model(keep: float, name: str) -> Bundle:
    config = ViTConfig(
        image_size=28,
        patch_size=4,
        in_channels=1,
        num_classes=10,
        embed_dim=64,
        depth=3,
        num_heads=4,
        mlp_ratio=2.0,
        selector_blocks=(1,),
        token_keep_ratio=keep,
    )
    bundle = untrained_program(config, "small", seed=1)
    return replace(bundle, programs=(replace(bundle.first, name=name),))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a network and a whole model of two programs, and what their images must give."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    expected: dict[str, Any] = {}
    network = with_commands(random_network(4))
    dense, sparse = small_model(1.0, "dense"), small_model(0.7, "sparse")
    assert np.array_equal(dense.params, sparse.params)
    model = with_commands(replace(dense, programs=(dense.first, sparse.first)))
    for name, bundle, count in (("network", network, 3), ("model", model, 4)):
        p = bundle.preprocessing
        shape = (count, p.channels, p.height, p.width)
        expected[f"{name}_images"] = rng.integers(0, 256, shape).astype(np.uint8)
        (folder / f"{name}.trivit").write_bytes(bundle.to_bytes())
    images = expected["network_images"]
    expected["network_logits"] = open_backend("reference").run(network, images).logits
    for program in model.programs:
        images = expected["model_images"]
        result = open_backend("emulator").run(model, images, program=program.name)
        expected[f"model_logits_{program.name}"] = result.logits
        expected[f"model_saturations_{program.name}"] = result.saturations
    assert expected["model_logits_dense"].any()
    np.savez(folder / "expected.npz", **expected)
    return folder


_DONE: dict[str, dict[str, str]] = {}


def run_scenarios(
    version: str, folder: Path, data: Path, *names: str, **variables: str
) -> dict[str, str]:
    """Run scenarios with a PYNQ; return what went wrong in each, or nothing."""
    (folder / "trivit").symlink_to(ROOT)
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT / 'hw_tests'}", **variables}
    command = [python_of(version), "-m", "board.scenarios.run", folder, data, *names]
    result = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    print(*(f"{entry['name']}: {entry['seconds']} s" for entry in found), sep="\n")
    return {entry["name"]: entry["wrong"] for entry in found}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_scenario(
    version: str, name: str, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    python_of(version)
    if version not in _DONE:
        folder = tmp_path_factory.mktemp(f"pynq-{version}")
        _DONE[version] = run_scenarios(version, folder, data, *NAMES)
    assert _DONE[version].keys() == set(NAMES)
    assert not _DONE[version][name], _DONE[version][name]


@pytest.mark.parametrize(
    ("name", "part", "ranges"),
    [("resizer", "7z020-clg400-1", 3), ("rfsoc_sam", "xczu48dr-ffvg1517-2", 12)],
)
def test_handoffs_that_vivado_wrote(name: str, part: str, ranges: int) -> None:
    """Other people's designs, which PYNQ's parser is tested with: read, and refused."""
    environment = python_of("4.0.0").parents[1]
    (path,) = environment.glob(f"lib/python*/site-packages/pynqmetadata/tests/hwhs/{name}.hwh")
    handoff = read_handoff(path)
    assert handoff.part == part and len(handoff.ranges) == ranges
    assert any(cell.clocks for cell in handoff.cells.values())
    (difference,) = handoff_differences(handoff)
    assert re.fullmatch(r"no cell 'trivit' \(its cells: (\S+, ){5}\S+ and \d+ more\)", difference)


@pytest.mark.full
@pytest.mark.parametrize("version", VERSIONS)
def test_simulator_behind_pynq(version: str, data: Path, tmp_path: Path) -> None:
    """RTL and HLS blocks compute what the registers name; cycles are those of the simulation."""
    from trivit.tools.simulation.backend import SimulationBackend
    from trivit.tools.simulation.simulator_build import build_simulator

    python_of(version)
    bundle = Bundle.load(data / "network.trivit")
    images = np.load(data / "expected.npz")["network_images"][:1]
    with SimulationBackend().open_session(bundle) as session:
        session.put(0, bundle.first.commands().image.arrange(preprocess(bundle, images))[0])
        session.start(0)
        cycles = session.wait().cycles
    engine = {SIMULATOR_VARIABLE: str(build_simulator()), CYCLES_VARIABLE: str(cycles)}
    wrong = run_scenarios(version, tmp_path, data, "simulator", **engine)
    assert wrong == {"simulator": ""}, wrong
