"""A store of made-up photographs.

``python -m trivit.tools.bench.gpu.photographs STORE IMAGES SIDE CLASSES`` makes one.

Shape suffixes: H height, W width, C channels.
"""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

TEST_IMAGES = 16

_SEED = 0
_QUALITY = 85

# Points of smooth random colour along a side, and how much of each such picture shows.
_POINTS = ((5, 1.0), (20, 0.5), (80, 0.3))
_GRAIN = (6, 16)


def photograph(number: int, side: int) -> Image.Image:
    """Return a picture of smooth colours with grain; at 256 pixels its JPEG has 15 to 30 KB.

    Args:
        number: seeds it.
        side: of the square picture, in pixels.
    """
    draw = np.random.default_rng((_SEED, number))
    picture: Image.Image | None = None
    for points, weight in _POINTS:
        colours_HWC = draw.integers(0, 256, (points, points, 3), dtype=np.uint8)
        smooth = Image.fromarray(colours_HWC).resize((side, side), Image.Resampling.BILINEAR)
        picture = smooth if picture is None else Image.blend(picture, smooth, weight)
    grain = draw.integers(*_GRAIN)
    grain_HW1 = draw.integers(-grain, grain + 1, (side, side, 1), dtype=np.int16)
    pixels_HWC = np.clip(np.asarray(picture) + grain_HW1, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels_HWC)


def draw_photographs(folder: Path, numbers: Sequence[int], side: int, classes: int) -> None:
    """Write the pictures ``numbers`` as image folders; the first ``TEST_IMAGES`` of all are tests.

    Training pictures take turns in the classes.
    """
    for number in numbers:
        part = "test" if number < TEST_IMAGES else "train"
        label = (number - TEST_IMAGES) % classes
        path = folder / part / f"{label:04}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(number, side).save(path, "JPEG", quality=_QUALITY)


def make_store(store: Path, images: int, side: int, classes: int, processes: int) -> None:
    """Draw pictures in ``processes`` processes and prepare a JPEG store of them.

    Args:
        store: folder to write; the pictures lie beside it until it is complete.
        images: of the training part, at least ``classes``.
        side: of a picture, in pixels.
        classes: number of classes.
        processes: that draw; as many threads prepare.

    Raises:
        ModelsError: the store cannot be prepared.
        RuntimeError: a process that draws failed.
    """
    pictures = store.with_name(f"{store.name}-pictures")
    numbers = range(TEST_IMAGES + images)
    fork = multiprocessing.get_context("fork")  # nothing here has threads yet
    drawing = [
        fork.Process(
            target=draw_photographs,
            args=(pictures, numbers[first::processes], side, classes),
            daemon=True,
        )
        for first in range(processes)
    ]
    for process in drawing:
        process.start()
    for process in drawing:
        process.join()
    if bad := [process.exitcode for process in drawing if process.exitcode]:
        raise RuntimeError(f"drawing photographs failed, exit status {bad[0]}: see above")
    # PyTorch, which these import, starts threads.
    from trivit.models.data.sources import open_source
    from trivit.models.data.store import PrepareConfig, prepare

    source = open_source(str(pictures))
    prepare(source, source, store, PrepareConfig(image_format="jpeg", workers=processes))
    shutil.rmtree(pictures)


if __name__ == "__main__":
    os.nice(19)  # compilation goes on beside it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends those that draw, too
    images, side, classes = map(int, sys.argv[2:])
    make_store(Path(sys.argv[1]), images, side, classes, len(os.sched_getaffinity(0)))
