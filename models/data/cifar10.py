"""CIFAR-10 as image folders in ``train.zip`` and ``test.zip`` (members ``CLASS/NAME.jpg``)."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import torch

from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images
from trivit.models.errors import ModelsError

INFO = DatasetInfo(
    name="cifar10",
    channels=3,
    height=32,
    width=32,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
)

_REMEDY = "set TRIVIT_DATA to a folder with CIFAR-10 as train.zip and test.zip of class folders"


def load() -> ImageDataset:
    """Read both zip files from ``$TRIVIT_DATA`` or its ``cifar10`` subfolder.

    Raises:
        ModelsError: not found, or a file is corrupt.
    """
    folder = _find_folder()
    return ImageDataset(INFO, _read_zip(folder / "train.zip"), _read_zip(folder / "test.zip"))


def _find_folder() -> Path:
    if chosen := os.environ.get("TRIVIT_DATA"):
        for folder in (Path(chosen) / "cifar10", Path(chosen)):
            if (folder / "train.zip").is_file() and (folder / "test.zip").is_file():
                return folder
    raise ModelsError(f"CIFAR-10 was not found: {_REMEDY}")


def _read_zip(path: Path) -> Images:
    # Pillow comes with matplotlib; a run on another dataset does not need it.
    from PIL import Image, UnidentifiedImageError

    labels = {name: label for label, name in enumerate(INFO.class_names)}
    pixels, targets = [], []
    member = ""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith("/"):
                    continue
                class_name = member.split("/")[-2] if "/" in member else ""
                if class_name not in labels:
                    raise ModelsError(f"{path}: {member} lies in no class folder: {_REMEDY}")
                with Image.open(io.BytesIO(archive.read(member))) as image:
                    array = np.asarray(image.convert("RGB"))
                if array.shape != (INFO.height, INFO.width, INFO.channels):
                    raise ModelsError(f"{path}: {member} has shape {array.shape}, not 32 x 32 x 3")
                pixels.append(array)
                targets.append(labels[class_name])
    except (OSError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise ModelsError(f"cannot read {path} {member} ({error}): {_REMEDY}") from None
    if not pixels:
        raise ModelsError(f"{path} holds no images: {_REMEDY}")
    # Class by class as stored, a cut to the first images would hold one class only.
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))
    stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Images(stacked[order], torch.tensor(targets)[order])
