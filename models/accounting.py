"""Multiply-accumulates of an image and of a whole training, from the model's sizes and schedules.

Counted are the products with weights and the two of attention. Connections that a mask closes
count as not computed, as if keys were gathered; a GPU computes them all the same. Not counted: the
[CLS] row that ranks tokens (less than 0.05 %), LayerNorm, softmax, GELU.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from trivit.models.sparsity.counts import connection_count, keep_count
from trivit.models.sparsity.patches import sampled_patches
from trivit.models.training.config import ExperimentConfig
from trivit.models.training.schedules import (
    KeepRatios,
    epoch_ratios,
    run_ratios,
    selected_counts,
)
from trivit.models.vit_config import ViTConfig

DENSE = KeepRatios(token=1.0, attention=1.0, patch=1.0)


@dataclass(frozen=True)
class Stage:
    """Work between two selections: from one block's MLP to the attention of a later block.

    Attributes:
        name: what it is.
        tokens: tokens present, [CLS] included if there is one (0 where they do not matter).
        connections: pairs of tokens in each attention.
        macs: multiply-accumulates.
    """

    name: str
    tokens: int
    connections: int
    macs: int


@dataclass(frozen=True)
class ImageMacs:
    """Multiply-accumulates of one image, forward, by stage."""

    stages: tuple[Stage, ...]

    @property
    def total(self) -> int:
        """Sum of the stages."""
        return sum(stage.macs for stage in self.stages)

    @property
    def training(self) -> int:
        """Forward and backward: three times, but nobody wants the gradient of the image."""
        return 3 * self.total - self.stages[0].macs


@lru_cache(maxsize=4096)
def image_macs(vit: ViTConfig, ratios: KeepRatios) -> ImageMacs:
    """Return the work on one image at keep ratios that may differ from the final ones."""
    width, hidden = vit.embed_dim, vit.mlp_dim
    pixels = vit.in_channels * vit.patch_size**2
    stages = [Stage("patch embedding", 0, 0, vit.num_patches * pixels * width)]
    patches, prefix = vit.num_patches, vit.prefix_tokens
    if ratios.patch < 1:
        patches = sampled_patches(patches, ratios.patch, prefix)
    tokens, connections, macs, first = prefix + patches, (prefix + patches) ** 2, 0, 0
    for block in range(vit.depth):
        macs += 4 * tokens * width**2 + 2 * connections * width
        if block in vit.selector_blocks and min(ratios.token, ratios.attention) < 1:
            stages.append(Stage(_blocks(first, block), tokens, connections, macs))
            kept = keep_count(patches, ratios.token)
            fused = int(vit.fuse_tokens and kept < patches)
            patches = kept + fused
            tokens, connections, macs, first = prefix + patches, (prefix + patches) ** 2, 0, block
            if ratios.attention < 1:
                keys = keep_count(kept, ratios.attention)
                column = vit.class_connections == "open"
                connections = connection_count(
                    kept, keys, prefix=prefix, fused=fused, class_column=column
                )
        macs += 2 * tokens * width * hidden
    stages.append(Stage(_blocks(first, vit.depth - 1), tokens, connections, macs))
    stages.append(Stage("head", 0, 0, width * vit.num_classes))
    return ImageMacs(tuple(stages))


def _blocks(first: int, last: int) -> str:
    return f"blocks {first} to {last}"


@dataclass(frozen=True)
class TrainingMacs:
    """Multiply-accumulates of a whole training, forward and backward.

    Attributes:
        steps: optimizer steps.
        macs: with the schedules and the example level.
        dense_macs: the same epochs over all examples, patches, tokens and connections.
    """

    steps: int
    macs: int
    dense_macs: int

    @property
    def saved_percent(self) -> float:
        """Part of the dense training that is left out."""
        return 100.0 * (1 - self.macs / self.dense_macs)


def _work(vit: ViTConfig, ratios: Counter[KeepRatios]) -> int:
    """Return the work on one image in each of the steps that run with ``ratios``."""
    known: dict[tuple[int, ...], int] = {}
    total = 0
    for entry, steps in ratios.items():
        counts = selected_counts(vit, entry)
        if counts not in known:
            known[counts] = image_macs(vit, entry).training
        total += steps * known[counts]
    return total


def epoch_macs(config: ExperimentConfig, train_images: int, epoch: int) -> TrainingMacs:
    """Return the work of ``epoch`` (0-based); arguments as for ``training_macs``."""
    ratios = epoch_ratios(config, train_images, epoch)
    return _macs(config, ratios, train_images // config.training.batch_size)


def training_macs(config: ExperimentConfig, train_images: int) -> TrainingMacs:
    """Integrate the work over every step of the training that ``config`` describes.

    Every step counts with the keep ratios that it runs with: those of the selectors while they
    warm up, of the patch schedule, and an epoch's steps by the examples in play. Repeated
    augmentation changes which images a step shows, not how many.

    Args:
        config: the experiment.
        train_images: size of its full training set.
    """
    dense = config.training.epochs * (train_images // config.training.batch_size)
    return _macs(config, run_ratios(config, train_images), dense)


def _macs(config: ExperimentConfig, ratios: Counter[KeepRatios], dense_steps: int) -> TrainingMacs:
    vit, batch = config.model.vit, config.training.batch_size
    dense = image_macs(vit, DENSE).training * dense_steps
    return TrainingMacs(ratios.total(), _work(vit, ratios) * batch, dense * batch)


@dataclass(frozen=True)
class Savings:
    """What each method leaves out of the work that it finds when it is the only one, in percent.

    They do not add up: together, each works on what the others leave.

    Attributes:
        examples: steps that are not made.
        tokens, attention, patches: work of the steps that are made.
        shapes: numbers of tokens, through the model, that occur: what a compiler has to meet.
    """

    examples: float
    tokens: float
    attention: float
    patches: float
    shapes: int


def savings(config: ExperimentConfig, train_images: int) -> Savings:
    """Return what each method saves by itself; arguments as for ``training_macs``."""
    vit = config.model.vit
    ratios = run_ratios(config, train_images)
    steps = ratios.total()
    all_steps = config.training.epochs * (train_images // config.training.batch_size)
    dense = image_macs(vit, DENSE).training * steps

    def saved(level: str) -> float:
        alone: Counter[KeepRatios] = Counter()
        for entry, count in ratios.items():
            alone[DENSE._replace(**{level: getattr(entry, level)})] += count
        return 100.0 * (1 - _work(vit, alone) / dense)

    # The kept connections are a mask: they change no shape.
    shapes = {selected_counts(vit, entry._replace(attention=1.0)) for entry in ratios}
    return Savings(
        examples=100.0 * (1 - steps / all_steps),
        tokens=saved("token"),
        attention=saved("attention"),
        patches=saved("patch"),
        shapes=len(shapes),
    )
