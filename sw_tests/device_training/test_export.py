"""Trained weights in PyTorch: the names and shapes of the model, and the device's integers."""

from typing import Any

import numpy as np
import pytest
import torch
from training_models import DENSE, PRUNED, PSS, TrainingModel, training_model

from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.exponents import Move
from trivit.host.training.session import TrainingSession, target_row
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.layers.relative_position import TABLE
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.formats import scalings
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.tools.training.export import weights

CASES: dict[str, dict[str, Any]] = {
    "dense": DENSE,
    "pruned": PRUNED,
    "pss": PSS,
    "pss, heads of 32": {**PSS, "num_heads": 1},
    "three channels": {**DENSE, "in_channels": 3, "qkv_bias": False, "masters": 16},
}


def trained(m: TrainingModel) -> TrainingSession:
    session = m.session(EmulatorTraining())
    session.find_exponents(m.image(0), target_row(1, 5))
    for number in range(20):
        session.step(m.image(number % 4), target_row(number % 5, 5), 0.01)
    return session


def floating(m: TrainingModel, session: TrainingSession) -> VisionTransformer:
    model = VisionTransformer(m.exported.config)
    model.load_state_dict(weights(session), strict=True)
    return model.eval()


@pytest.mark.parametrize("sizes", CASES.values(), ids=CASES)
def test_the_float_model_computes_what_the_device_does(sizes: dict[str, Any]) -> None:
    m = training_model(**sizes)
    session = trained(m)
    with torch.no_grad():
        got = floating(m, session).double()(m.exported.images).numpy()
        before = m.exported.floating(m.exported.images).numpy()
    device = np.stack([session.logits(m.image(number)) for number in range(4)])
    assert np.abs(got - device).max() < 0.02 * np.abs(device).max()
    assert np.abs(before - device).max() > 0.1 * np.abs(device).max(), "training moved the logits"


def test_quantizing_again_gives_the_same_weights() -> None:
    """Brevitas' integers of the exported weights are those of the device, whatever its format."""
    m = training_model(**DENSE)
    session = trained(m)
    moved = session.state.apply([Move("blocks.0.mlp.fc1.weight", -3)])
    assert moved, "a coarser format than that of quantization"
    model = QuantVisionTransformer.from_float(floating(m, session))
    calibrate(model, [m.exported.images.float()], headroom=1.25)
    formats, found = scalings(model), weights(session)
    assert found.keys() <= formats.keys()
    for name, weight in found.items():
        scale = float(formats[name].scale.item())
        integers = np.rint(weight.double().numpy() / scale)
        assert np.abs(integers).max() <= 32767, name
        assert np.array_equal(integers * scale, weight.double().numpy()), name
        ours = session.state.arena.view(session.state.memory, name)
        assert np.array_equal(
            integers.reshape(ours.shape) * (scale * 2.0 ** session.state.formats[name]), ours
        )


@pytest.mark.parametrize(("heads", "steps"), [(2, 0), (1, 1)])
def test_exported_tables_are_what_forward_adds(heads: int, steps: int) -> None:
    """Quantization divides a table by the scale as the device does: within a step, or exactly."""
    m = training_model(**PSS, num_heads=heads)
    session = trained(m)
    session.logits(m.image(0))  # forward with the last weights
    model = QuantVisionTransformer.from_float(floating(m, session))
    for name, table in model.named_parameters():
        if name.endswith(TABLE):
            pairs = f"{name}.pairs"
            frac = session.state.formats[pairs]
            integers = np.rint(table.detach().double().numpy() * 2.0**frac)
            index = model.blocks[0].get_submodule("attn").index_LL
            wanted = integers[index.numpy()].transpose(2, 0, 1)
            ours = session.state.arena.view(session.state.memory, pairs)
            assert wanted.any()
            assert np.abs(ours - wanted.reshape(ours.shape)).max() <= steps, name
