"""Which operations are drawn, how often and how strong; groups against single images."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trivit.models.augmentation import AugmentationConfig, colour
from trivit.models.augmentation.geometry import rotate, translate, warp
from trivit.models.augmentation.plan import Op, Plan, carry_out
from trivit.models.augmentation.policy import (
    RANDAUGMENT,
    draw_color_jitter,
    draw_plan,
    draw_randaugment,
    draw_three_augment,
)
from trivit.models.augmentation.resample import blur_weights, resample

from .images import make_images, worst

RANDAUGMENT_9 = AugmentationConfig(policy="randaugment")
COUNT = 30_000


@pytest.fixture(scope="module")
def drawn() -> Plan:
    return draw_randaugment(np.random.default_rng(1), COUNT, 224, RANDAUGMENT_9)


def test_half_of_the_operations_are_carried_out(drawn: Plan) -> None:
    assert abs((drawn.op == Op.NOTHING).mean() - 0.5) < 0.01
    share = 0.5 / len(RANDAUGMENT)
    for op in Op:
        expected = {Op.NOTHING: 0.5, Op.WARP: 5 * share, Op.GRAYSCALE: 0, Op.BLUR: 0}.get(op, share)
        assert abs((drawn.op == op).mean() - expected) < 0.005, op


def test_layers_are_independent(drawn: Plan) -> None:
    both = ((drawn.op[:, 0] == Op.WARP) & (drawn.op[:, 1] == Op.WARP)).mean()
    assert abs(both - (1 / 6) ** 2) < 0.004


def test_strengths_have_timms_ranges(drawn: Plan) -> None:
    def arguments(op: Op) -> np.ndarray:
        return drawn.argument[drawn.op == op]

    # Magnitude 9 with deviation 0.5, up to 10.
    assert set(arguments(Op.POSTERIZE)) <= {0, 1, 2} and np.median(arguments(Op.POSTERIZE)) == 1
    assert abs(np.median(arguments(Op.SOLARIZE)) - 26) <= 1 and arguments(Op.SOLARIZE).min() == 0
    assert abs(np.median(arguments(Op.SOLARIZE_ADD)) - 99) <= 1
    assert arguments(Op.SOLARIZE_ADD).max() == 110
    for op in (Op.COLOR, Op.CONTRAST, Op.BRIGHTNESS, Op.SHARPNESS):
        factors = arguments(op)
        assert abs((factors > 1).mean() - 0.5) < 0.05
        assert abs(np.mean(factors[factors > 1]) - 1.81) < 0.01
        assert abs(np.mean(factors[factors < 1]) - 0.19) < 0.01
        assert factors.min() >= 0.1 and factors.max() <= 1.9


def test_warps_are_the_five_geometric_operations(drawn: Plan) -> None:
    matrices = drawn.matrix[drawn.op == Op.WARP]
    is_turn = matrices[:, 0, 0] < 1
    turns = np.degrees(np.arcsin(matrices[is_turn, 1, 0]))
    assert abs(is_turn.mean() - 0.2) < 0.02
    assert abs(np.abs(turns).mean() - 27) < 0.2 and np.abs(turns).max() <= 30 + 1e-9
    plain = matrices[~is_turn]
    for row, column, strongest in ((0, 1, 0.3), (1, 0, 0.3), (0, 2, 100.8), (1, 2, 100.8)):
        values = plain[:, row, column]
        moved = values[values != 0]
        assert abs(len(moved) / len(matrices) - 0.2) < 0.02
        assert abs(np.abs(moved).mean() - 0.9 * strongest) < 0.01 * strongest
        assert abs((moved > 0).mean() - 0.5) < 0.05
        assert np.abs(moved).max() <= strongest + 1e-9


def test_settings_change_layers_probability_and_strength() -> None:
    config = AugmentationConfig(
        policy="randaugment",
        randaugment_layers=3,
        randaugment_probability=1.0,
        randaugment_magnitude=5.0,
        randaugment_deviation=0.0,
    )
    plan = draw_randaugment(np.random.default_rng(0), 500, 32, config)
    assert plan.op.shape == (500, 3) and (plan.op != Op.NOTHING).all()
    assert set(plan.argument[plan.op == Op.SOLARIZE]) == {128.0}


def test_three_augment_takes_one_of_three() -> None:
    plan = draw_three_augment(np.random.default_rng(0), COUNT)
    assert plan.op.shape == (COUNT, 1)
    for op in (Op.GRAYSCALE, Op.SOLARIZE, Op.BLUR):
        assert abs((plan.op == op).mean() - 1 / 3) < 0.01
    assert set(plan.argument[plan.op == Op.SOLARIZE]) == {128.0}
    sigma = plan.argument[plan.op == Op.BLUR]
    assert sigma.min() >= 0.1 and sigma.max() <= 2 and abs(sigma.mean() - 1.05) < 0.02


def test_colour_jitter_takes_all_three_in_any_order() -> None:
    plan = draw_color_jitter(np.random.default_rng(0), COUNT, 0.3)
    assert (np.sort(plan.op, axis=1) == sorted([Op.BRIGHTNESS, Op.CONTRAST, Op.COLOR])).all()
    orders, counts = np.unique(plan.op, axis=0, return_counts=True)
    assert len(orders) == 6 and (np.abs(counts / COUNT - 1 / 6) < 0.01).all()
    assert 0.7 <= plan.argument.min() < 0.71 and 1.29 < plan.argument.max() <= 1.3


def test_no_policy_draws_nothing() -> None:
    assert draw_plan(np.random.default_rng(0), 4, 32, AugmentationConfig()) is None
    jitter = AugmentationConfig(policy="three_augment", color_jitter=0.3)
    plan = draw_plan(np.random.default_rng(0), 4, 32, jitter)
    assert plan is not None and plan.op.shape == (4, 4)


def one_by_one(plan: Plan, images: Tensor, fill: Tensor) -> Tensor:
    """Carry out each image's operations by itself, in order."""
    results = []
    for i, image in enumerate(images):
        pixels = image.unsqueeze(0)
        for op, argument, matrix in zip(plan.op[i], plan.argument[i], plan.matrix[i], strict=True):
            strength = torch.tensor([argument], dtype=torch.float32)
            if op == Op.WARP:
                pixels = warp(pixels, torch.tensor(matrix[None, :2]).float(), fill, "bilinear")
            elif op == Op.BLUR:
                weights = blur_weights(strength, pixels.shape[-1])
                pixels = resample(pixels, weights, weights)
            elif op != Op.NOTHING:
                function = getattr(colour, Op(op).name.lower())
                plain = op in (Op.AUTOCONTRAST, Op.EQUALIZE, Op.INVERT, Op.GRAYSCALE)
                pixels = function(pixels) if plain else function(pixels, strength)
        results.append(pixels)
    return torch.cat(results)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "config",
    [
        AugmentationConfig(policy="randaugment", randaugment_layers=3),
        AugmentationConfig(policy="three_augment", color_jitter=0.4),
        AugmentationConfig(color_jitter=0.4),
    ],
    ids=["randaugment", "three_augment", "jitter"],
)
def test_groups_give_what_single_images_give(channels: int, config: AugmentationConfig) -> None:
    images = make_images(120, channels, 28, 28)
    fill = torch.tensor([124, 116, 104][:channels], dtype=torch.uint8)
    plan = draw_plan(np.random.default_rng(5), 120, 28, config)
    assert plan is not None
    before = images.clone()
    # Two warps in a row are resampled once; the reference must know.
    expected = one_by_one(plan.composed(), images, fill)
    assert torch.equal(carry_out(plan, images, fill, "bilinear"), expected)
    assert torch.equal(images, before)


