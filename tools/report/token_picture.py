"""Picture of test images with the tokens that each selector kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trivit.models.files import atomic_write
from trivit.tools.errors import ToolsError

Positions = Sequence[np.ndarray]  # one int array [B, K] for each selector


def original_positions(kept_by_selector: Positions, num_patches: int) -> list[np.ndarray]:
    """Map each selector's kept indices to patch positions of the image.

    Args:
        kept_by_selector: integers [B, >= 1 + K]: 0 for [CLS], then the K kept rows of the token
            matrix that this selector saw (1-based, ascending), then zero padding.
        num_patches: patch tokens before the first selector.

    Returns:
        For each selector the patch positions [B, K], 0-based and row-major in the image.

    Raises:
        ToolsError: an index names a token that an earlier selector had removed.
    """
    alive: np.ndarray | None = None
    result = []
    for kept in kept_by_selector:
        batch = len(kept)
        if alive is None:
            alive = np.tile(np.arange(num_patches), (batch, 1))
        count = int(np.count_nonzero(kept[0]))
        rows = kept[:, 1 : 1 + count].astype(np.int64)
        if rows.min(initial=1) < 1 or rows.max(initial=1) > alive.shape[1]:
            raise ToolsError(f"kept token {rows.max()} is outside 1..{alive.shape[1]}")
        alive = np.take_along_axis(alive, rows - 1, axis=1)
        result.append(alive)
    return result


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
        positions: for each selector the kept patches [B, K], from `original_positions`.
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
