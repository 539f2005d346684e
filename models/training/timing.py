"""How long a sparse training step takes beside a dense one, on this machine."""

import copy
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from trivit.models.augmentation.batches import Batch
from trivit.models.clock import timed
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.methods.examples.method import ExampleConfig
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.training.compilation import compiled
from trivit.models.training.device import chosen_precision
from trivit.models.training.distributed import world
from trivit.models.training.graphs import Recorder, recorded
from trivit.models.training.optimisation import WeightUpdate
from trivit.models.training.step import training_step

_WARMUP_ROUNDS = 2


def time_steps(
    model: SparseTransformer,
    config: ExperimentConfig,
    batch: Batch,
    rounds: int,
    recorder: Recorder | None = None,
) -> dict[str, float]:
    """Return the median milliseconds of a sparse and a dense training step, and of their ratio.

    The steps take turns, and each ratio is that of neighbours, so a busy machine slows both. On a
    CPU one thread runs them: several would wait for each other whenever something else takes a
    core. The sparse step runs at the final keep ratios and pays for the example level's statistics;
    the dense one does neither. Both use all patches, as patch sampling at ratio 1 does. Works on
    copies: ``model`` does not change. With a ``recorder`` both are replayed, as in the run.
    """
    vit = config.model
    device = batch.images.device
    count = int(batch.indices.max()) + 1
    by_variance = config.sparsity.variance_block is not None
    copies = config.augmentation.repeats > 1
    examples, everything = (
        ExampleSelector(settings, count, 0, device, by_variance=by_variance, copies=copies)
        for settings in (config.sparsity.examples, ExampleConfig())
    )
    sparse = _make_step(
        model,
        config,
        batch,
        (vit.token_keep_ratio, vit.attention_keep_ratio),
        examples,
        recorder,
    )
    dense = _make_step(model, config, batch, (1.0, 1.0), everything, recorder)
    with _one_thread():
        for _ in range(_WARMUP_ROUNDS):
            sparse()
            dense()
        pairs = [(timed(sparse, device), timed(dense, device)) for _ in range(rounds)]
    return {
        "sparse_step_ms": 1000 * statistics.median(fast for fast, _ in pairs),
        "dense_step_ms": 1000 * statistics.median(slow for _, slow in pairs),
        "sparse_step_speedup": statistics.median(slow / fast for fast, slow in pairs),
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _make_step(
    model: SparseTransformer,
    config: ExperimentConfig,
    batch: Batch,
    keep_ratios: tuple[float, float],
    examples: ExampleSelector,
    recorder: Recorder | None,
) -> Callable[[], None]:
    model = copy.deepcopy(model).train()
    token, attention = keep_ratios
    precision = chosen_precision(config.training, batch.images.device)
    weights = WeightUpdate(model, config.training, precision=precision, copies=world().size == 1)
    weights.runs.set_keep_ratios(token=token, attention=attention)
    weights.runs.set_patch_sampling(PatchSampling())
    forward = weights.runs.forward_details
    if config.training.compile:
        forward = compiled(forward, 1)

    work = recorded(
        lambda: training_step(weights, forward, batch, config, precision, examples), recorder
    )

    def step() -> None:
        weights.begin_step(config.training.learning_rate)
        work()

    return step
