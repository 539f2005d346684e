"""Pixels of every kind of image file, as people see them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trivit.models.data.sources import open_source
from trivit.models.data.store import PrepareConfig, convert, load_part, prepare
from trivit.models.decoding.decode import CorruptImageError, decode, load_image

from .conftest import smooth_pixels, write_files

ORIENTATION = 0x0112


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(kind: str, orientation: int, side: tuple[int, int] = (12, 12)) -> bytes:
    """A picture that is dark on the left and bright on the right, as stored."""
    row = np.linspace(0, 250, side[1]).astype(np.uint8)
    pixels = np.broadcast_to(row[None, :, None], (*side, 3)).copy()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(Image.fromarray(pixels), kind, exif=exif)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize(
    ("orientation", "dark"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom"), (2, "right")]
)
def test_photos_are_turned_as_their_exif_data_say(kind: str, orientation: int, dark: str) -> None:
    pixels = decode(turned(kind, orientation, (10, 20))).astype(int)
    assert pixels.shape == ((20, 10, 3) if orientation in (6, 8) else (10, 20, 3))
    edges = {
        "left": pixels[:, 0],
        "right": pixels[:, -1],
        "top": pixels[0],
        "bottom": pixels[-1],
    }
    means = {name: edge.mean() for name, edge in edges.items()}
    assert min(means, key=lambda name: means[name]) == dark and means[dark] < 10


@pytest.mark.parametrize("image_format", ["uint8", "jpeg"])
def test_stores_hold_upright_photos(image_format: str, tmp_path: Path) -> None:
    files = {"train/a/1.jpg": turned("jpeg", 6), "train/a/2.jpg": turned("jpeg", 1)}
    source = open_source(str(write_files(tmp_path / "x", files)))
    config = PrepareConfig(image_format=image_format, quality=100)  # type: ignore[arg-type]
    prepare(source, None, tmp_path / "store", config)
    _, images = load_part(tmp_path / "store", "train")
    found = dict(zip(images.names(), images.in_memory().pixels.float(), strict=True))
    assert found["a/1.jpg"][:, 0].max() < 10 and found["a/1.jpg"][:, -1].min() > 235
    assert found["a/2.jpg"][:, :, 0].max() < 10 and found["a/2.jpg"][:, :, -1].min() > 235


def test_a_stored_photo_that_says_it_is_turned_is_taken_as_it_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store of an earlier version kept such files; its mean and its runs go with them."""
    monkeypatch.setattr(convert, "open_image", load_image)
    files = {"train/a/1.jpg": turned("jpeg", 6)}
    source = open_source(str(write_files(tmp_path / "x", files)))
    prepare(source, None, tmp_path / "store", PrepareConfig(image_format="jpeg"))
    pixels = load_part(tmp_path / "store", "train")[1].in_memory().pixels.float()
    assert pixels[0, :, :, 0].max() < 10 and pixels[0, :, :, -1].min() > 235


@pytest.mark.parametrize("kind", ["png", "tiff", "ppm"])
def test_grey_of_16_bits_keeps_its_upper_ones(kind: str) -> None:
    grey = np.linspace(0, 65535, 12 * 12).astype(np.uint16).reshape(12, 12)
    pixels = decode(saved(Image.fromarray(grey), kind))
    assert np.array_equal(pixels, np.repeat((grey >> 8)[:, :, None], 3, axis=2))


def test_transparent_pixels_lie_over_white() -> None:
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([10, 20, 30])
    deep = Image.fromarray(np.full((2, 2), 7 << 8, np.uint16))
    for image, kind, options, expected in (
        (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), "png", {}, (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (200, 0, 0, 255)), "png", {}, (200, 0, 0)),
        (Image.new("RGBA", (2, 2), (255, 0, 0, 51)), "png", {}, (255, 204, 204)),
        (Image.new("LA", (2, 2), (0, 0)), "png", {}, (255, 255, 255)),
        (Image.new("RGB", (2, 2), (1, 2, 3)), "png", {"transparency": (1, 2, 3)}, (255,) * 3),
        (palette, "png", {"transparency": 0}, (255, 255, 255)),
        (palette, "gif", {"transparency": 0}, (255, 255, 255)),
        (palette, "png", {}, (10, 20, 30)),
        (deep, "png", {"transparency": 7 << 8}, (255, 255, 255)),
        (deep, "png", {}, (7, 7, 7)),
        (Image.new("1", (2, 2), 1), "png", {}, (255, 255, 255)),
        (Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "tiff", {}, (255, 0, 0)),
    ):
        assert tuple(decode(saved(image, kind, **options))[0, 0]) == expected, (image, options)


def test_cmyk_jpegs_are_not_negatives() -> None:
    red, green, blue = decode(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "jpeg"))[0, 0]
    assert red > 250 and max(green, blue) < 5


@pytest.mark.parametrize("kind", ["gif", "tiff", "webp", "png"])
def test_several_frames_are_no_image(kind: str) -> None:
    first, second = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    data = saved(first, kind, save_all=True, append_images=[second])
    with pytest.raises(CorruptImageError, match="2 frames in one file: save each"):
        decode(data)
    assert decode(saved(first, kind)).shape == (4, 4, 3)


def test_the_photo_before_its_preview_is_taken() -> None:
    photo, preview = Image.fromarray(smooth_pixels(1)), Image.new("RGB", (3, 3))
    assert decode(saved(photo, "mpo", save_all=True, append_images=[preview])).shape == (12, 12, 3)


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_pixels_without_a_range_are_refused(mode: str) -> None:
    with pytest.raises(CorruptImageError, match=f"pixels of mode {mode}: save it with 8 or 16"):
        decode(saved(Image.new(mode, (4, 4)), "tiff"))


@pytest.mark.parametrize("kind", ["bmp", "webp", "tiff", "gif", "ppm"])
def test_other_kinds_are_read_and_damaged_ones_named(kind: str) -> None:
    pixels = smooth_pixels(2)
    data = saved(Image.fromarray(pixels), kind, **({"lossless": True} if kind == "webp" else {}))
    found = decode(data)
    assert found.shape == pixels.shape and np.abs(found.astype(int) - pixels).mean() < 12
    for cut in (0, 1, len(data) // 2):
        with pytest.raises(CorruptImageError):
            decode(data[:cut])
