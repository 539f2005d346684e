"""Small models as training bundles of several keep ratios, and images that they can learn."""

from pathlib import Path
from typing import Any

import numpy as np
from exported_model import build

from trivit.host.training.bundle import TrainingBundle
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.evaluation import LabelledImages

RATIOS = (1.0, 0.8, 0.6)


def bundle_of(folder: Path, *ratios: float, **options: Any) -> TrainingBundle:
    """Return programs of these token keep ratios over one state; ``options`` of compiling."""
    exports = {}
    for ratio in ratios or RATIOS:
        exported = build(
            token_keep_ratio=ratio, attention_keep_ratio=1.0, sparse=ratio < 1, depth=3
        )
        name = "dense" if ratio == 1 else f"keep_{ratio:g}"
        exports[name] = exported.save(folder, f"{name}.qonnx")
    return training_bundle(exports, **{"variance_block": -1, **options})


def squares(bundle: TrainingBundle, count: int, seed: int) -> LabelledImages:
    """Noise with a bright square whose place is the class: to be told apart, not at once."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, count)
    pixels = rng.integers(0, 120, (count, 1, 12, 12))
    for image, label in zip(pixels, labels, strict=True):
        row, column = ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))[label]
        image[0, row : row + 4, column : column + 4] += 130
    return LabelledImages(bundle.images(pixels.astype(np.uint8)), labels.astype(np.int64))
