"""Fashion-MNIST: 60,000 training and 10,000 test images, 28 x 28, one channel, 10 classes (MIT)."""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images
from trivit.models.data.idx import read_idx
from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write

INFO = DatasetInfo(
    name="fashion_mnist",
    channels=1,
    height=28,
    width=28,
    mean=(0.2860,),
    std=(0.3530,),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)

URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")

# SHA-256 of the decompressed files: Debian's package compresses the same bytes anew.
CONTENT_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

REMEDIES = (
    "install the Debian package dataset-fashion-mnist, or set TRIVIT_DATA to a folder with its "
    f"four .gz files, or allow the download from {URL}"
)


def cache_folder() -> Path:
    """Return the folder that downloads go to."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trivit" / "fashion-mnist"


def search_folders() -> list[Path]:
    """Return the folders that may hold the dataset, best first."""
    folders = []
    if chosen := os.environ.get("TRIVIT_DATA"):
        folders += [Path(chosen), Path(chosen) / "fashion-mnist"]
    return [*folders, SYSTEM_FOLDER, cache_folder()]


def find_folder(download: bool = True) -> Path:
    """Return the folder with the four files, downloading them when there is none.

    Raises:
        ModelsError: not found, and not allowed or not able to download.
    """
    for folder in search_folders():
        if all(_file(folder, name).is_file() for name in CONTENT_SHA256):
            return folder
    if not download:
        raise ModelsError(f"Fashion-MNIST was not found: {REMEDIES}")
    folder = cache_folder()
    for name in CONTENT_SHA256:
        if not _file(folder, name).is_file():
            _download(name, folder / f"{name}.gz")
    return folder


def load(download: bool = True) -> ImageDataset:
    """Read the dataset into memory.

    Raises:
        ModelsError: not found, or a file is truncated or corrupt.
    """
    folder = find_folder(download)
    return ImageDataset(INFO, _read_split(folder, "train"), _read_split(folder, "t10k"))


def _file(folder: Path, name: str) -> Path:
    plain = folder / name
    return plain if plain.is_file() else folder / f"{name}.gz"


def _read_split(folder: Path, split: str) -> Images:
    pixels_path = _file(folder, f"{split}-images-idx3-ubyte")
    labels_path = _file(folder, f"{split}-labels-idx1-ubyte")
    pixels, labels = read_idx(pixels_path), read_idx(labels_path)
    if pixels.dim() != 3 or pixels.shape[1:] != (INFO.height, INFO.width):
        raise ModelsError(
            f"{pixels_path} has shape {tuple(pixels.shape)}: "
            f"Fashion-MNIST images are {INFO.height} x {INFO.width}"
        )
    if labels.shape != pixels.shape[:1] or not len(labels):
        raise ModelsError(
            f"{labels_path} has {labels.numel()} labels for {len(pixels)} images: "
            "fetch the dataset again"
        )
    if int(labels.max()) >= len(INFO.class_names):
        raise ModelsError(f"{labels_path} has label {int(labels.max())}: labels run from 0 to 9")
    return Images(pixels.unsqueeze(1), labels.long())


def _download(name: str, target: Path) -> None:
    url = f"{URL}{name}.gz"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            compressed = response.read()
        content = gzip.decompress(compressed)
    except (urllib.error.URLError, OSError, EOFError, zlib.error) as error:
        raise ModelsError(f"cannot download {url} ({error}): {REMEDIES}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != CONTENT_SHA256[name]:
        raise ModelsError(f"{url} has the wrong SHA-256 {digest} after decompression: {REMEDIES}")
    with atomic_write(target) as temporary:
        temporary.write_bytes(compressed)
