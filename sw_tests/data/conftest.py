"""Small image files and layouts, made anew for each test."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from trivit.models.data.sources import Source

Pixels = NDArray[np.uint8]
CLASSES = ("cat", "dog", "eel")


def smooth_pixels(seed: int, height: int = 12, width: int = 12) -> Pixels:
    """An image (height, width, 3) that JPEG changes little: a coloured gradient."""
    source = np.random.default_rng(seed)
    corners = Image.fromarray(source.integers(0, 256, (2, 2, 3), dtype=np.uint8))
    return np.asarray(corners.resize((width, height), Image.Resampling.BILINEAR))


def encoded(pixels: Pixels, kind: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg" if kind in ("jpg", "jpeg", "JPEG") else kind)
    return buffer.getvalue()


def folder_files(
    train: int = 5, test: int = 2, kind: str = "png", side: int = 12
) -> dict[str, bytes]:
    """Files of an image folder: so many images of each of three classes."""
    files, seed = {}, 0
    for part, count in (("train", train), ("val", test)):
        for name in CLASSES:
            for number in range(count):
                seed += 1
                image = smooth_pixels(seed, side, side)
                files[f"{part}/{name}/{number:03d}.{kind}"] = encoded(image, kind)
    return files


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_shard(path: Path, members: list[tuple[str, bytes]], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def labelled(source: Source, part: str) -> dict[str, int]:
    """Base name of each image with its label."""
    images = source.part(part)
    return dict(zip(images.names, images.labels.tolist(), strict=True))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An image folder: 15 training and 6 test images, PNG, 12 x 12, three classes."""
    return write_files(tmp_path / "images", folder_files())


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "images", **settings: object) -> Path:
        return write_files(tmp_path / name, folder_files(**settings))  # type: ignore[arg-type]

    return make
