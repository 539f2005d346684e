"""Small seeded images that a tiny model learns in seconds, for tests and dry runs."""

import torch
from torch import Tensor

from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images

INFO = DatasetInfo(
    name="synthetic",
    channels=1,
    height=28,
    width=28,
    mean=(0.25,),
    std=(0.3,),
    class_names=tuple(f"texture {i}" for i in range(10)),
)

TRAIN_IMAGES = 2000
TEST_IMAGES = 500
_SQUARE = 16
_SEED = 20230


def load(train_images: int | None = None, test_images: int | None = None) -> ImageDataset:
    """Make the dataset: a square of a class's texture on a dark ground, at a random place.

    A texture is a random 4 x 4 tile, repeated; the squares are 16 pixels wide and lie on multiples
    of 4, so that about a third of the patches of size 4 tell the class and the others nothing. The
    same counts always give the same images.
    """
    generator = torch.Generator().manual_seed(_SEED)
    tiles = torch.rand(len(INFO.class_names), 4, 4, generator=generator)
    textures = 0.3 + 0.7 * tiles.repeat(1, INFO.height // 4, INFO.width // 4)
    train = _make(textures, train_images or TRAIN_IMAGES, generator)
    generator.manual_seed(_SEED + 1)
    return ImageDataset(INFO, train, _make(textures, test_images or TEST_IMAGES, generator))


def _make(textures: Tensor, count: int, generator: torch.Generator) -> Images:
    labels = torch.randint(0, len(textures), (count,), generator=generator)
    corners = 4 * torch.randint(
        0, (INFO.height - _SQUARE) // 4 + 1, (count, 2, 1), generator=generator
    )
    pixels = torch.arange(INFO.height)
    inside = (pixels >= corners) & (pixels < corners + _SQUARE)  # (count, 2, side)
    square = inside[:, 0, :, None] & inside[:, 1, None, :]
    noise = torch.randn(count, *textures.shape[1:], generator=generator)
    images = (textures[labels] * square + 0.1 * noise).clamp(0, 1)
    return Images((images * 255).round().to(torch.uint8).unsqueeze(1), labels)
