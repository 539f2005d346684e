"""How long a sparse training step takes beside a dense one, on this machine."""

import copy
import statistics
import time
from collections.abc import Callable

from trivit.models.data.batches import Batch
from trivit.models.sparsity.config import ExampleConfig
from trivit.models.sparsity.examples import ExampleSelector
from trivit.models.sparsity.patches import PatchSampling
from trivit.models.training.config import ExperimentConfig
from trivit.models.training.device import chosen_precision, synchronise
from trivit.models.training.optimisation import make_optimizer
from trivit.models.training.step import training_step
from trivit.models.vision_transformer import VisionTransformer

_WARMUP_ROUNDS = 2


def time_steps(
    model: VisionTransformer, config: ExperimentConfig, batch: Batch, rounds: int
) -> dict[str, float]:
    """Return the median milliseconds of a sparse and a dense training step, and their ratio.

    The steps are interleaved, so that a busy machine slows both. The sparse one runs at the final
    keep ratios and pays for the example level's statistics; the dense one does neither. Both use
    all patches, as patch sampling at ratio 1 does. Works on copies: ``model`` does not change.
    """
    vit = config.model.vit
    device = batch.images.device
    count = int(batch.indices.max()) + 1
    by_variance = config.sparsity.variance_block is not None
    examples, everything = (
        ExampleSelector(settings, count, 0, device, by_variance=by_variance)
        for settings in (config.sparsity.examples, ExampleConfig())
    )
    sparse = _make_step(
        model,
        config,
        batch,
        (vit.token_keep_ratio, vit.attention_keep_ratio),
        examples,
    )
    dense = _make_step(model, config, batch, (1.0, 1.0), everything)
    seconds: dict[Callable[[], None], list[float]] = {sparse: [], dense: []}
    for round_index in range(_WARMUP_ROUNDS + rounds):
        for step, times in seconds.items():
            synchronise(device)
            started = time.perf_counter()
            step()
            synchronise(device)
            if round_index >= _WARMUP_ROUNDS:
                times.append(time.perf_counter() - started)
    sparse_ms, dense_ms = (1000 * statistics.median(seconds[step]) for step in (sparse, dense))
    return {
        "sparse_step_ms": sparse_ms,
        "dense_step_ms": dense_ms,
        "sparse_step_speedup": dense_ms / sparse_ms,
    }


def _make_step(
    model: VisionTransformer,
    config: ExperimentConfig,
    batch: Batch,
    keep_ratios: tuple[float, float],
    examples: ExampleSelector,
) -> Callable[[], None]:
    model = copy.deepcopy(model).train()
    token, attention = keep_ratios
    model.set_keep_ratios(token=token, attention=attention)
    model.set_patch_sampling(PatchSampling())
    optimizer = make_optimizer(model, config.training)
    precision = chosen_precision(config.training, batch.images.device)

    def step() -> None:
        training_step(model, optimizer, batch, config, precision, examples)

    return step
