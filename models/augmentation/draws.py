"""All that is random in a batch's augmentation but the noise, drawn on the host at once."""

from dataclasses import dataclass

import numpy as np

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.augmentation.crop import Regions, draw_regions
from trivit.models.augmentation.erasing import Rectangles, draw_rectangles
from trivit.models.augmentation.mixing import Mixing, draw_mixing
from trivit.models.augmentation.plan import Plan
from trivit.models.augmentation.policy import draw_plan


@dataclass(frozen=True)
class Draws:
    """What happens to each image of a whole batch; ``None``: that is not done.

    Attributes:
        mirrored: which images are mirrored, bool (B,).
        regions: what is cut out.
        plan: the policy's operations.
        rectangles: what is erased.
        mixing: how pairs are mixed.
        seed: of the noise.
    """

    mirrored: np.ndarray
    regions: Regions | None
    plan: Plan | None
    rectangles: Rectangles | None
    mixing: Mixing | None
    seed: int


def draw(
    config: AugmentationConfig, seed: int, count: int, stored: tuple[int, int], image_size: int
) -> Draws:
    """Draw for a batch; the same arguments give the same draws.

    Args:
        config: what to do.
        seed: of the step.
        count: images of the whole batch.
        stored: height and width of the stored images.
        image_size: of the model.
    """
    rng = np.random.default_rng(seed)
    size = (image_size, image_size)
    mirrored = rng.random(count) < config.flip
    regions = rectangles = mixing = None
    if config.random_resized_crop:
        regions = draw_regions(rng, count, stored, config.scale, config.ratio)
    plan = draw_plan(rng, count, image_size, config)
    if config.erasing > 0:
        rectangles = draw_rectangles(rng, count, size, config.erasing, config.erasing_area)
    if config.mixes:
        mixing = draw_mixing(rng, size, config)
    return Draws(mirrored, regions, plan, rectangles, mixing, seed)
