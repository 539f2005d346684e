"""CIFAR-10 and CIFAR-100 in memory, from their archives or from zip files of image folders."""

import os
from pathlib import Path

import numpy as np
import torch

from trivit.models.data.cifar_archive import (
    LAYOUTS,
    CifarPart,
    find_archive,
    looks_like_cifar,
    read_archive,
)
from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images
from trivit.models.data.sources.base import SourcePart
from trivit.models.data.sources.folders import class_folders
from trivit.models.data.sources.layout import find_parts
from trivit.models.decoding.decode import CorruptImageError, decode
from trivit.models.errors import ModelsError


def load(info: DatasetInfo) -> ImageDataset:
    """Read the data set of ``info`` from ``$TRIVIT_DATA`` or its subfolder of that name.

    Raises:
        ModelsError: not found, or a file is corrupt.
    """
    found = find(info)
    if looks_like_cifar(found):
        archive = read_archive(found)
        if (archive.dataset, archive.class_names) != (info.name, info.class_names):
            raise ModelsError(f"{found} is no {info.name} with its usual classes: {_remedy(info)}")
        return ImageDataset(info, _from_archive(archive.train), _from_archive(archive.test))
    trees = find_parts(found).trees
    return ImageDataset(
        info,
        _from_files(class_folders(trees["train"], info.class_names), info),
        _from_files(class_folders(trees["test"], info.class_names), info),
    )


def find(info: DatasetInfo) -> Path:
    """Return an archive, its unpacked folder, or a folder with train.zip and test.zip.

    Raises:
        ModelsError: none of them in ``$TRIVIT_DATA`` or its subfolder.
    """
    if chosen := os.environ.get("TRIVIT_DATA"):
        folders = (Path(chosen) / info.name, Path(chosen))
        for folder in folders:
            if (folder / "train.zip").is_file() and (folder / "test.zip").is_file():
                return folder
            if looks_like_cifar(folder):
                return folder
        if archive := find_archive(info.name, folders):
            return archive
    title = info.name.replace("cifar", "CIFAR-")
    raise ModelsError(f"{title} was not found: {_remedy(info)}")


def _remedy(info: DatasetInfo) -> str:
    return (
        f"set TRIVIT_DATA to a folder with {LAYOUTS[info.name][0].archive} (or the binary one), "
        "or with train.zip and test.zip of class folders"
    )


def _from_archive(part: CifarPart) -> Images:
    return Images(torch.from_numpy(part.pixels.copy()), torch.from_numpy(part.labels))


def _from_files(part: SourcePart, info: DatasetInfo) -> Images:
    shape = (info.height, info.width, info.channels)
    pixels = np.empty((len(part), *shape), dtype=np.uint8)
    for index, name in enumerate(part.names):
        try:
            raw = part.read(index)
            image = decode(raw) if isinstance(raw, bytes) else raw
        except (OSError, CorruptImageError) as error:
            raise ModelsError(
                f"cannot read {part.where} {name} ({error}): {_remedy(info)}"
            ) from None
        if image.shape != shape:
            raise ModelsError(
                f"{part.where}: {name} has shape {image.shape}, not 32 x 32 x 3: {_remedy(info)}"
            )
        pixels[index] = image
    # Class by class as stored, a cut to the first images would hold one class only.
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(0))
    stacked = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return Images(stacked[order], torch.from_numpy(part.labels)[order])
