"""torch.compile for the few tensor shapes that a training's schedules visit."""

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo

from trivit.models.errors import ModelsError
from trivit.models.training.config import ExperimentConfig
from trivit.models.training.schedules import KeepRatios, visited_ratios

# A graph takes a compiler up to a minute; the papers' schedules need fewer when they go in steps.
MAX_SHAPES = 32

BACKEND = "inductor"


def shapes_to_compile(config: ExperimentConfig, train_images: int) -> list[KeepRatios]:
    """Return the ratios of the training, each of which needs a graph of its own.

    Raises:
        ModelsError: the schedules visit more than ``MAX_SHAPES``.
    """
    ratios = visited_ratios(config, train_images)
    if len(ratios) > MAX_SHAPES:
        raise ModelsError(
            f"training.compile is true and the schedules visit {len(ratios)} shapes, more than "
            f"{MAX_SHAPES}: set sparsity.warmup.steps and patch_schedule.steps, such as 5"
        )
    return ratios


def compiled(forward: Callable[..., Any], shapes: int) -> Callable[..., Any]:
    """Return ``forward`` with a graph for each of up to ``shapes`` shapes, made when first met.

    Graphs are for fixed shapes (``dynamic=False``): those for any number of tokens are slower.
    """
    settings: Any = torch._dynamo.config
    settings.recompile_limit = max(settings.recompile_limit, 2 * shapes + 8)
    return torch.compile(forward, dynamic=False, backend=BACKEND)
