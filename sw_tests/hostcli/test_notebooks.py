"""The notebooks run from top to bottom, on backends that this machine has, and are stored bare."""

import json
from pathlib import Path

import numpy as np
import pytest

import trivit.host.notebooks
from trivit.host.kept_tokens import list_names
from trivit.tools.backends import register_simulation

from .notebook_runner import cells, execute

FOLDER = Path(trivit.host.notebooks.__path__[0])
FIRST, LATENCY, KEPT, ADAPT = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("notebook", (FIRST, LATENCY, KEPT, ADAPT), ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(notebook: Path) -> None:
    for cell in cells(notebook):
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.parametrize("backend", ("reference", "simulation"))
def test_first_run(
    backend: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register_simulation()
    monkeypatch.setenv("TRIVIT_BACKEND", backend)
    left = execute(FIRST)
    assert np.array_equal(left["result"].logits, left["expected"].logits)
    assert bool(left["result"].cycles.sum()) == (backend == "simulation")
    assert f"equal the oracle's on {backend}" in capsys.readouterr().out


def test_first_run_stops_where_the_board_is_not_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_BACKEND", "board")
    with pytest.raises(AssertionError, match="mend the lines that failed"):
        execute(FIRST)


def test_latency(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register_simulation()
    monkeypatch.setenv("TRIVIT_BACKEND", "simulation")
    monkeypatch.chdir(tmp_path)
    left = execute(LATENCY)
    assert left["Picture"]()._repr_svg_().startswith("<svg")
    assert left["report"] == json.loads((tmp_path / "latency/latency.json").read_text())
    assert left["report"]["backend"] == "simulation"


def test_kept_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    monkeypatch.setenv("TRIVIT_BACKEND", "reference")
    left = execute(KEPT)
    assert len(left["seen"]) == len(left["drawn"]) == 3
    assert all(len(one.kept) == len(list_names(left["bundle"].first)) for one in left["seen"])


def test_kept_tokens_of_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    monkeypatch.setenv("TRIVIT_BACKEND", "reference")
    monkeypatch.setenv("TRIVIT_IMAGES", str(tmp_path))
    assert [one.picture.name for one in execute(KEPT)["seen"]] == ["red.png"]


@pytest.mark.parametrize("backend", ("emulator", pytest.param("reference", marks=pytest.mark.full)))
def test_adapt_on_the_device(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_BACKEND", backend)
    left = execute(ADAPT)
    turned, upright = left["accuracies"].pop("before")
    assert turned < 70 and upright > 95, "the model knows upright shapes"
    assert list(left["accuracies"]) == list(left["sessions"]) == ["all", "last-block", "biases"]
    for after_turned, after_upright in left["accuracies"].values():
        assert after_turned > turned + 8 and after_upright > 90
    states = left["states"]
    assert states["biases"] < states["last-block"] < states["all"]
