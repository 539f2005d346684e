"""Small seeded images that a tiny model learns in seconds, for tests and dry runs."""

import torch
from torch import Tensor

from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images

INFO = DatasetInfo(
    name="synthetic",
    channels=1,
    height=28,
    width=28,
    mean=(0.5,),
    std=(0.25,),
    class_names=tuple(f"pattern {i}" for i in range(10)),
)

TRAIN_IMAGES = 2000
TEST_IMAGES = 500
_SEED = 20230


def load(train_images: int | None = None, test_images: int | None = None) -> ImageDataset:
    """Make the dataset: one fixed 7 x 7 pattern per class, enlarged fourfold, plus noise.

    The same counts always give the same images.
    """
    generator = torch.Generator().manual_seed(_SEED)
    patterns = torch.rand(len(INFO.class_names), 7, 7, generator=generator)
    patterns = patterns.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    train = _make(patterns, train_images or TRAIN_IMAGES, generator)
    generator.manual_seed(_SEED + 1)
    return ImageDataset(INFO, train, _make(patterns, test_images or TEST_IMAGES, generator))


def _make(patterns: Tensor, count: int, generator: torch.Generator) -> Images:
    labels = torch.randint(0, len(patterns), (count,), generator=generator)
    noise = torch.randn(count, *patterns.shape[1:], generator=generator)
    images = (patterns[labels] + 0.3 * noise).clamp(0, 1)
    return Images((images * 255).round().to(torch.uint8).unsqueeze(1), labels)
