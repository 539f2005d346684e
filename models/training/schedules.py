"""What each step runs with, in one place for the trainer, for accounting and for compilation."""

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from trivit.models.sparsity.counts import keep_count
from trivit.models.sparsity.examples import examples_in_play
from trivit.models.sparsity.patches import sampled_patches, scheduled_keep_ratio
from trivit.models.sparsity.schedule import warmup_keep_ratio
from trivit.models.training.config import ExperimentConfig
from trivit.models.vit_config import ViTConfig


class KeepRatios(NamedTuple):
    """Ratios in force at a step: of the selectors' tokens and connections, and of the patches."""

    token: float
    attention: float
    patch: float


def keep_ratios(config: ExperimentConfig, epoch: float) -> KeepRatios:
    """Return the ratios at ``epoch``, which advances by fractions with every step."""
    vit, warmup = config.model.vit, config.sparsity.warmup
    return KeepRatios(
        token=warmup_keep_ratio(vit.token_keep_ratio, epoch, warmup),
        attention=warmup_keep_ratio(vit.attention_keep_ratio, epoch, warmup),
        patch=scheduled_keep_ratio(config.patch_schedule, epoch, config.training.epochs),
    )


def examples_in_epoch(config: ExperimentConfig, train_images: int, epoch: int) -> int:
    """Return how many of ``train_images`` examples ``epoch`` (0-based) may show."""
    return examples_in_play(config.sparsity.examples, train_images, epoch)


def steps_in_epoch(config: ExperimentConfig, train_images: int, epoch: int) -> int:
    """Return the steps of ``epoch`` (0-based), of a full training set of ``train_images``.

    Repeated augmentation does not change it: it shows fewer examples, each several times.
    """
    return examples_in_epoch(config, train_images, epoch) // config.training.batch_size


def epoch_ratios(config: ExperimentConfig, train_images: int, epoch: int) -> Counter[KeepRatios]:
    """Return how many steps of ``epoch`` (0-based) run with which ratios."""
    steps = steps_in_epoch(config, train_images, epoch)
    return Counter(keep_ratios(config, epoch + index / steps) for index in range(steps))


@lru_cache(maxsize=4)
def run_ratios(config: ExperimentConfig, train_images: int) -> Counter[KeepRatios]:
    """Return how many steps of the training run with which ratios; not to be changed."""
    total: Counter[KeepRatios] = Counter()
    for epoch in range(config.training.epochs):
        total.update(epoch_ratios(config, train_images, epoch))
    return total


def visited_ratios(config: ExperimentConfig, train_images: int) -> list[KeepRatios]:
    """Return all ratios that the training runs with, largest first."""
    return sorted(run_ratios(config, train_images), reverse=True)


def selected_counts(vit: ViTConfig, ratios: KeepRatios) -> tuple[int, ...]:
    """Return the numbers of patches, tokens and connections that ``ratios`` stand for.

    Ratios that stand for the same numbers are the same computation: while they move with every
    step, many are.
    """
    patches = vit.num_patches
    if ratios.patch < 1:
        patches = sampled_patches(patches, ratios.patch, vit.prefix_tokens)
    counts = [patches, ratios.patch < 1, ratios.token < 1, ratios.attention < 1]
    for _ in vit.selector_blocks:
        kept = keep_count(patches, ratios.token)
        counts += [kept, keep_count(kept, ratios.attention)]
        patches = kept + int(vit.fuse_tokens and kept < patches)
    return tuple(counts)
