"""Whole batches: shapes, seeds, parts, no waiting for the device."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trivit.models.augmentation import AugmentationConfig, Augmenter, evaluation_view
from trivit.models.data import DatasetInfo
from trivit.models.errors import ModelsError

from .images import COLOUR, GRAY, make_images

DEIT = AugmentationConfig(
    random_resized_crop=True,
    flip=0.5,
    policy="randaugment",
    erasing=0.25,
    mixup=0.8,
    cutmix=1.0,
)
DEIT_3 = AugmentationConfig(
    random_resized_crop=True,
    flip=0.5,
    policy="three_augment",
    color_jitter=0.3,
    interpolation="bilinear",
    cutmix=1.0,
)
CASES = [(COLOUR, 48, 32), (COLOUR, 48, 48), (GRAY, 28, 28)]


def batch_of(info: DatasetInfo, size: int, count: int = 16) -> tuple[Tensor, Tensor]:
    labels = torch.arange(count) % len(info.class_names)
    return make_images(count, info.channels, size, size), labels


@pytest.mark.parametrize("config", [DEIT, DEIT_3], ids=["deit", "deit3"])
@pytest.mark.parametrize(("info", "stored", "size"), CASES)
def test_batches_have_the_models_shape_and_soft_targets(
    config: AugmentationConfig, info: DatasetInfo, stored: int, size: int
) -> None:
    pixels, labels = batch_of(info, stored)
    before = pixels.clone()
    images, targets = Augmenter(config, info, size)(pixels, labels, seed=3)
    assert images.shape == (16, info.channels, size, size) and images.dtype == torch.float32
    assert images.isfinite().all() and images.std() > 0.3
    assert targets is not None and targets.shape == (16, 7)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(16))
    assert torch.equal(pixels, before)


def test_bfloat16_is_rounded_once_at_the_end() -> None:
    pixels, labels = batch_of(COLOUR, 48)
    for config in (DEIT, DEIT_3, AugmentationConfig()):
        exact, targets = Augmenter(config, COLOUR, 48)(pixels, labels, seed=3)
        images, same = Augmenter(config, COLOUR, 48, dtype=torch.bfloat16)(pixels, labels, seed=3)
        assert torch.equal(images, exact.to(torch.bfloat16))
        assert (targets is None and same is None) or torch.equal(targets, same)  # type: ignore[arg-type]


def test_a_model_may_have_more_classes_than_the_dataset() -> None:
    pixels, labels = batch_of(GRAY, 28)
    targets = Augmenter(DEIT, GRAY, 28, num_classes=20)(pixels, labels, 0).targets
    assert targets is not None and targets.shape == (16, 20)


def test_the_real_size() -> None:
    info = DatasetInfo(**{**vars(COLOUR), "height": 256, "width": 256})
    pixels, labels = batch_of(info, 256, 8)
    images, _ = Augmenter(DEIT, info, 224)(pixels, labels, 0)
    assert images.shape == (8, 3, 224, 224)


def test_without_settings_evaluation_and_training_see_the_same() -> None:
    pixels, labels = batch_of(COLOUR, 48)
    images, targets = Augmenter(AugmentationConfig(), COLOUR, 40)(pixels, labels, 0)
    assert torch.equal(images, COLOUR.normalise(evaluation_view(pixels, 40)))
    assert targets is None
    unchanged, _ = Augmenter(AugmentationConfig(), COLOUR)(pixels, labels, 0)
    assert torch.equal(unchanged, COLOUR.normalise(pixels))


def test_flip_mirrors_half_of_the_images() -> None:
    pixels, labels = batch_of(GRAY, 28, 400)
    images, _ = Augmenter(AugmentationConfig(flip=0.5), GRAY, 28)(pixels, labels, 0)
    plain = GRAY.normalise(pixels)
    stays = (images == plain).flatten(1).all(dim=1)
    mirrored = (images == plain.flip(-1)).flatten(1).all(dim=1)
    assert (stays ^ mirrored).all() and 160 < int(mirrored.sum()) < 240


@pytest.mark.parametrize("config", [DEIT, DEIT_3], ids=["deit", "deit3"])
def test_a_seed_says_everything(config: AugmentationConfig) -> None:
    pixels, labels = batch_of(COLOUR, 48)
    augmenter = Augmenter(config, COLOUR, 32)
    first, second, other = (augmenter(pixels, labels, seed) for seed in (1, 1, 2))
    fresh = Augmenter(config, COLOUR, 32)(pixels, labels, 1)
    for images, targets in (second, fresh):
        assert torch.equal(images, first.images)
        assert targets is not None and torch.equal(targets, first.targets)
    assert not torch.equal(other.images, first.images)


@pytest.mark.parametrize("config", [DEIT, DEIT_3], ids=["deit", "deit3"])
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_parts_are_pieces_of_the_whole(
    config: AugmentationConfig, processes: int, seed: int
) -> None:
    pixels, labels = batch_of(COLOUR, 48)
    whole = Augmenter(config, COLOUR, 32)(pixels, labels, seed)
    own = 16 // processes
    for rank in range(processes):
        part = slice(rank * own, (rank + 1) * own)
        # Each process has its own objects and fetches its own images only.
        images, targets = Augmenter(config, COLOUR, 32)(
            pixels[part].clone(), labels[part].clone(), seed, 16, part
        )
        assert targets is not None and whole.targets is not None
        torch.testing.assert_close(images, whole.images[part], rtol=0, atol=1e-5)
        assert torch.equal(targets, whole.targets[part])


def test_pairs_need_an_even_number() -> None:
    pixels, labels = batch_of(COLOUR, 48, 6)
    with pytest.raises(ModelsError, match=r"part of the batch is 3 images.*even number"):
        Augmenter(DEIT, COLOUR, 32)(pixels[:3], labels[:3], 0, 6, slice(0, 3))


def test_oblong_images_need_a_size() -> None:
    info = DatasetInfo(**{**vars(COLOUR), "width": 60})
    with pytest.raises(ModelsError, match=r"48 x 60.*image size"):
        Augmenter(AugmentationConfig(), info)
    images, _ = Augmenter(DEIT, info, 32)(make_images(4, 3, 48, 60), torch.arange(4), 0)
    assert images.shape == (4, 3, 32, 32)


class _Recorder(TorchDispatchMode):
    """Notes the operations that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        indices = args[1] if func.overloadpacket.__name__.startswith("index") else []
        if isinstance(indices, list | tuple):
            # A boolean index has a result of unknown size: the host waits to learn it.
            assert all(i is None or i.dtype != torch.bool for i in indices)
        return func(*args, **(kwargs or {}))


WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2", "bincount"}


@pytest.mark.parametrize("config", [DEIT, DEIT_3], ids=["deit", "deit3"])
def test_nothing_reads_back_from_the_device(config: AugmentationConfig) -> None:
    """On CUDA these operations make the host wait; none may occur in any of many steps."""
    pixels, labels = batch_of(COLOUR, 48)
    augmenter = Augmenter(config, COLOUR, 32)
    with _Recorder() as recorder:
        for seed in range(20):
            augmenter(pixels, labels, seed)
        calls = set(recorder.names)
        pixels.max().item()
    assert "bmm" in calls and not calls & WAITING
    assert recorder.names & WAITING, "the recorder does not see what makes the host wait"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("config", [DEIT, DEIT_3], ids=["deit", "deit3"])
def test_cuda_does_the_same_without_waiting(config: AugmentationConfig) -> None:
    pixels, labels = batch_of(COLOUR, 48)
    cuda = torch.device("cuda")
    still = AugmentationConfig(**{**vars(config), "erasing": 0.0})
    there = (pixels.to(cuda), labels.to(cuda))
    augmenter = Augmenter(still, COLOUR, 32)
    augmenter(*there, 0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        images, targets = augmenter(*there, 1)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected = Augmenter(still, COLOUR, 32)(pixels, labels, 1)
    # Products in half precision move some pixels by one level of 255, a few of them across a step.
    assert (images.cpu() - expected.images).abs().mean() < 0.02
    assert targets is not None and torch.equal(targets.cpu(), expected.targets)
