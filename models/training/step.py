"""One training step: forward, loss, backward, update, and the example level's bookkeeping."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.augmentation.batches import Batch
from trivit.models.clock import StepClock
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.layers.sparse_transformer import ForwardDetails
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.training.device import autocast
from trivit.models.training.distributed import in_rank_order
from trivit.models.training.optimisation import PlainUpdate, WeightUpdate


class StepResult(NamedTuple):
    """Scalars of one step, still on the device: reading them waits for it."""

    loss: Tensor
    correct: Tensor


def training_step(
    weights: WeightUpdate | PlainUpdate,
    forward: Callable[..., ForwardDetails],
    batch: Batch,
    config: ExperimentConfig,
    precision: str,
    examples: ExampleSelector,
    patch_scores_BN: Tensor | None = None,
    *,
    depth_draws_RB: Tensor | None = None,
    shared: bool = False,
    clock: StepClock | None = None,
) -> StepResult:
    """Update ``weights`` from one batch; record how each example did where ``examples`` needs it.

    Work of the device alone, and in place, so that a CUDA graph can repeat it.

    Args:
        weights: of a model in training mode; ``begin_step`` came before.
        forward: ``forward_details`` of what ``weights`` runs: as it is, compiled, or shared by
            processes.
        batch: images, labels, and soft targets if they were mixed.
        config: the experiment.
        precision: of the forward pass, ``float32`` or ``bfloat16``.
        examples: what records the outcomes.
        patch_scores_BN: rank the patches in place of the model's own order.
        depth_draws_RB: decide which branches stochastic depth leaves out.
        shared: several processes share the batch: exchange what is recorded.
        clock: told of the parts as they end.
    """
    mark = clock.mark if clock is not None else _no_mark
    block = config.sparsity.variance_block if examples.wants_variance else None
    smoothing = config.training.label_smoothing
    with autocast(precision, batch.images.device):
        details = forward(
            batch.images,
            variance_block=block,
            variance_correction=variance_correction(config),
            patch_scores_BN=patch_scores_BN,
            depth_draws_RB=depth_draws_RB,
        )
        targets = batch.labels if batch.targets is None else batch.targets
        loss = F.cross_entropy(details.logits, targets, label_smoothing=smoothing)
    mark("forward")
    loss.backward()
    mark("backward")
    weights.apply()
    mark("optimizer")
    # Of a mixed image, the class of the image it started from (as Tri-Level's code).
    correct_B = details.logits.detach().argmax(dim=1) == batch.labels
    if examples.active:
        confidence_B = None
        if examples.wants_confidence:
            probabilities_BC = details.logits.detach().float().softmax(dim=1)
            confidence_B = probabilities_BC.gather(1, batch.labels.unsqueeze(1)).squeeze(1)
        columns = [batch.indices, correct_B, details.cls_variance, confidence_B]
        indices_B, correct_all_B, variance_B, confidence_B = (
            _exchange(columns) if shared else columns
        )
        assert indices_B is not None and correct_all_B is not None
        examples.record(indices_B, correct_all_B.bool(), variance_B, confidence_B)
    return StepResult(loss.detach(), correct_B.sum())


def variance_correction(config: ExperimentConfig) -> int:
    """Return how the [CLS] variance is normalised: the released code takes the unbiased one."""
    return 1 if config.sparsity.compat == "code" else 0


def _no_mark(part: str) -> None:
    """Without a clock nobody is told."""


def _exchange(columns: list[Tensor | None]) -> list[Tensor | None]:
    """Return the columns of the whole batch; one exchange carries all of them."""
    given = [column.double() for column in columns if column is not None]
    merged = iter(in_rank_order(torch.stack(given, dim=1)).unbind(1))
    return [None if column is None else next(merged).to(column.dtype) for column in columns]
