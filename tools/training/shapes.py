"""Train the model of the notebook on the device: ``python -m trivit.tools.training.shapes``."""

import numpy as np

from trivit.host.demo.shapes import BUNDLE, CLASSES, SIDE, draw_shapes
from trivit.host.training.backends import open_training_backend
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession, target_row
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.snapshot import snapshot
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.files import atomic_write
from trivit.tools.compiler.named import untrained_source
from trivit.tools.training.compile import bundle_of_source

_CONFIG = ViTConfig(
    name="shapes",
    image_size=SIDE,
    in_channels=1,
    num_classes=len(CLASSES),
    patch_size=4,
    embed_dim=24,
    depth=3,
    num_heads=2,
    mlp_ratio=2.0,
)
_SEED, _STEPS, _RATE = 1, 8000, 0.004


def shapes_bundle() -> TrainingBundle:
    """Return the training program, from random weights trained on upright shapes."""
    bundle = bundle_of_source(untrained_source(_CONFIG, "shapes", seed=_SEED, classes=CLASSES))
    backend = open_training_backend("emulator")
    session = TrainingSession(bundle.program, bundle.masters, backend, UpdateSettings(), seed=_SEED)
    pixels, labels = draw_shapes(_STEPS, _SEED)
    images = bundle.images(pixels)
    targets = [target_row(label, len(CLASSES), 0.1) for label in range(len(CLASSES))]
    session.find_exponents(images[0], targets[labels[0]])
    for step in range(_STEPS):
        rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / _STEPS))
        session.step(images[step], targets[labels[step]], float(rate))
    return snapshot(bundle, session)


if __name__ == "__main__":
    with atomic_write(BUNDLE) as temporary:
        temporary.write_bytes(shapes_bundle().to_bytes())
    print(BUNDLE)
