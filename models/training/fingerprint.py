"""What identifies the images that a run trains on, so that a resumed run can refuse others."""

import hashlib
from dataclasses import asdict
from typing import Any

import torch

from trivit.models.data import ImageDataset, Images, ImageSource
from trivit.models.errors import ModelsError

# Of the pixels in memory so many images are read, evenly spread: all of them would take seconds.
_SAMPLED = 512


def fingerprint(dataset: ImageDataset) -> dict[str, Any]:
    """Return name, numbers of images and a SHA-256 of ``dataset``, as JSON values.

    Beside them ``info``, the whole description: a run knows it without its images.

    The checksum covers all labels, and what the set says of its contents (``fingerprint``, as
    stores have it) or, of images in memory, the pixels of evenly spread ones. Images are on a CPU.
    """
    digest = hashlib.sha256()
    for images in (dataset.train, dataset.test):
        digest.update(images.labels.cpu().contiguous().numpy().tobytes())
        digest.update(_contents(images))
    return {
        "name": dataset.info.name,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "sha256": digest.hexdigest(),
        "info": asdict(dataset.info),
    }


def _contents(images: ImageSource) -> bytes:
    own = getattr(images, "fingerprint", None)
    if own is not None:
        return str(own).encode()
    if not isinstance(images, Images):
        return b""
    count = min(len(images), _SAMPLED)
    spread = torch.linspace(0, len(images) - 1, count).round().long()
    return images.pixels[spread].contiguous().numpy().tobytes()


def check_unchanged(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare the fingerprints of the run's start and of now.

    Raises:
        ModelsError: they differ.
    """
    for name, what in (
        ("name", "dataset"),
        ("train_images", "training images"),
        ("test_images", "test images"),
        ("sha256", "contents (SHA-256)"),
    ):
        if saved[name] != now[name]:
            raise ModelsError(
                f"the dataset changed since the run started: its {what} was "
                f"{str(saved[name])[:12]}, now {str(now[name])[:12]}: restore it, or train anew "
                "into another folder"
            )
