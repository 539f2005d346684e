"""Images from a folder or a camera, as a bundle takes them.

A folder needs Pillow, a camera OpenCV; both come with extras of trivit-host.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.errors import HostError

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
#: The model's size as a share of the resized shorter side, as DeiT evaluates: 224 of 256.
CROP_SHARE = 0.875


@dataclass(frozen=True)
class Picture:
    """An image by name: ``pixels`` is uint8 (C, H, W), as the bundle takes it."""

    name: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Unreadable:
    """A file that holds no image, and why."""

    name: str
    reason: str


def pillow() -> Any:
    """Return the module PIL.Image.

    Raises:
        HostError: Pillow is missing.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise HostError("reading images needs Pillow: pip install 'trivit-host[pillow]'") from error
    return Image


def open_cv() -> Any:
    """Return the module cv2.

    Raises:
        HostError: OpenCV is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise HostError("a camera needs OpenCV: pip install 'trivit-host[opencv]'") from error
    return cv2


def check_shape(bundle: Bundle) -> None:
    """Raise HostError unless the bundle takes grey or RGB squares."""
    layout = bundle.preprocessing
    if layout.channels not in (1, 3) or layout.height != layout.width:
        shape = f"{layout.channels} x {layout.height} x {layout.width}"
        raise HostError(f"the bundle takes images of {shape}: the demo shows grey or RGB squares")


def folder_images(folder: Path, bundle: Bundle) -> Iterator[Picture | Unreadable]:
    """Yield the images of a folder and its subfolders, sorted by path.

    Raises:
        HostError: Pillow is missing, or there is no image by its name.
    """
    image = pillow()
    check_shape(bundle)
    if folder.is_file():
        paths, root = [folder], folder.parent
    else:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
        root = folder
    if not paths:
        why = "no image in it" if folder.is_dir() else "no such folder"
        raise HostError(f"{folder}: {why}; give a folder of files such as .jpg or .png")
    return _read(image, paths, root, bundle)


def _read(
    image: Any, paths: list[Path], root: Path, bundle: Bundle
) -> Iterator[Picture | Unreadable]:
    for path in paths:
        name = str(path.relative_to(root))
        try:
            with image.open(path) as opened:
                yield Picture(name, view(opened, bundle))
        except Exception as error:  # damaged files raise nearly anything
            reason = "no image" if "identify" in str(error) else str(error) or repr(error)
            yield Unreadable(name, reason)


def view(opened: Any, bundle: Bundle) -> NDArray[np.uint8]:
    """Return uint8 (C, H, W) of a Pillow image: upright, shorter side resized, the centre cut out.

    An image of the model's size is taken as it is. Transparent pixels become white.
    """
    from PIL import Image, ImageOps

    layout = bundle.preprocessing
    upright = ImageOps.exif_transpose(opened)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    picture = upright.convert("RGB" if layout.channels == 3 else "L")
    size = layout.height
    if picture.size != (size, size):
        factor = round(size / CROP_SHARE) / min(picture.size)
        width, height = (max(size, round(side * factor)) for side in picture.size)
        left, top = round((width - size) / 2), round((height - size) / 2)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        picture = picture.crop((left, top, left + size, top + size))
    pixels = np.asarray(picture, dtype=np.uint8)
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def camera_images(number: int, bundle: Bundle) -> Iterator[Picture]:
    """Yield frames of camera ``number`` as long as they come; it is closed at the end.

    Raises:
        HostError: OpenCV or Pillow is missing, or there is no such camera.
    """
    cv2 = open_cv()
    image = pillow()
    check_shape(bundle)
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        camera.release()
        raise HostError(
            f"no camera {number}: see /dev/video*, and that this user is in the group video"
        )
    return _frames(cv2, image, camera, bundle)


def _frames(cv2: Any, image: Any, camera: Any, bundle: Bundle) -> Iterator[Picture]:
    count = 0
    try:
        while True:
            there, frame = camera.read()
            if not there:
                return
            rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            yield Picture(f"frame {count:06d}", view(image.fromarray(rgb), bundle))
            count += 1
    finally:
        camera.release()
