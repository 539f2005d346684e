"""torch.compile, and the few tensor shapes that a training's schedules visit."""

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo

from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import visited_ratios
from trivit.models.topology import KeepRatios, Passage, passages

# Compiled or recorded. A compiler takes up to a minute for each. Enough for a warm-up in ten steps,
# each of which meets the five levels of a cyclic patch schedule.
MAX_SHAPES = 64

BACKEND = "inductor"


def training_shapes(config: ExperimentConfig, train_images: int) -> dict[KeepRatios, KeepRatios]:
    """Return the ratios that the training runs with, and for each the one that stands for it.

    Ratios that keep the same numbers of patches, tokens and connections ask for the same
    computation, and one of them stands for all; only those that meet in a step of this training
    count.
    """
    visited = visited_ratios(config, train_images)
    first: dict[tuple[Passage, ...], KeepRatios] = {}
    return {r: first.setdefault(passages(config.model, r), r) for r in visited}


def too_many(shapes: int) -> str | None:
    """Return what is wrong with so many shapes, and the remedy; ``None``: nothing."""
    if shapes <= MAX_SHAPES:
        return None
    return (
        f"the schedules visit {shapes} shapes, more than {MAX_SHAPES}: "
        "set sparsity.warmup.steps and patch_schedule.steps, such as 5"
    )


def compiled(forward: Callable[..., Any], shapes: int) -> Callable[..., Any]:
    """Return ``forward`` with a graph for each of up to ``shapes`` shapes, made when first met.

    Graphs are for fixed shapes (``dynamic=False``): those for any number of tokens are slower.
    """
    settings: Any = torch._dynamo.config
    settings.recompile_limit = max(settings.recompile_limit, 2 * shapes + 8)
    return torch.compile(forward, dynamic=False, backend=BACKEND)
