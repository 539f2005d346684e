"""Sources by kind; `auto` looks at what is there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from trivit.models.data.cifar_archive import looks_like_cifar
from trivit.models.data.sources.base import Source
from trivit.models.data.sources.cifar import cifar
from trivit.models.data.sources.folders import image_folder
from trivit.models.data.sources.imagenet import (
    imagenet,
    imagenet_v2,
    looks_like_imagenet,
    looks_like_v2,
)
from trivit.models.data.sources.shards import holds_shards, is_pattern
from trivit.models.data.sources.webdataset import webdataset
from trivit.models.errors import ModelsError

SourceKind = Literal["auto", "cifar", "image_folder", "webdataset", "imagenet", "imagenet_v2"]
KINDS: tuple[str, ...] = get_args(SourceKind)

_OPENERS: dict[str, Callable[[Path], Source]] = {
    "cifar": cifar,
    "image_folder": image_folder,
    "imagenet": imagenet,
    "imagenet_v2": imagenet_v2,
}


def open_source(where: str, kind: str = "auto") -> Source:
    """Open the data set at ``where``: a folder, a file, or a pattern of tar shards.

    Raises:
        ModelsError: nothing there, an unknown kind, or it has not the layout of its kind.
    """
    if kind not in KINDS:
        raise ModelsError(f"unknown kind of source '{kind}': choose one of {', '.join(KINDS)}")
    path = Path(os.path.abspath(Path(where).expanduser()))
    chosen = _recognise(str(path), path) if kind == "auto" else kind
    if chosen == "webdataset":
        return webdataset(str(path))
    if not path.exists():
        raise ModelsError(f"{where} does not exist: name a folder, an archive or a shard pattern")
    return _OPENERS[chosen](path)


def _recognise(where: str, path: Path) -> str:
    if path.exists() and looks_like_cifar(path):
        return "cifar"
    if is_pattern(where):
        return "webdataset"
    if path.is_dir():
        if holds_shards(path):
            return "webdataset"
        if looks_like_imagenet(path):
            return "imagenet"
        if looks_like_v2(path):
            return "imagenet_v2"
    elif path.is_file() and path.suffix.lower() != ".zip":
        raise ModelsError(
            f"{where} is neither a .zip of image folders, a .tar shard nor a CIFAR archive: "
            "name its kind with --kind"
        )
    return "image_folder"
