"""A miniature of the demo, end to end through the real command, and the demo's own checks."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image as png
from programs import random_bundle

from trivit.host.backends import Backend, open_backend
from trivit.host.backends.base import BatchOutput
from trivit.host.bundle import Bundle
from trivit.tools.demo.compare import compare_backends
from trivit.tools.demo.folder import prepare_folder
from trivit.tools.demo.picture import choose_images
from trivit.tools.demo.requirements import Requirements, failures
from trivit.tools.demo.settings import DemoSettings
from trivit.tools.demo.stages import StageClock
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.image_cycles import model_cycles

from .conftest import Trivit, files_in

STAGES = {
    "train",
    "evaluate",
    "quantize",
    "compile",
    "emulator",
    "cycles",
    "reference",
    "picture",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of one miniature demo."""
    out = tmp_path_factory.mktemp("demo") / "run"
    command = [sys.executable, "-m", "trivit.tools.cli", "demo", "--quick", "--out", str(out)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return out, result.stdout


def test_the_summary_has_every_figure(demo: tuple[Path, str]) -> None:
    summary = json.loads((demo[0] / "summary.json").read_text())
    assert summary["reference_mismatches"] == 0
    assert summary["reference_images"] == 8
    assert summary["reference_tensors"] > 20
    assert summary["emulator_images"] >= 100
    assert summary["test_images"] == 200
    assert abs(summary["quantized_top1"] - summary["float_top1"]) <= 3
    assert abs(summary["emulator_top1"] - summary["float_top1_on_emulator_images"]) <= 3
    assert summary["emulator_images_per_second"] > 0
    assert summary["training_speedup"] > 0
    assert set(summary["seconds"]) == STAGES
    bundle = Bundle.load(demo[0] / "program.trivit")
    for kind in ("dense", "sparse"):
        counted = model_cycles(bundle.choose(kind))
        assert summary["modelled_cycles"][kind] == counted.cycles
        assert summary["modelled_latency_ms"][kind] == counted.latency_ms
        assert summary["no_cycles_because"].get(kind) == counted.reason
    assert 0 < summary["macs"]["sparse"] < summary["macs"]["dense"]
    assert {"python", "numpy", "torch", "brevitas", "onnx"} <= set(summary["versions"])
    assert summary["requirements_missed"] == []


def test_every_written_path_is_printed_and_there(demo: tuple[Path, str]) -> None:
    out, text = demo
    written = text[text.index("written") :].splitlines()[1:]
    paths = [Path(line.split()[0]) for line in written]
    assert out / "summary.json" in paths and out / "tokens.png" in paths
    assert all(path.exists() for path in paths)
    assert not [name for name in files_in(out) if "/." in f"/{name}"]


def test_the_picture_has_a_row_for_each_image(demo: tuple[Path, str]) -> None:
    picture = png.imread(demo[0] / "tokens.png")
    assert picture.shape[0] > 4 * 100 and picture.shape[1] > 3 * 100
    assert picture.std() > 0.1


def test_the_bundle_of_the_demo_runs_on_both_backends(
    demo: tuple[Path, str], trivit: Trivit
) -> None:
    bundle = demo[0] / "program.trivit"
    results = []
    for backend in ("reference", "emulator"):
        outcome = trivit(
            "run", bundle, "--images", "synthetic", "--count", 4, "--backend", backend, "--json"
        )
        assert outcome.status == 0
        results.append(json.loads(outcome.out))
    assert results[0]["classes"] == results[1]["classes"]
    assert results[0]["saturations"] == results[1]["saturations"]
    # Cycles are the schedule's, not the backend's.
    counted = model_cycles(Bundle.load(bundle))
    for result in results:
        assert result["modelled_cycles_per_image"] == counted.cycles
        assert result.get("no_cycles_because") == counted.reason


class Tampered(Backend):
    """An emulator with one wrong bit in the last word of every image's outputs."""

    name = "tampered"

    def __init__(self, honest: Backend) -> None:
        self.honest = honest

    def run_batch(self, bundle: Bundle, inputs: np.ndarray) -> BatchOutput:
        output = self.honest.run_batch(bundle, inputs)
        regions = output.regions.copy()
        last = bundle.outputs[-1]
        start = (last.offset + (last.rows - 1) * last.words) * 8
        regions[:, start] ^= 1
        return replace(output, regions=regions)


def test_one_wrong_bit_is_found() -> None:
    bundle, images = random_bundle(2)
    reference, emulator = open_backend("reference"), open_backend("emulator")
    equal = compare_backends(bundle, images, reference, emulator)
    assert (equal.mismatches, equal.images, equal.differing) == (0, len(images), [])
    assert equal.values > len(images) * len(bundle.tensors)
    wrong = compare_backends(bundle, images, reference, Tampered(emulator))
    assert wrong.mismatches == len(images)
    assert wrong.differing == [bundle.tensors[-1].name]


GOOD: dict[str, Any] = {
    "float_top1": 85.0,
    "float_top1_on_emulator_images": 84.0,
    "quantized_top1": 85.4,
    "emulator_top1": 83.5,
    "emulator_quantized_agreement": 99.5,
    "emulator_images": 2000,
    "reference_images": 64,
    "reference_mismatches": 0,
    "reference_differing": [],
}


@pytest.mark.parametrize(
    "change",
    [
        {"float_top1": 79.9, "quantized_top1": 79.9},
        {"quantized_top1": 84.4},
        {"quantized_top1": 85.6},
        {"emulator_top1": 83.4},
        {"emulator_quantized_agreement": 99.4},
        {"emulator_images": 1999},
        {"reference_images": 63},
        {"reference_mismatches": 1, "reference_differing": ["logits"]},
    ],
)
def test_each_missed_requirement_is_told(change: dict[str, Any]) -> None:
    assert failures(GOOD, Requirements()) == []
    assert len(failures({**GOOD, **change}, Requirements())) == 1


def test_a_missed_requirement_fails_the_command(
    demo: tuple[Path, str], trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The programs of the finished demo run again; the float model is said to have been bad."""

    def trained_before(settings: DemoSettings, clock: StageClock) -> dict[str, Any]:
        shutil.copytree(demo[0], settings.out, dirs_exist_ok=True)
        summary = json.loads((demo[0] / "summary.json").read_text())
        return {**summary, "float_top1": 3.0, "quantized_top1": 3.0}

    monkeypatch.setattr("trivit.tools.demo.flow.train_to_bundle", trained_before)
    outcome = trivit("demo", "--quick", "--out", tmp_path / "demo")
    outcome.refused("float top-1 3.00 % is below 25 %")
    assert "reference" in outcome.out and "summary.json" in outcome.out
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert len(summary["requirements_missed"]) == 1
    assert summary["reference_mismatches"] == 0


def test_only_a_demo_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "demo"
    prepare_folder(out)
    (out / "old.txt").write_text("from before")
    prepare_folder(out)
    assert set(files_in(out)) == {"demo.txt"}
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ToolsError, match="no demo wrote"):
        prepare_folder(tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_the_chosen_images_show_classes_and_a_mistake() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    classes = np.array([0, 0, 1, 1, 2, 0])
    chosen = choose_images(labels, classes, 3)
    assert chosen.tolist() == [0, 2, 5]
    assert choose_images(labels, labels, 4).tolist() == [0, 2, 4, 1]
