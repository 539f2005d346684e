"""Images with edges, gradients and noise, the descriptions of two datasets, and Pillow's images."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trivit.models.data import DatasetInfo

COLOUR = DatasetInfo(
    name="colour",
    channels=3,
    height=48,
    width=48,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    class_names=tuple(map(str, range(7))),
)
GRAY = DatasetInfo(
    name="gray",
    channels=1,
    height=28,
    width=28,
    mean=(0.286,),
    std=(0.353,),
    class_names=tuple(map(str, range(7))),
)


def make_images(count: int, channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Return uint8 images: smooth patches, a sharp rectangle each, a little noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(
        coarse, (height, width), mode="bilinear", align_corners=True
    )
    smooth[:, :, height // 4 : height // 2, width // 3 : 2 * width // 3] += 0.3
    noise = 0.02 * torch.randn(smooth.shape, generator=generator)
    spread = torch.linspace(0.4, 1.1, count).view(-1, 1, 1, 1)
    return (255 * (spread * smooth + noise)).clamp(0, 255).to(torch.uint8)


def to_pillow(image_CHW: Tensor) -> Image.Image:
    array = image_CHW.permute(1, 2, 0).numpy()
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def from_pillow(image: Image.Image) -> Tensor:
    array = np.array(image)
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1)


def worst(left: Tensor, right: Tensor) -> int:
    """Return the largest difference of two uint8 tensors."""
    return int((left.int() - right.int()).abs().max())


def mean_difference(left: Tensor, right: Tensor) -> float:
    return float((left.float() - right.float()).abs().mean())
