"""The demo from an experiment's YAML file to summary.json and a picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.models.file_lock import run_lock
from trivit.models.files import atomic_write
from trivit.models.progress import progress_bar
from trivit.tools.compiler import PROGRAM_FILE
from trivit.tools.demo.accelerator import cycle_figures, run_emulator
from trivit.tools.demo.compare import compare_backends
from trivit.tools.demo.folder import prepare_folder
from trivit.tools.demo.outcome import print_outcome
from trivit.tools.demo.picture import choose_images, draw
from trivit.tools.demo.requirements import failures
from trivit.tools.demo.settings import DemoSettings
from trivit.tools.demo.software import float_top1_on_first, train_to_bundle
from trivit.tools.demo.stages import StageClock
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions

STAGES = 8
SUMMARY = "summary.json"
PICTURE = "tokens.png"

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


def run_demo(settings: DemoSettings) -> dict[str, Any]:
    """Run the whole flow into ``settings.out``; return what ``summary.json`` holds.

    Raises:
        ModelsError, HostError, ToolsError: a stage refused its input, or another process is at work
            in the folder.
        ToolsError: also when a requirement is missed; summary and picture are written before.
    """
    with run_lock(settings.out):
        return _run_demo(settings)


def _run_demo(settings: DemoSettings) -> dict[str, Any]:
    prepare_folder(settings.out)
    clock = StageClock(STAGES)
    summary = train_to_bundle(settings, clock)
    summary |= _run_programs(settings, clock)
    missed = failures(summary, settings.requirements)
    summary |= {
        "requirements_missed": missed,
        "seconds": clock.seconds,
        "total_seconds": round(sum(clock.seconds.values()), 3),
        "machine": describe_machine(),
        "versions": library_versions(),
    }
    with atomic_write(settings.out / SUMMARY) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print_outcome(summary, settings.out)
    if missed:
        raise ToolsError("the demo missed its requirements: " + "; ".join(missed))
    return summary


def _run_programs(settings: DemoSettings, clock: StageClock) -> dict[str, Any]:
    out = settings.out
    images, labels = _test_images(out)
    bundle = Bundle.load(out / PROGRAM_FILE)
    sparse = bundle.choose("sparse")
    with clock.stage("emulator", "the same integers in C++, on test images"):
        emulator = open_backend("emulator")
        with progress_bar("emulator", len(images)) as advance:
            run = run_emulator(emulator, sparse, images, settings, advance)
    with clock.stage("cycles", "modelled cycles of the sparse and the dense program"):
        cycles = cycle_figures(bundle, ("dense", "sparse"))
    compared = images[: settings.reference_images]
    with (
        clock.stage("reference", f"every tensor of {len(compared)} images against the oracle"),
        progress_bar("reference", len(compared)) as advance,
    ):
        comparison = compare_backends(
            sparse, compared, open_backend("reference"), emulator, advance=advance
        )
    with clock.stage("picture", "the tokens that each selector kept"):
        chosen = choose_images(labels[: len(run.logits)], run.classes, settings.drawn_images)
        draw(out / PICTURE, emulator, sparse, images[chosen], labels[chosen])
    return {
        "float_top1_on_emulator_images": float_top1_on_first(out, len(run.logits)),
        "emulator_top1": run.top1(labels),
        "emulator_images": len(run.logits),
        "emulator_quantized_agreement": _agreement(out, run.classes),
        "emulator_images_per_second": len(run.logits) / run.seconds,
        "emulator_saturations": run.saturations,
        "reference_images": comparison.images,
        "reference_tensors": comparison.tensors,
        "reference_values": comparison.values,
        "reference_mismatches": comparison.mismatches,
        "reference_differing": comparison.differing,
        **cycles,
    }


def _agreement(run: Path, classes: Labels) -> float:
    """Percentage of test images that the emulator and the Brevitas model (float64) class alike."""
    from trivit.models.quantization import FOLDER, TEST_CLASSES

    quantized = np.load(run / FOLDER / TEST_CLASSES)[: len(classes)]
    return 100.0 * float((quantized == classes).mean())


def _test_images(run: Path) -> tuple[Pixels, Labels]:
    """Test images uint8 [N, C, H, W] and labels [N] of the run's own configuration."""
    from trivit.models.augmentation import evaluated
    from trivit.models.data import load_dataset
    from trivit.models.training import load_config

    config = load_config(run / "config.yaml")
    test = evaluated(load_dataset(config.data), config.model.image_size).test.in_memory()
    return test.pixels.numpy(), test.labels.numpy()
