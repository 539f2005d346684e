"""Epochs of batches: order, repeats, parts, continuing in the middle."""

import pytest
import torch

from trivit.models.augmentation import AugmentationConfig
from trivit.models.augmentation.batches import Batch, epoch_batches, epoch_order
from trivit.models.data import DataConfig, Images

from .images import COLOUR, make_images

IMAGES = Images(make_images(60, 3, 48, 48), torch.arange(60) % 7)
MOVED = DataConfig(shift=2, flip=True)
RECIPE = AugmentationConfig(
    repeats=3, random_resized_crop=True, policy="randaugment", erasing=0.25, mixup=0.8, cutmix=1.0
)


def batches(**settings: object) -> list[Batch]:
    arguments = {
        "images": IMAGES,
        "info": COLOUR,
        "config": MOVED,
        "examples": torch.arange(5, 60),
        "batch_size": 12,
        "seed": 4,
        "augmentation": RECIPE,
        "image_size": 32,
    }
    return list(epoch_batches(**{**arguments, **settings}))  # type: ignore[arg-type]


def same(left: Batch, right: Batch, part: slice = slice(None)) -> None:
    torch.testing.assert_close(left.images, right.images[part], rtol=0, atol=1e-5)
    assert torch.equal(left.labels, right.labels[part])
    assert torch.equal(left.indices, right.indices[part])
    assert (left.targets is None) == (right.targets is None)
    if left.targets is not None and right.targets is not None:
        assert torch.equal(left.targets, right.targets[part])


def test_a_recipe_reaches_the_batches() -> None:
    made = batches()
    assert len(made) == 4
    for batch in made:
        assert batch.images.shape == (12, 3, 32, 32)
        assert batch.targets is not None and batch.targets.shape == (12, 7)
        assert torch.equal(batch.labels, batch.indices % 7)


def test_without_augmentation_only_shift_and_flip_remain() -> None:
    for batch in batches(augmentation=None, image_size=None, config=DataConfig()):
        assert batch.targets is None
        assert torch.equal(batch.images, COLOUR.normalise(IMAGES.pixels[batch.indices]))
    moved = batches(augmentation=None, image_size=None)
    still = batches(augmentation=None, image_size=None, config=DataConfig())
    assert all(torch.equal(a.indices, b.indices) for a, b in zip(moved, still, strict=True))
    assert not any(torch.equal(a.images, b.images) for a, b in zip(moved, still, strict=True))


def test_seeds_repeat_and_steps_differ() -> None:
    first, again, other = batches(), batches(), batches(seed=5)
    for a, b in zip(first, again, strict=True):
        same(a, b)
    assert not torch.equal(first[0].images, other[0].images)
    one_image = Images(IMAGES.pixels[:1].expand(60, -1, -1, -1), IMAGES.labels)
    a, b, *_ = batches(images=one_image, config=DataConfig())
    assert not torch.equal(a.images, b.images)


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_what_one_would_do(processes: int) -> None:
    whole = batches()
    own = 12 // processes
    for rank in range(processes):
        part = slice(rank * own, (rank + 1) * own)
        for mine, all_of_it in zip(batches(part=part), whole, strict=True):
            same(mine, all_of_it, part)


@pytest.mark.parametrize("first_step", [1, 3, 4])
def test_an_epoch_continues_in_the_middle(first_step: int) -> None:
    rest = batches(first_step=first_step)
    assert len(rest) == 4 - first_step
    for a, b in zip(rest, batches()[first_step:], strict=True):
        same(a, b)


def test_without_repeats_each_example_occurs_once() -> None:
    order = epoch_order(torch.arange(10, 33), 5, 1, torch.Generator().manual_seed(0))
    assert order.shape == (4, 5)
    assert len(set(order.flatten().tolist())) == 20 and set(order.flatten().tolist()) <= set(
        range(10, 33)
    )


def test_repeats_keep_the_length_and_show_a_third() -> None:
    order = epoch_order(torch.arange(1200), 60, 3, torch.Generator().manual_seed(0))
    assert order.shape == (20, 60)
    examples, counts = order.unique(return_counts=True)
    assert len(examples) == 400 and (counts == 3).all()
    # All copies of an example fall into one step, here where 3 divides the batch.
    for step in order:
        assert (step.unique(return_counts=True)[1] == 3).all()


def test_copies_follow_each_other_in_a_defined_order() -> None:
    (step, *_) = epoch_order(torch.arange(100), 12, 3, torch.Generator().manual_seed(0))
    assert torch.equal(step, step[:4].repeat(3))


@pytest.mark.parametrize("processes", [3, 4, 6])
@pytest.mark.parametrize("batch_size", [24, 48, 60])
def test_no_process_sees_two_copies_in_a_step(processes: int, batch_size: int) -> None:
    order = epoch_order(torch.arange(1000), batch_size, 3, torch.Generator().manual_seed(1))
    for step in order:
        for part in step.view(processes, -1):
            assert len(part.unique()) == len(part)
