"""Multiply-accumulates of an image and of a whole training, from the model's sizes and schedules.

Counted are the products with weights and the two of attention. Connections that a mask closes
count as not computed, as if keys were gathered; a GPU computes them all the same. How many a second
selector leaves depends on the images: expected numbers stand for them (``sparsity/open_keys.py``),
unless they were measured. Not counted: the [CLS] row that ranks tokens (less than 0.05 %),
LayerNorm, softmax, GELU.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from trivit.models.sparsity.counts import connection_count, keep_count
from trivit.models.sparsity.open_keys import Choice, open_keys, pooled_open_keys
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
        connections: pairs of tokens in each attention, a mean over images.
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
def image_macs(
    vit: ViTConfig, ratios: KeepRatios, measured: tuple[float, ...] | None = None
) -> ImageMacs:
    """Return the work on one image at keep ratios that may differ from the final ones.

    Args:
        vit: sizes of the model.
        ratios: share of the tokens, connections and patches.
        measured: mean connections behind each selector, instead of the expected ones.
    """
    width, hidden = vit.embed_dim, vit.mlp_dim
    pixels = vit.in_channels * vit.patch_size**2
    stages = [Stage("patch embedding", 0, 0, vit.num_patches * pixels * width)]
    prefix, choices = vit.prefix_tokens, _choices(vit, ratios)
    expected = _connections(vit, ratios, choices) if measured is None else measured
    tokens = prefix + _first_patches(vit, ratios)
    connections, macs, first = float(tokens**2), 0, 0
    for block in range(vit.depth):
        macs += 4 * tokens * width**2 + round(2 * connections * width)
        if block in vit.selector_blocks and min(ratios.token, ratios.attention) < 1:
            stages.append(Stage(_blocks(first, block), tokens, round(connections), macs))
            selector = vit.selector_blocks.index(block)
            tokens = prefix + choices[selector].kept + choices[selector].fused
            connections, macs, first = expected[selector], 0, block
        macs += 2 * tokens * width * hidden
    stages.append(Stage(_blocks(first, vit.depth - 1), tokens, round(connections), macs))
    stages.append(Stage("head", 0, 0, width * vit.num_classes))
    return ImageMacs(tuple(stages))


def _first_patches(vit: ViTConfig, ratios: KeepRatios) -> int:
    """Return the patch tokens of the first block."""
    if ratios.patch == 1:
        return vit.num_patches
    return sampled_patches(vit.num_patches, ratios.patch, vit.prefix_tokens)


def _choices(vit: ViTConfig, ratios: KeepRatios) -> tuple[Choice, ...]:
    """Return the numbers of each selector."""
    present, choices = _first_patches(vit, ratios), []
    for _ in vit.selector_blocks:
        kept = keep_count(present, ratios.token)
        fused = int(vit.fuse_tokens and kept < present)
        choices.append(Choice(present, kept, keep_count(kept, ratios.attention), fused))
        present = kept + fused
    return tuple(choices)


def _connections(vit: ViTConfig, ratios: KeepRatios, choices: tuple[Choice, ...]) -> list[float]:
    """Return the expected pairs of tokens that attend to each other behind each selector."""
    prefix, column = vit.prefix_tokens, vit.class_connections == "open"
    if ratios.attention == 1:
        return [float((prefix + c.kept + c.fused) ** 2) for c in choices]
    reopens = vit.attention_compat == "code"
    if vit.attention_pattern == "magnitude":
        means = pooled_open_keys(choices, reopens=reopens)
    elif vit.attention_pattern == "window" and reopens:
        means = [float(c.keys) for c in choices]
    else:
        means = open_keys(choices, reopens=reopens, least=int(not (prefix and column)))
    return [
        connection_count(c.kept, keys, prefix=prefix, fused=c.fused, class_column=column)
        for c, keys in zip(choices, means, strict=True)
    ]


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
    known: dict[tuple[object, ...], int] = {}
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
