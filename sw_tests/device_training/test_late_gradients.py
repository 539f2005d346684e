"""Gradients of whole models against float64 autograd, at the start of training and late in it.

Each image is compared twice: at exponents of its own, which shows the arithmetic, and late in
training at those that the host came to over the images before.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from exported_model import MEAN, STD, metadata
from training_models import (
    CONNECTIONS,
    DENSE,
    PRUNED,
    PSS,
    chosen_rows,
    cosine,
    device_gradients,
    float_gradients,
    training_model,
)

from trivit.host.fixed_point import Int16
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.ir import Model
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.training.derive import derive

#: Of any parameter's gradient at the image's own exponents.
LEAST_COSINE = 0.9999
COMPARED = 12
KINDS: dict[str, dict[str, Any]] = {
    "dense": DENSE,
    "pruned": PRUNED,
    "connections": CONNECTIONS,
    "pss": PSS,
}


@dataclass(frozen=True)
class Images:
    """Images (N, 1, side, side) as the device gets them, and their targets."""

    integers: Int16
    targets: list[Int16]
    frac: int


def squares(count: int, side: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images of noise with a bright square whose place is the class, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, count)
    pixels = rng.integers(0, 120, (count, 1, side, side))
    size = side // 4
    for image, label in zip(pixels, labels, strict=True):
        row, column = size * (label % 4), size * (label // 4)
        image[0, row : row + size, column : column + size] += 130
    return pixels.astype(np.uint8), labels


def on_device(pixels: np.ndarray, labels: np.ndarray, classes: int, frac: int) -> Images:
    steps = np.rint((pixels / 255.0 - MEAN) / STD * 2.0**frac)
    integers = np.clip(steps, -32768, 32767).astype(np.int16)
    return Images(integers, [target_row(int(v), classes, 0.1) for v in labels], frac)


def compare(model: Model, session: TrainingSession, images: Images, number: int) -> float:
    """Return the smallest cosine of any parameter's gradient of an image; no weight changes."""
    formats = dict(session.state.formats)
    parameters = {t.name: session.state.real(t.name) for t in session.program.parameters}
    image, target = images.integers[number], images.targets[number]
    session.step(image, target, learning_rate=0.0)
    _, wanted = float_gradients(
        model, parameters, image * 2.0**-images.frac, target * 2.0**-14, chosen_rows(session)
    )
    got = device_gradients(session, formats)
    assert got.keys() == wanted.keys()
    return min(cosine(got[name], wanted[name]) for name in wanted)


def check(
    model: Model,
    session: TrainingSession,
    images: Images,
    steps: int,
    rate: float,
    least: float,
    median: float,
) -> str:
    """Train on the first ``steps`` images and compare the others; return what was found.

    ``least``, ``median``: over the images, of the smallest cosine at the host's exponents.
    """

    def own_exponents() -> float:
        found = []
        for number in others:
            session.find_exponents(images.integers[number], images.targets[number])
            found.append(compare(model, session, images, number))
        return min(found)

    others = range(steps, steps + COMPARED)
    start, losses = own_exponents(), []
    assert start > LEAST_COSINE
    for number in range(steps):
        now = rate * min(1, (number + 1) / 50)
        losses.append(session.step(images.integers[number], images.targets[number], now).loss)
    first, last = np.mean(losses[:50]), np.mean(losses[-50:])
    assert last < 0.9 * first, "it has learnt"
    late = sorted(compare(model, session, images, number) for number in others)
    own = own_exponents()
    told = (
        f"start {start:.6f}, late {own:.6f}, at the host's exponents {late[0]:.6f} to "
        f"{late[-1]:.6f}, median {np.median(late):.6f}, loss {first:.2f} to {last:.2f}"
    )
    assert own > LEAST_COSINE, told
    assert late[0] >= least and np.median(late) >= median, told
    return told


@pytest.mark.parametrize("kind", ["dense", "connections"])
def test_a_small_model(kind: str) -> None:
    m = training_model(**KINDS[kind])
    session = m.session(EmulatorTraining())
    frac = m.derived.program.by_name["image"].frac
    pixels, labels = squares(300 + COMPARED, side=12, classes=5)
    print(
        check(
            m.model,
            session,
            on_device(pixels, labels, 5, frac),
            300,
            0.004,
            least=0.999,
            median=0.999,
        )
    )


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_micro_after_1500_steps(kind: str, tmp_path: Path) -> None:
    """From the initial weights of `trivit train`."""
    config = model_config("micro_28")
    assert isinstance(config, ViTConfig)
    blocks = (1, 3) if KINDS[kind]["selector_blocks"] else ()
    config = replace(config, **{**KINDS[kind], "selector_blocks": blocks})
    pixels, labels = squares(1500 + COMPARED, side=28, classes=10)
    torch.manual_seed(0)
    quantized = QuantVisionTransformer.from_float(VisionTransformer(config))
    normalised = (torch.from_numpy(pixels[:64]).double() / 255 - MEAN) / STD
    calibrate(quantized, [normalised.float()], headroom=1.25)
    path = tmp_path / "model.qonnx"
    onnx.save_model(export(quantized, metadata(config), sparse=True), str(path))
    model = recognise(load_graph(path))
    derived = derive(model)
    session = TrainingSession(
        derived.program, derived.masters, EmulatorTraining(), UpdateSettings(momentum=0.9)
    )
    frac = derived.program.by_name["image"].frac
    print(
        kind,
        check(
            model,
            session,
            on_device(pixels, labels, 10, frac),
            1500,
            0.001,
            least=0.98,
            median=0.995,
        ),
    )
