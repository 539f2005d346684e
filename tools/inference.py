"""Run a program bundle over many images in batches of bounded size."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class Inference:
    """Results of one bundle over `images` images.

    Attributes:
        logits: int16 [images, classes], value = q * 2^-logits_frac.
        saturations: clamped values, summed over all instructions and images.
        cycles: modelled cycles, summed over all instructions and images (0: not counted).
        seconds: time spent in the backend.
    """

    logits: np.ndarray
    logits_frac: int
    saturations: int
    cycles: int
    seconds: float

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.logits)

    @property
    def classes(self) -> np.ndarray:
        """Predicted class of each image, int64 [images]; the lower index wins a tie."""
        return self.logits.argmax(axis=1)

    @property
    def images_per_second(self) -> float:
        """Images through the backend in a second."""
        return self.images / max(self.seconds, 1e-9)

    def top1(self, labels: np.ndarray) -> float:
        """Fraction of images whose predicted class is the label."""
        return float((self.classes == labels[: self.images]).mean())


def run_images(
    backend: Backend,
    bundle: Bundle,
    images: np.ndarray,
    *,
    batch_size: int = 256,
    advance: Callable[[int], None] = lambda steps: None,
) -> Inference:
    """Run ``images`` (uint8 [N, C, H, W], may be memory-mapped) and collect logits and counters.

    Raises:
        HostError: the images do not fit the bundle, or the program stopped with an error.
    """
    logits, frac, saturations, cycles, seconds = [], 0, 0, 0, 0.0
    for start in range(0, len(images), batch_size):
        batch = np.ascontiguousarray(images[start : start + batch_size])
        result = backend.run(bundle, batch)
        logits.append(result.logits)
        frac = result.logits_frac
        saturations += int(result.saturations.sum())
        cycles += int(result.cycles.sum())
        seconds += result.seconds
        advance(len(batch))
    return Inference(
        logits=np.concatenate(logits),
        logits_frac=frac,
        saturations=saturations,
        cycles=cycles,
        seconds=seconds,
    )


def load_images(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Open a .npy file of uint8 images [N, C, H, W] (or [N, H, W] when C is 1), memory-mapped.

    Raises:
        ToolsError: not a .npy file, truncated, another type than uint8 or another shape than
            ``shape`` (C, H, W), or no image in it.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ToolsError(
            f"{path}: not a complete .npy file ({error}); write it with numpy.save"
        ) from error
    if not isinstance(images, np.ndarray):
        raise ToolsError(f"{path}: an archive of arrays; one .npy array is needed")
    if images.dtype != np.uint8:
        raise ToolsError(f"{path}: images of type {images.dtype}; uint8 pixels 0..255 are needed")
    if images.ndim == 3 and shape[0] == 1:
        images = images[:, None]
    if images.ndim != 4 or images.shape[1:] != shape:
        wanted = " x ".join(map(str, ("N", *shape)))
        found = " x ".join(map(str, images.shape))
        raise ToolsError(f"{path}: images of shape {found}; this bundle needs {wanted}")
    if len(images) == 0:
        raise ToolsError(f"{path}: no image in it")
    return images
