"""Settings of the augmentation section of an experiment."""

import math
from dataclasses import dataclass
from typing import Literal

from trivit.models.errors import ModelsError

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """What training does to its images, in this order; by default nothing.

    The values of the DeiT recipe stand in brackets.

    Attributes:
        repeats: times that an example occurs in an epoch, which stays as long as it was, so that
            it shows only one in ``repeats`` of the examples (repeated augmentation) [3].
        random_resized_crop: cut a random region and resize it to the model's image size [true].
            Otherwise training sees the whole image, as evaluation does.
        scale: smallest and largest area of the region, as parts of the image [0.08, 1].
        ratio: smallest and largest width / height of the region [3/4, 4/3].
        interpolation: of the crop and of RandAugment's geometric operations [bicubic].
        flip: probability of mirroring an image left to right [0.5].
        policy: ``randaugment`` (timm's set of increasing operations) [this], or ``three_augment``:
            one of grayscale, solarisation and Gaussian blur (DeiT III).
        randaugment_layers: operations drawn for each image [2].
        randaugment_magnitude: mean strength, 0 to 10 [9].
        randaugment_deviation: standard deviation of the strength [0.5].
        randaugment_probability: that a drawn operation is carried out [0.5].
        color_jitter: brightness, contrast and saturation change by up to this part, in random
            order, after the policy [0; DeiT III: 0.3].
        erasing: probability that a rectangle of an image is filled with normal noise [0.25].
        erasing_area: smallest and largest area of the rectangle, as parts of the image [0.02, 1/3].
        mixup: parameter of mixup's Beta distribution, 0 for no mixup [0.8].
        cutmix: parameter of cutmix's Beta distribution, 0 for no cutmix [1].
        mix_probability: that a batch is mixed at all [1].
        switch_probability: that a mixed batch is cut and not blended, where both are on [0.5].

    Raises:
        ModelsError: a value out of its range.
    """

    repeats: int = 1
    random_resized_crop: bool = False
    scale: tuple[float, ...] = (0.08, 1.0)
    ratio: tuple[float, ...] = (3 / 4, 4 / 3)
    interpolation: Interpolation = "bicubic"
    flip: float = 0.0
    policy: Literal["none", "randaugment", "three_augment"] = "none"
    randaugment_layers: int = 2
    randaugment_magnitude: float = 9.0
    randaugment_deviation: float = 0.5
    randaugment_probability: float = 0.5
    color_jitter: float = 0.0
    erasing: float = 0.0
    erasing_area: tuple[float, ...] = (0.02, 1 / 3)
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_probability: float = 1.0
    switch_probability: float = 0.5

    def __post_init__(self) -> None:
        for name in ("repeats", "randaugment_layers"):
            value = getattr(self, name)
            _require(value >= 1, name, value, "1 or more")
        for name in (
            "flip",
            "randaugment_probability",
            "color_jitter",
            "erasing",
            "mix_probability",
            "switch_probability",
        ):
            value = getattr(self, name)
            _require(0 <= value <= 1, name, value, "0 to 1")
        for name in ("randaugment_deviation", "mixup", "cutmix"):
            value = getattr(self, name)
            _require(value >= 0 and math.isfinite(value), name, value, "0 or more")
        magnitude = self.randaugment_magnitude
        _require(0 <= magnitude <= 10, "randaugment_magnitude", magnitude, "0 to 10")
        for name, highest in (("scale", 1.0), ("ratio", math.inf), ("erasing_area", 1.0)):
            pair = getattr(self, name)
            allowed = "two rising numbers above 0"
            if math.isfinite(highest):
                allowed += f" and at most {highest:g}"
            holds = len(pair) == 2 and 0 < pair[0] <= pair[1] <= highest and math.isfinite(pair[1])
            _require(holds, name, list(pair), allowed)

    @property
    def mixes(self) -> bool:
        """Whether batches get soft targets."""
        return (self.mixup > 0 or self.cutmix > 0) and self.mix_probability > 0


def _require(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise ModelsError(f"augmentation.{name} is {value!r}: use {allowed}")
