"""What each step runs with: keep ratios, examples, learning rate, seeds of what it draws.

In one place for the trainer, its costs, compilation and resuming. No random generator's state is
stored: every epoch and every step seed their own streams, so that a resumed run draws what the
uninterrupted one drew.
"""

import hashlib
import math
from collections import Counter
from functools import lru_cache

from trivit.models.experiment.config import ExperimentConfig, TrainingConfig
from trivit.models.methods.patches.schedule import scheduled_keep_ratio
from trivit.models.methods.warmup import warmup_keep_ratio
from trivit.models.topology import KeepRatios


def keep_ratios(config: ExperimentConfig, epoch: float) -> KeepRatios:
    """Return the ratios at ``epoch``, which advances by fractions with every step."""
    vit, warmup = config.model, config.sparsity.warmup
    return KeepRatios(
        token=warmup_keep_ratio(vit.token_keep_ratio, epoch, warmup),
        attention=warmup_keep_ratio(vit.attention_keep_ratio, epoch, warmup),
        patch=scheduled_keep_ratio(config.patch_schedule, epoch, config.training.epochs),
    )


def examples_in_epoch(config: ExperimentConfig, train_images: int, epoch: int) -> int:
    """Return how many of ``train_images`` examples ``epoch`` (0-based) may show."""
    return config.sparsity.examples.in_play(train_images, epoch)


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


def left_out(config: ExperimentConfig) -> list[str]:
    """Return a line if the last update of the examples falls on the end of the training.

    Tri-Level's Table 5 has ten of them, one every 30 epochs of 300: nothing follows the tenth.
    """
    examples = config.sparsity.examples
    updates, epochs = examples.updates, config.training.epochs
    if not updates or updates * examples.period_epochs < epochs or examples.keep_ratio == 1:
        return []
    return [
        f"sparsity.examples.updates is {updates}: {updates - 1} are made, the last one would come "
        "when the training ends"
    ]


def learning_rate(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """Return the rate of ``step`` (0-based): linear warm-up, then a cosine to the minimum."""
    warmup = config.warmup_epochs * steps_per_epoch
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    total = config.epochs * steps_per_epoch
    progress = (step - warmup) / max(1.0, total - warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return config.min_learning_rate + (config.learning_rate - config.min_learning_rate) * cosine


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for a purpose, ``("order", epoch)`` or ``("depth", epoch, step)``."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
