"""Picture of test images with the tokens that each selector kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trivit.models.files import atomic_write

Positions = Sequence[np.ndarray]  # one int array [B, K] for each selector


def draw_kept_tokens(
    path: Path,
    images: np.ndarray,
    positions: Positions,
    patch: int,
    captions: Sequence[str],
) -> None:
    """Write a PNG: a row for each image, a column for the image and for each selector.

    Args:
        images: uint8 [B, C, H, W] with C 1 or 3.
        positions: for each selector the kept patches [B, K], from `kept_positions`.
        patch: side of a square patch in pixels.
        captions: B titles, one for each image.

    Raises:
        OSError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    count, columns = len(images), 1 + len(positions)
    figure, axes = pyplot.subplots(
        count, columns, figsize=(1.7 * columns + 1.6, 1.7 * count), squeeze=False
    )
    for i in range(count):
        for j in range(columns):
            axis = axes[i, j]
            axis.imshow(images[i].transpose(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=255)
            axis.set_xticks([])
            axis.set_yticks([])
            if j > 0:
                axis.imshow(veil(images.shape[2:], positions[j - 1][i], patch))
            if i == 0:
                kept = f"selector {j}: {positions[j - 1].shape[1]} tokens" if j else "test image"
                axis.set_title(kept, fontsize=9)
        axes[i, 0].set_ylabel(
            captions[i], rotation=0, ha="right", va="center", fontsize=9, labelpad=8
        )
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    pyplot.close(figure)


def veil(size: tuple[int, ...], kept: np.ndarray, patch: int) -> np.ndarray:
    """RGBA overlay [H, W, 4] that covers every patch which was dropped."""
    rows, columns = size[0] // patch, size[1] // patch
    dropped = np.ones(rows * columns)
    dropped[kept] = 0
    cover = np.zeros((*size, 4))
    cover[..., :3] = (0.13, 0.35, 0.55)
    cover[: rows * patch, : columns * patch, 3] = 0.88 * np.kron(
        dropped.reshape(rows, columns), np.ones((patch, patch))
    )
    return cover