def test_warps_that_follow_each_other_are_composed_in_their_order() -> None:
    images = make_images(20, 3, 32, 32)
    fill = torch.tensor([124, 116, 104], dtype=torch.uint8)
    turn, down = rotate(np.full(20, 90.0), 32, 32), translate(np.zeros(20), np.full(20, 9.0))
    right = translate(np.full(20, -5.0), np.zeros(20))
    warps = Plan(np.full((20, 3), Op.WARP), np.zeros((20, 3)), np.stack([turn, down, right], 1))
    (left_over,) = {tuple(ops) for ops in warps.composed().op}
    assert left_over == (Op.NOTHING, Op.NOTHING, Op.WARP)
    at_once, each = (one_by_one(p, images, fill) for p in (warps.composed(), warps))
    # Whole pixels: nothing is interpolated. What the first shift cut off, the second would miss.
    assert worst(at_once[:, :, :23, 5:], each[:, :, :23, 5:]) <= 1
    # A colour operation between two warps keeps them apart.
    warps.op[:, 1] = Op.INVERT
    assert (warps.composed().op == warps.op).all()


def test_an_empty_plan_returns_the_images() -> None:
    images = make_images(3, 3, 8, 8)
    nothing = Plan.of_colours(np.zeros((3, 2), dtype=np.int64), np.zeros((3, 2)))
    assert carry_out(nothing, images, torch.zeros(3, dtype=torch.uint8), "bilinear") is images
