"""Which operations an image gets: RandAugment, 3-Augment, colour jitter.

Shape suffixes: B images, L layers.
"""

import numpy as np

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.augmentation.geometry import identity, rotate, shear_x, shear_y, translate
from trivit.models.augmentation.plan import Op, Plan

# The geometric ones come first: they become warps.
RANDAUGMENT = (
    "rotate",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "autocontrast",
    "equalize",
    "invert",
    "posterize",
    "solarize",
    "solarize_add",
    "color",
    "contrast",
    "brightness",
    "sharpness",
)
"""timm's set for ``rand-...-inc1``: a higher magnitude always means a stronger change."""

_OPS = np.array(
    [getattr(Op, name.upper(), Op.WARP) for name in RANDAUGMENT],
    dtype=np.int64,
)


def draw_plan(
    rng: np.random.Generator, count: int, image_size: int, config: AugmentationConfig
) -> Plan | None:
    """Draw the operations of ``count`` square images; ``None`` when the settings ask for none."""
    plan = None
    if config.policy == "randaugment":
        plan = draw_randaugment(rng, count, image_size, config)
    elif config.policy == "three_augment":
        plan = draw_three_augment(rng, count)
    if config.color_jitter > 0:
        jitter = draw_color_jitter(rng, count, config.color_jitter)
        plan = jitter if plan is None else plan.then(jitter)
    return plan


def draw_randaugment(
    rng: np.random.Generator, count: int, image_size: int, config: AugmentationConfig
) -> Plan:
    """Draw RandAugment's operations and strengths, with the ranges of timm."""
    shape = (count, config.randaugment_layers)
    which = rng.integers(len(RANDAUGMENT), size=shape)
    carried_out = rng.random(shape) < config.randaugment_probability
    strength = rng.normal(config.randaugment_magnitude, config.randaugment_deviation, shape)
    level = np.clip(strength, 0, 10) / 10
    sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)

    def where(*names: str) -> np.ndarray:
        return np.isin(which, [RANDAUGMENT.index(name) for name in names])

    argument = np.zeros(shape)
    # Whole numbers are truncated as there.
    argument = np.where(where("posterize"), 4 - np.floor(4 * level), argument)
    argument = np.where(where("solarize"), 256 - np.floor(256 * level), argument)
    argument = np.where(where("solarize_add"), np.floor(110 * level), argument)
    enhanced = where("color", "contrast", "brightness", "sharpness")
    argument = np.where(enhanced, np.maximum(0.1, 1 + sign * 0.9 * level), argument)

    matrix = identity(*shape)
    shift, none = 0.45 * image_size * sign * level, np.zeros(shape)
    for name, matrices in (
        ("rotate", rotate(30 * sign * level, image_size, image_size)),
        ("shear_x", shear_x(0.3 * sign * level)),
        ("shear_y", shear_y(0.3 * sign * level)),
        ("translate_x", translate(shift, none)),
        ("translate_y", translate(none, shift)),
    ):
        matrix = np.where(where(name)[..., None, None], matrices, matrix)
    return Plan(np.where(carried_out, _OPS[which], Op.NOTHING), argument, matrix)


def draw_three_augment(rng: np.random.Generator, count: int) -> Plan:
    """Draw one of grayscale, solarisation at 128 and a blur of 0.1 to 2 pixels (DeiT III)."""
    op = rng.choice([Op.GRAYSCALE, Op.SOLARIZE, Op.BLUR], size=(count, 1))
    sigma = rng.uniform(0.1, 2.0, (count, 1))
    argument = np.where(op == Op.BLUR, sigma, np.where(op == Op.SOLARIZE, 128.0, 0.0))
    return Plan.of_colours(op, argument)


def draw_color_jitter(rng: np.random.Generator, count: int, strength: float) -> Plan:
    """Draw brightness, contrast and saturation, each by up to ``strength``, in any order."""
    order = rng.permuted(np.tile([Op.BRIGHTNESS, Op.CONTRAST, Op.COLOR], (count, 1)), axis=1)
    return Plan.of_colours(order, rng.uniform(1 - strength, 1 + strength, (count, 3)))
