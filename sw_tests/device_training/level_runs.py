"""Small models as training bundles of several keep ratios, and images that they can learn."""

from pathlib import Path
from typing import Any

import numpy as np
from exported_model import build
from training_models import DENSE, PRUNED

from trivit.host.training.bundle import TrainingBundle
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.evaluation import LabelledImages

#: A model that selects connections, too.
CONNECTIONS = {"attention_keep_ratio": 0.5}


def bundle_of(folder: Path, **sizes: Any) -> TrainingBundle:
    """Return the programs "dense" and "keep_0.7" over one state; ``sizes`` of the model."""
    exports = {
        "dense": build(**{**DENSE, **sizes, "attention_keep_ratio": 1.0}),
        "keep_0.7": build(**{**PRUNED, **sizes}),
    }
    paths = {name: model.save(folder, f"{name}.qonnx") for name, model in exports.items()}
    return training_bundle(paths, variance_block=-1)


def squares(bundle: TrainingBundle, count: int, seed: int) -> LabelledImages:
    """Noise with a bright square whose place is the class: to be told apart, not at once."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, count)
    pixels = rng.integers(0, 120, (count, 1, 12, 12))
    for image, label in zip(pixels, labels, strict=True):
        row, column = ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))[label]
        image[0, row : row + 4, column : column + 4] += 130
    return LabelledImages(bundle.images(pixels.astype(np.uint8)), labels.astype(np.int64))
