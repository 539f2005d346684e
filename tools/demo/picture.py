"""The demo's picture: which tokens of some test images each selector kept."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.host.kept_tokens import kept_positions, list_names, patch_size
from trivit.host.tracing import with_trace
from trivit.tools.report.token_picture import draw_kept_tokens


def choose_images(
    labels: NDArray[np.int64], classes: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return indices of ``count`` images: one of each class in turn, and at least one mistake."""
    by_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    turns = max(len(found) for found in by_class)
    chosen = [found[t] for t in range(turns) for found in by_class if t < len(found)][:count]
    mistakes = np.flatnonzero(classes != labels)
    if len(mistakes) and not np.isin(chosen, mistakes).any():
        chosen[-1] = mistakes[0]
    return np.array(chosen, dtype=np.int64)


def draw(
    path: Path,
    emulator: Backend,
    bundle: Bundle,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
) -> None:
    """Run ``images`` (uint8 [B, C, H, W]) with the selectors traced and write the PNG.

    Raises:
        OSError: the file cannot be written.
    """
    names = list_names(bundle.first)
    result = emulator.run(with_trace(bundle, names), images)
    positions = kept_positions(bundle, result.tensors)
    captions = [
        f"{bundle.class_names[label]}\n"
        + ("recognised" if found == label else f"taken for {bundle.class_names[found]}")
        for label, found in zip(labels, result.logits.argmax(axis=1), strict=True)
    ]
    draw_kept_tokens(path, images, positions, patch_size(bundle.first), captions)
