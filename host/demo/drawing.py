"""A picture of an image with the patches that each selector drops darkened, and its classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.demo.classify import Seen
from trivit.host.demo.images import pillow

_SIDE, _GAP, _LINE = 224, 8, 14
#: What is left of a dropped patch's light, and the colour that it is drawn towards.
_LEFT, _DARK = 0.18, np.array([16, 24, 40])


def darkened(pixels: NDArray[np.uint8], kept: NDArray[np.integer], patch: int) -> NDArray[np.uint8]:
    """Return uint8 (H, W, 3) of an image (C, H, W); patches outside ``kept`` (K,) are dark.

    Patches are counted row by row. A rest of the image that fills no patch is dark too.
    """
    height, width = pixels.shape[1:]
    rows, columns = height // patch, width // patch
    stays = np.zeros(rows * columns, dtype=bool)
    stays[kept] = True
    mask = np.zeros((height, width), dtype=bool)
    blocks = stays.reshape(rows, columns).repeat(patch, axis=0).repeat(patch, axis=1)
    mask[: rows * patch, : columns * patch] = blocks
    image = _rgb(pixels)
    dark = image * _LEFT + _DARK * (1 - _LEFT)
    return np.where(mask[:, :, None], image, dark.astype(np.uint8))


def panels(seen: Seen, patch: int) -> list[NDArray[np.uint8]]:
    """Return the image, and for each selector the image with what it drops darkened."""
    pixels = seen.picture.pixels
    return [_rgb(pixels), *(darkened(pixels, kept, patch) for kept in seen.kept)]


def draw(seen: Seen, patch: int) -> Any:
    """Return a Pillow image: panels side by side, classes and times below.

    Raises:
        HostError: Pillow is missing.
    """
    image = pillow()
    from PIL import ImageDraw

    parts = panels(seen, patch)
    lines = [f"{name}  {share:.1%}" for name, share in seen.classes]
    lines.append(timing(seen))
    height = _SIDE + 2 * _GAP + _LINE * (1 + len(lines)) + _GAP
    canvas = image.new("RGB", (max(len(parts), 2) * (_SIDE + _GAP) + _GAP, height), "white")
    pen = ImageDraw.Draw(canvas)
    for number, part in enumerate(parts):
        left = _GAP + number * (_SIDE + _GAP)
        panel = image.fromarray(part).resize((_SIDE, _SIDE), image.Resampling.NEAREST)
        canvas.paste(panel, (left, _GAP))
        kept = f"selector {number}: {len(seen.kept[number - 1])} tokens" if number else ""
        pen.text((left, _SIDE + 2 * _GAP), kept or _plain(seen.picture.name), fill="black")
    for number, line in enumerate(lines, start=1):
        pen.text((_GAP, _SIDE + 2 * _GAP + _LINE * number), _plain(line), fill="black")
    return canvas


def timing(seen: Seen) -> str:
    """Return cycles and milliseconds as text."""
    wall = f"{seen.wall_ms:.1f} ms with transfers, {1000 / max(seen.wall_ms, 1e-6):.1f} fps"
    if not seen.cycles:
        return wall
    return f"{seen.cycles:,} cycles, {seen.device_ms:.2f} ms; {wall}"


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0))


def _plain(text: str) -> str:
    """Return what Pillow's own font has."""
    return text.encode("latin-1", "replace").decode("latin-1")
