"""torch.compile for the few tensor shapes that a training's schedules visit."""

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import visited_ratios
from trivit.models.topology import KeepRatios, Passage, passages

# A graph takes a compiler up to a minute. Enough for a warm-up in ten steps, each of which meets
# the five levels of a cyclic patch schedule.
MAX_SHAPES = 64

BACKEND = "inductor"


def shapes_to_compile(config: ExperimentConfig, train_images: int) -> dict[KeepRatios, KeepRatios]:
    """Return the ratios that the training runs with, and for each the one that shares its graph.

    Ratios that keep the same numbers of patches, tokens and connections need one graph together;
    only those that meet in a step of this training count.

    Raises:
        ModelsError: the schedules visit more than ``MAX_SHAPES``.
    """
    visited = visited_ratios(config, train_images)
    first: dict[tuple[Passage, ...], KeepRatios] = {}
    shared = {r: first.setdefault(passages(config.model, r), r) for r in visited}
    if len(first) > MAX_SHAPES:
        raise ModelsError(
            f"training.compile is true and the schedules visit {len(first)} shapes, more than "
            f"{MAX_SHAPES}: set sparsity.warmup.steps and patch_schedule.steps, such as 5"
        )
    return shared


def compiled(forward: Callable[..., Any], shapes: int) -> Callable[..., Any]:
    """Return ``forward`` with a graph for each of up to ``shapes`` shapes, made when first met.

    Graphs are for fixed shapes (``dynamic=False``): those for any number of tokens are slower.
    """
    settings: Any = torch._dynamo.config
    settings.recompile_limit = max(settings.recompile_limit, 2 * shapes + 8)
    return torch.compile(forward, dynamic=False, backend=BACKEND)
